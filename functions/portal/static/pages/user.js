// One user: each value, who wrote it and by which rule, why the person is here, and what changed of late.

import { h, replace } from "../dom.js";
import { time } from "../format.js";
import { badge, card, facts, notice, table } from "../parts.js";
import { t } from "../text.js";
import { differences } from "./run-changes.js";
import { editing } from "./user-edit.js";
import { nameOf } from "./users.js";

export async function user(view) {
  const [{ body: found, etag }, { items: past }, { items: schools }] = await Promise.all([
    view.api.send("GET", `users/${view.id}`, { signal: view.signal }),
    view.api.get(`users/${view.id}/changes`, {}, view.signal),
    view.api.get("schools", {}, view.signal),
  ]);
  const names = new Map(schools.map((school) => [school.school_id, school.name]));
  const active = found.status === "active";
  replace(
    view.main,
    h("p", { class: "back" }, h("a", { href: view.link("users") }, t.user.back)),
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, nameOf(found)), badge(active ? "good" : "plain", t.statuses[found.status])),
    active ? null : gone(view, found, past),
    card(
      t.user.why,
      h("p", {}, here(found, names)),
      h("p", {}, role(found)),
      found.products.length ? h("p", {}, t.user.products(found.products.join(", "))) : null,
    ),
    editing(view, found, etag),
    card(t.user.values, table(t.user.values, t.user.heads, values(view, found, names, past), "values")),
    card(
      t.user.history,
      facts([
        [t.user.created, time(found.created_at)],
        [t.user.updated, time(found.updated_at)],
        [t.user.id, h("code", {}, found.user_id)],
      ]),
      past.length
        ? table(t.user.history, t.user.pastHeads, past.map((each) => pastRow(view, each, names)))
        : h("p", {}, found.run_id ? [t.user.noPast, " ", h("a", { href: view.link("runs", found.run_id) }, t.user.runLink)] : t.user.noPast),
    ),
  );
}

function here(found, names) {
  if (!found.sourced_ids.length) return t.user.onlyUploaded;
  const schools = found.school_ids.map((id) => names.get(id) ?? id).join(", ");
  return t.user.fromSis(t.roles[found.sis_role], schools, found.sourced_ids.length);
}

function gone(view, found, past) {
  const last = past.find((each) => each.kind === "deactivate" || each.after.status === "inactive");
  const reason = found.sourced_ids.length ? t.user.goneFromSis : t.user.goneByUpload;
  return notice(
    "plain",
    h("p", {}, t.user.inactive(time(found.deactivated_at)), " ", reason, " ", last ? h("a", { href: view.link("runs", last.run_id) }, t.user.runLink) : null),
  );
}

function role(found) {
  const name = t.roles[found.role];
  if (found.manual_role && found.sis_role) return t.user.roleByBoth(name, t.roles[found.sis_role]);
  return found.manual_role ? t.user.roleByUpload(name) : t.user.roleByProvider(name);
}

function values(view, found, names, past) {
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
  ].map(([name, field]) => [t.fields[name], found[name], origin, provider ? field : "", [name], null]);
  const counselorBySis = Boolean(found.sis_counselor_email);
  fields.push(
    [t.fields.role, t.roles[found.role], found.manual_role ? t.user.fromHand : t.user.fromProvider, found.manual_role ? "" : "role", ["role"], found.manual_role ? t.user.rules.role : null],
    [t.fields.status, t.statuses[found.status], origin, provider ? "status, enabledUser" : "", ["status"], provider ? t.user.rules.status : null],
    [t.fields.sourced_ids, found.sourced_ids.join(", "), t.user.fromProvider, "sourcedId", ["sourced_ids"], found.sourced_ids.length > 1 ? t.user.rules.united : null],
    [t.fields.grades, found.grades.join(", "), origin, provider ? "grades" : "", ["grades"], null],
    [
      t.fields.schools,
      found.school_ids.map((id) => names.get(id) ?? id).join(", "),
      origin,
      provider ? "orgs" : "",
      ["school_ids"],
      provider ? t.user.rules.schools : null,
    ],
    [t.fields.agents, found.agents.join(", "), origin, "agents", ["agents"], null],
    [t.fields.user_ids, found.user_ids.map(({ type, identifier }) => `${type}: ${identifier}`).join(", "), origin, "userIds", ["user_ids"], null],
    [
      t.fields.counselor_email,
      found.counselor_email,
      counselorBySis ? t.user.fromProvider : t.user.fromHand,
      counselorBySis ? "metadata" : "",
      ["counselor_email"],
      counselorBySis && found.manual_counselor_email ? t.user.rules.counselor(found.manual_counselor_email) : null,
    ],
    [t.fields.products, found.products.join(", "), t.user.fromSettings, "", ["products"], t.user.rules.products],
    ...Object.entries(found.metadata).map(([key, value]) => [key, value, t.user.fromProvider, `metadata.${key}`, ["metadata"], null]),
  );
  return fields
    .filter(([, value]) => value)
    .map(([name, value, from, field, attributes, rule]) => [
      name,
      value,
      rule ? [from, h("span", { class: "rule" }, rule)] : from,
      field ? h("code", {}, field) : "",
      since(view, attributes, past),
    ]);
}

// The run that last wrote one of the attributes, as far as that is known.
function since(view, attributes, past) {
  const wrote = past.find(({ kind, before, after }) => kind === "create" || attributes.some((name) => name in before || name in after));
  return wrote ? h("a", { href: view.link("runs", wrote.run_id) }, time(wrote.at)) : t.user.longAgo;
}

function pastRow(view, each, names) {
  return [
    h("a", { href: view.link("runs", each.run_id) }, time(each.at)),
    badge("plain", t.changes[each.kind] ?? each.kind),
    h("ul", { class: "plain" }, differences(each, names).map((text) => h("li", {}, text))),
  ];
}
