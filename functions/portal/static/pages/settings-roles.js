// Which of our roles each OneRoster role becomes.

import { h } from "../dom.js";
import { field, select } from "../parts.js";
import { t } from "../text.js";

const ALWAYS = ["aide", "proctor", "parent", "guardian", "relative"];
const BY_ITSELF = ["student", "teacher", "administrator"];
const CHOICES = ["student", "sponsor", "administrator", "counselor"];

export function roleRows(mapped, seen) {
  const names = new Set([...ALWAYS, ...Object.keys(mapped), ...Object.keys(seen).map((name) => name.toLowerCase())]);
  for (const name of BY_ITSELF) if (!(name in mapped)) names.delete(name);
  const options = [["", t.settings.notImported], ...CHOICES.map((role) => [role, t.roles[role]])];
  return h(
    "div",
    { class: "pairs" },
    [...names].sort().map((name) => field(t.settings.roleOf(name), select(`role:${name}`, options, mapped[name] ?? ""))),
  );
}
