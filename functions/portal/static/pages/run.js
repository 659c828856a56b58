// One run: where it stands while it goes on, what it did, and what it found.

import { add, h, replace } from "../dom.js";
import { changed, duration, issuesOf, number, time } from "../format.js";
import { toCsv } from "../csv.js";
import { navigate } from "../leaving.js";
import { action, ask, badge, card, download, facts, isRunning, notice, showProblem, stateBadge } from "../parts.js";
import { t } from "../text.js";
import { samples } from "./run-changes.js";
import { held } from "./run-held.js";

const POLL_MS = 2_000;
const EXAMPLES = 20;
const LOADED_ISSUES = 1_000;
const COUNTS = ["fetched", "created", "updated", "linked", "reactivated", "deactivated", "unchanged", "skipped", "invalid", "superseded"];

export async function run(view) {
  let current = await view.api.get(`runs/${view.id}`, {}, view.signal);
  const head = h("div", { class: "stack" });
  const body = h("div", { class: "stack" });
  replace(view.main, head, body);
  draw();
  if (!isRunning(current)) await drawIssues();
  else follow();

  function draw() {
    replace(
      head,
      h("p", { class: "back" }, h("a", { href: view.link("runs") }, t.run.back)),
      h("div", { class: "title" }, h("h1", { tabindex: "-1" }, t.run.title(t.kinds[current.kind], time(current.created_at))), stateBadge(current.state)),
      isRunning(current) ? progress(current) : summary(current),
      counts(current),
    );
  }

  async function drawIssues() {
    const [waiting, changes, found] = await Promise.all([held(view, current), samples(view, current), issues(view, current)]);
    replace(body, waiting, changes, found, details(view, current), more(view, current));
  }

  // Not awaited: the page is there, and goes on by itself until it is left.
  async function follow() {
    while (isRunning(current) && !view.signal.aborted) {
      await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      try {
        const next = await view.api.get(`runs/${view.id}`, {}, view.signal);
        if (next.state !== current.state) view.announce(t.states[next.state]);
        current = next;
        draw();
      } catch (error) {
        if (view.signal.aborted) return;
        replace(body, showProblem(error, view.refresh));
        return;
      }
    }
    if (!view.signal.aborted) await drawIssues();
  }
}

function progress(run) {
  const known = run.chunks_expected > 0;
  const text = known ? t.run.applying(run.chunks_applied, run.chunks_expected) : t.run.progress[run.state];
  return card(
    t.run.running,
    h("progress", { "aria-label": text, ...(known ? { max: run.chunks_expected, value: run.chunks_applied } : {}) }),
    h("p", {}, text),
  );
}

function summary(run) {
  const text = run.reason ?? t.run.summary[run.state];
  const look = { failed: "bad", blocked: "warn", skipped: "warn" }[run.state] ?? (run.would_be_blocked ? "warn" : "good");
  return notice(look, run.kind === "preview" ? h("p", {}, run.would_be_blocked ? t.run.wouldBeBlocked : t.run.previewed) : null, h("p", {}, text), look === "bad" && isUntouched(run) ? h("p", {}, t.run.nothingLost) : null);
}

// A sync that failed before anything of it was saved.
function isUntouched(run) {
  return (run.kind === "nightly" || run.kind === "manual") && run.chunks_applied === 0;
}

function counts(run) {
  const shown = COUNTS.filter((name) => run.counts[name] > 0 || name === "fetched");
  return h(
    "dl",
    { class: "counts" },
    shown.map((name) => h("div", { class: name }, h("dt", {}, t.counts[name]), h("dd", {}, number(run.counts[name])))),
  );
}

