// The last nights and uploads: a chart, a table, and "Sync now".

import { nightsChart } from "../chart.js";
import { add, h, replace } from "../dom.js";
import { changed, duration, issuesOf, number, time } from "../format.js";
import { navigate } from "../leaving.js";
import { action, card, stateBadge, table } from "../parts.js";
import { t } from "../text.js";

// Among which are sixty nights, whatever was uploaded or changed by hand between them.
const LOADED = 200;
const PER_PAGE = 25;
const SYNCS = new Set(["nightly", "manual"]);

export async function runs(view) {
  let { items, next_cursor: cursor } = await view.api.get("runs", { limit: LOADED }, view.signal);
  const problems = h("div", { "aria-live": "assertive" });
  const list = h("div", { class: "stack tight" });
  let shown = PER_PAGE;

  const draw = () => {
    replace(
      list,
      table(t.runs.caption, t.runs.heads, items.slice(0, shown).map((run) => row(view, run))),
      shown < items.length || cursor ? h("div", { class: "actions" }, action(t.runs.older, showOlder, problems)) : null,
    );
  };

  async function showOlder() {
    shown += PER_PAGE;
    if (shown > items.length && cursor) {
      const older = await view.api.get("runs", { limit: LOADED, cursor }, view.signal);
      [items, cursor] = [[...items, ...older.items], older.next_cursor];
    }
    draw();
  }

  const syncNow = action(
    t.runs.syncNow,
    async () => {
      const run = await view.api.post("runs");
      navigate(view.link("runs", run.run_id));
    },
    problems,
    { class: "primary" },
  );
  const preview = action(
    t.runs.preview,
    async () => {
      const run = await view.api.post("runs", { preview: true });
      navigate(view.link("runs", run.run_id));
    },
    problems,
    { title: t.runs.previewHint },
  );
  replace(
    view.main,
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, t.pages.runs), h("div", { class: "actions" }, preview, syncNow)),
    problems,
  );
  if (items.length === 0) {
    add(view.main, card(t.runs.noneTitle, h("p", {}, t.runs.none)));
    return;
  }
  add(view.main, [
    card(t.runs.chart, nightsChart(items.filter((run) => SYNCS.has(run.kind)).reverse(), (run) => view.link("runs", run.run_id))),
    card(t.runs.list, list),
  ]);
  draw();
}

function row(view, run) {
  return [
    h("a", { href: view.link("runs", run.run_id) }, time(run.created_at)),
    t.kinds[run.kind] ?? run.kind,
    stateBadge(run.state),
    number(changed(run.counts)),
    number(issuesOf(run)),
    duration(run) || "–",
  ];
}
