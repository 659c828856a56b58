// Some of the people whom a run changed, or would change, before and after.

import { h } from "../dom.js";
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

function nameIn({ before, after, sourced_id, user_id }) {
  const all = { ...before, ...after };
  return [all.given_name, all.family_name].filter(Boolean).join(" ") || all.email || sourced_id || user_id;
}

function differences({ kind, before, after }) {
  if (kind === "create") return [after.role, after.email].filter(Boolean).map((value) => t.roles[value] ?? value);
  return [...new Set([...Object.keys(before), ...Object.keys(after)])]
    .filter((name) => shown(before[name]) !== shown(after[name]))
    .map((name) => t.changed.differs(t.fields[name] ?? name.replaceAll("_", " "), shown(before[name]), shown(after[name])));
}

function shown(value) {
  if (value === null || value === undefined || value === "") return "–";
  if (Array.isArray(value)) return value.map(shown).join(", ") || "–";
  return typeof value === "object" ? JSON.stringify(value) : String(t.statuses[value] ?? t.roles[value] ?? value);
}
