// Who changed, uploaded, started or decided what, newest first.

import { add, h, replace } from "../dom.js";
import { calendarDay, clockTime, time } from "../format.js";
import { action, card, table } from "../parts.js";
import { t } from "../text.js";

const PER_PAGE = 50;
const OF_A_RUN = new Set([
  "user_changed",
  "users_uploaded",
  "run_started",
  "preview_started",
  "changes_approved",
  "changes_discarded",
  "run_undone",
  "run_redriven",
]);

export async function audit(view) {
  const page = (cursor) => view.api.get("audit", { limit: PER_PAGE, ...(cursor ? { cursor } : {}) }, view.signal);
  let { items, next_cursor: cursor } = await page(null);
  const problems = h("div", { "aria-live": "assertive" });
  const list = h("div", { class: "stack tight" });
  const more = action(
    t.audit.more,
    async () => {
      const next = await page(cursor);
      [items, cursor] = [[...items, ...next.items], next.next_cursor];
      draw();
    },
    problems,
  );
  const draw = () =>
    replace(
      list,
      table(t.audit.caption, t.audit.heads, items.map((line) => row(view, line)), "audit"),
      cursor ? h("div", { class: "actions" }, more) : null,
    );
  replace(view.main, h("h1", { tabindex: "-1" }, t.pages.audit), h("p", { class: "lead" }, t.audit.lead));
  add(view.main, card(t.audit.list, items.length ? list : h("p", {}, t.audit.none), problems));
  draw();
}

function row(view, line) {
  return [time(line.at), line.actor, [h("strong", {}, what(view, line)), details(line)]];
}

function what(view, line) {
  const text = t.audit.acts[line.act] ?? line.act;
  if (OF_A_RUN.has(line.act)) return h("a", { href: view.link("runs", line.subject) }, text);
  return line.act.startsWith("school_") ? `${text}: ${line.subject}` : text;
}

function details(line) {
  if (line.changes.length === 0) return null;
  return h("ul", { class: "plain" }, line.changes.map((change) => h("li", {}, sentence(change))));
}

function sentence({ name, before, after }) {
  const label = t.audit.names[name] ?? t.settings.fields[name] ?? name;
  if (before === null && after === null) return t.audit.changed(label);
  return t.audit.differs(label, shown(before), shown(after));
}

function shown(value) {
  if (value === null) return "–";
  if (/^\d{4}-\d\d-\d\dT/.test(value)) return time(value);
  if (/^\d{4}-\d\d-\d\d$/.test(value)) return calendarDay(value);
  return /^\d\d:\d\d$/.test(value) ? clockTime(value) : value;
}
