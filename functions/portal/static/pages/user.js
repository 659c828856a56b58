// One user: each value, and where it came from.

import { h, replace } from "../dom.js";
import { time } from "../format.js";
import { badge, card, facts, notice, table } from "../parts.js";
import { t } from "../text.js";
import { editing } from "./user-edit.js";
import { nameOf } from "./users.js";

export async function user(view) {
  const [{ body: found, etag }, { items: schools }] = await Promise.all([
    view.api.send("GET", `users/${view.id}`, { signal: view.signal }),
    view.api.get("schools", {}, view.signal),
  ]);
  const names = new Map(schools.map((school) => [school.school_id, school.name]));
  const active = found.status === "active";
  replace(
    view.main,
    h("p", { class: "back" }, h("a", { href: view.link("users") }, t.user.back)),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, nameOf(found)), badge(active ? "good" : "plain", t.statuses[found.status])),
    active ? null : notice("plain", h("p", {}, t.user.inactive(time(found.deactivated_at)))),
    card(t.user.why, h("p", {}, role(found)), found.products.length ? h("p", {}, t.user.products(found.products.join(", "))) : null),
    editing(view, found, etag),
    card(t.user.values, table(t.user.values, t.user.heads, values(found, names), "values")),
    card(
      t.user.history,
      facts([
        [t.user.created, time(found.created_at)],
        [t.user.updated, time(found.updated_at)],
        [t.user.lastChange, found.last_change ? (t.changes[found.last_change] ?? found.last_change) : null],
        [t.user.run, found.run_id ? h("a", { href: view.link("runs", found.run_id) }, t.user.runLink) : null],
        [t.user.id, h("code", {}, found.user_id)],
      ]),
    ),
  );
}

function role(found) {
  const name = t.roles[found.role];
  if (found.manual_role && found.sis_role) return t.user.roleByBoth(name, t.roles[found.sis_role]);
  return found.manual_role ? t.user.roleByUpload(name) : t.user.roleByProvider(name);
}

function values(found, names) {
  const provider = found.sourced_ids.length > 0;
  const origin = provider ? t.user.fromProvider : t.user.fromUpload;
  const fields = [
    ["given_name", "givenName"],
    ["middle_name", "middleName"],
    ["family_name", "familyName"],
    ["email", "email"],
    ["username", "username"],
    ["identifier", "identifier"],
    ["phone", "phone"],
    ["sms", "sms"],
  ].map(([name, field]) => [t.fields[name], found[name], origin, provider ? field : ""]);
  fields.push(
    [t.fields.sourced_ids, found.sourced_ids.join(", "), t.user.fromProvider, "sourcedId"],
    [t.fields.grades, found.grades.join(", "), origin, provider ? "grades" : ""],
    [t.fields.schools, found.school_ids.map((id) => names.get(id) ?? id).join(", "), origin, provider ? "orgs" : ""],
    [t.fields.agents, found.agents.join(", "), origin, "agents"],
    [t.fields.user_ids, found.user_ids.map(({ type, identifier }) => `${type}: ${identifier}`).join(", "), origin, "userIds"],
    [
      t.fields.counselor_email,
      found.counselor_email,
      found.sis_counselor_email ? t.user.fromProvider : t.user.fromUpload,
      found.sis_counselor_email ? "metadata" : "",
    ],
    ...Object.entries(found.metadata).map(([key, value]) => [key, value, t.user.fromProvider, `metadata.${key}`]),
  );
  return fields.filter(([, value]) => value).map(([name, value, from, field]) => [name, value, from, field ? h("code", {}, field) : ""]);
}