async function issues(view, run) {
  const total = issuesOf(run);
  if (total === 0) return card(t.run.issues, h("p", {}, t.run.noIssues));
  const { items } = await view.api.all(`runs/${run.run_id}/issues`, { limit: LOADED_ISSUES }, LOADED_ISSUES, view.signal);
  const problems = h("div", {});
  const save = action(
    t.run.downloadIssues,
    async () => {
      const all = await view.api.all(`runs/${run.run_id}/issues`, { limit: LOADED_ISSUES });
      const columns = ["code", "severity", "message", "remedy", "sourced_id", "record_kind", "line", "column"];
      const rows = all.items.map((issue) => columns.map((name) => issue[name]));
      download(`issues-${view.district}-${run.run_id}.csv`, "text/csv", toCsv([columns, ...rows]));
    },
    problems,
  );
  const groups = Map.groupBy
    ? Map.groupBy(items, (issue) => issue.code)
    : items.reduce((map, issue) => map.set(issue.code, [...(map.get(issue.code) ?? []), issue]), new Map());
  const list = h("div", { class: "groups" });
  for (const [code, found] of groups) add(list, group(code, found, run.issues_by_code[code] ?? found.length));
  // The first thousand may be of one code.
  for (const [code, count] of Object.entries(run.issues_by_code)) if (!groups.has(code)) add(list, unseen(code, count));
  return card(t.run.issues, h("p", {}, t.run.issuesLead(number(total))), list, h("div", { class: "actions" }, save), problems);
}

function group(code, found, count) {
  const [first] = found;
  return h(
    "details",
    { class: "group" },
    h(
      "summary",
      {},
      badge(first.severity === "error" ? "bad" : "warn", t.severities[first.severity]),
      h("span", { class: "name" }, t.issues[code] ?? code.replaceAll("_", " ")),
      h("span", { class: "count" }, number(count)),
    ),
    h("p", {}, h("strong", {}, t.run.toDo), " ", first.remedy),
    h(
      "ul",
      {},
      found.slice(0, EXAMPLES).map((issue) => h("li", {}, where(issue), " ", issue.message)),
    ),
    count > EXAMPLES ? h("p", { class: "hint" }, t.run.moreOfThem(number(count - Math.min(EXAMPLES, found.length)))) : null,
  );
}

function unseen(code, count) {
  return h(
    "details",
    { class: "group" },
    h("summary", {}, h("span", { class: "name" }, t.issues[code] ?? code.replaceAll("_", " ")), h("span", { class: "count" }, number(count))),
    h("p", { class: "hint" }, t.run.inTheFile),
  );
}

function where(issue) {
  if (issue.line) return h("strong", {}, t.upload.line(issue.line, issue.column));
  return issue.sourced_id ? h("code", {}, issue.sourced_id) : "";
}

// Whether messages of it were kept that can be sent again.
function canBeRedriven(run) {
  return run.state === "failed" && run.kind !== "upload" && run.issues_by_code.work_not_done > 0;
}

// What can be done about a run that has ended.
function more(view, run) {
  const problems = h("div", { "aria-live": "assertive" });
  const begin = (path) => async () => {
    const next = await view.api.post(`runs/${run.run_id}/${path}`);
    if (next.run_id === run.run_id) view.refresh();
    else navigate(view.link("runs", next.run_id));
  };
  const undo = async () => {
    if (await ask(t.run.undoTitle, t.run.undoText, t.run.undo)) await begin("revert")();
  };
  const buttons = [
    canBeRedriven(run) ? action(t.run.redrive, begin("redrive"), problems) : null,
    run.kind !== "preview" && changed(run.counts) > 0 ? action(t.run.undo, undo, problems) : null,
  ];
  return buttons.some(Boolean) ? h("div", { class: "stack tight" }, h("div", { class: "actions" }, buttons), problems) : null;
}

function details(view, run) {
  return card(
    t.run.details,
    facts([
      [t.run.ofRun, run.of_run ? h("a", { href: view.link("runs", run.of_run) }, t.run.ofRunLink) : null],
      [t.run.began, time(run.started_at ?? run.created_at)],
      [t.run.took, duration(run)],
      [t.run.scope, run.scope_reason],
      [t.run.fetch, run.fetch_reason],
      [t.run.requests, run.provider_requests ? number(run.provider_requests) : null],
      [t.run.cost, run.cost_estimate_usd === undefined ? null : t.run.dollars(run.cost_estimate_usd)],
      [t.run.id, h("code", {}, run.run_id)],
    ]),
  );
}
