// Some of the people whom a run changed, or would change, before and after.

import { h } from "../dom.js";
import { time } from "../format.js";
import { badge, card, table } from "../parts.js";
import { t } from "../text.js";

const LOOKS = { deactivate: "warn", create: "good", reactivate: "good" };

export async function samples(view, run) {
  const { items } = await view.api.get(`runs/${run.run_id}/samples`, {}, view.signal);
  if (items.length === 0) return null;
  const isPreview = run.kind === "preview";
  return card(
    isPreview ? t.changed.wouldTitle : t.changed.title,
    h("p", {}, t.changed.lead),
    table(t.changed.title, t.changed.heads, items.map((change) => row(view, change, isPreview))),
  );
}

function row(view, change, isPreview) {
  const name = nameIn(change);
  return [
    isPreview && change.kind === "create" ? name : h("a", { href: view.link("users", change.user_id) }, name),
    badge(LOOKS[change.kind] ?? "plain", t.changes[change.kind] ?? change.kind),
    h("ul", { class: "plain" }, differences(change).map((text) => h("li", {}, text))),
  ];
}

function nameIn({ before, after, sourced_id, user_id, ...now }) {
  const all = { ...now, ...before, ...after };
  return [all.given_name, all.family_name].filter(Boolean).join(" ") || all.email || sourced_id || user_id;
}

// What follows from another attribute that is shown, so that each change is told once.
const FOLLOWS = {
  deactivated_at: "status",
  sourced_id: "sourced_ids",
  manual_role: "role",
  sis_role: "role",
  manual_counselor_email: "counselor_email",
  sis_counselor_email: "counselor_email",
};

// What differs, one text an attribute; `names` are those of the schools, by id.
export function differences({ kind, before, after }, names = new Map()) {
  if (kind === "create") return [after.role, after.email].filter(Boolean).map((value) => t.roles[value] ?? value);
  const all = new Set([...Object.keys(before), ...Object.keys(after)]);
  return [...all]
    .filter((name) => !all.has(FOLLOWS[name]) && shown(name, before[name], names) !== shown(name, after[name], names))
    .map((name) => t.changed.differs(t.fields[name] ?? name, shown(name, before[name], names), shown(name, after[name], names)));
}

function shown(name, value, names) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.map((each) => shown(name, each, names)).join(", ") || "–";
  if (name === "deactivated_at") return time(value);
  if (typeof value === "object") return "type" in value ? `${value.type}: ${value.identifier}` : Object.entries(value).map(([key, each]) => `${key}: ${each}`).join(", ");
  return String(t.statuses[value] ?? t.roles[value] ?? names.get(value) ?? value);
}
