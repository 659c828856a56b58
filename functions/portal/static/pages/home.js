// Is it on, how did the last night end, when is the next one, and what needs attention.

import { h, replace } from "../dom.js";
import { changed, duration, issuesOf, longTime, number, time } from "../format.js";
import { card, isRunning, notice, stateBadge } from "../parts.js";
import { t } from "../text.js";
import { isOnAllOf } from "./run-held.js";

// Among which the last sync surely is, whatever was uploaded or changed by hand since.
const RUNS = 200;
const HELD = 200;

export async function home(view) {
  const [settings, { items: schools }, { items: runs }] = await Promise.all([
    view.api.get("settings", {}, view.signal),
    view.api.get("schools", {}, view.signal),
    view.api.get("runs", { limit: RUNS }, view.signal),
  ]);
  const syncs = runs.filter((run) => run.kind === "nightly" || run.kind === "manual");
  const isOn = settings.products.length > 0 && settings.why_not_run === null;
  replace(
    view.main,
    h("h1", { tabindex: "-1" }, t.home.title),
    settings.why_not_run === null ? null : steps(view, settings, schools),
    attention(view, settings, syncs[0], syncs[0]?.state === "blocked" && (await isOpen(view, syncs[0]))),
    h(
      "div",
      { class: "grid" },
      card(
        t.home.sync,
        h("p", { class: "big" }, h("span", { class: `dot ${isOn ? "good" : "plain"}`, "aria-hidden": "true" }), isOn ? t.home.on : t.home.off),
        h("p", {}, isOn ? t.home.next(longTime(new Date(settings.next_night))) : (settings.why_not_run ?? t.home.noProduct)),
      ),
      card(t.home.last, ...last(view, syncs[0])),
    ),
  );
}

// What a new district has to do, in order.
function steps(view, settings, schools) {
  const mapped = schools.filter((school) => school.oneroster_id).length;
  const all = [
    [settings.base_url && settings.consumer_key && settings.consumer_secret_set, t.home.steps.connection, "settings"],
    [settings.sign_in !== null, t.home.steps.test, "settings"],
    [mapped > 0, t.home.steps.schools, "schools"],
    [settings.products.length > 0, t.home.steps.products, "settings"],
    ...(settings.first_run_preview ? [[settings.previewed_at !== null, t.home.steps.preview, "runs"]] : []),
  ];
  const current = all.findIndex(([done]) => !done);
  return card(
    t.home.steps.title,
    h("p", {}, t.home.steps.lead),
    h(
      "ol",
      { class: "steps" },
      all.map(([done, text, page], place) =>
        h(
          "li",
          { class: done ? "done" : place === current ? "current" : null },
          h("a", { href: view.link(page) }, text),
          h("span", { class: "hidden" }, done ? t.done : t.open),
        ),
      ),
    ),
  );
}

// Whether somebody still has to decide about what a blocked run holds.
async function isOpen(view, run) {
  const { items, decisions, next_cursor: more } = await view.api.get(`runs/${run.run_id}/held`, { limit: HELD }, view.signal);
  if (Object.keys(run.held).every((kind) => decisions.some((each) => isOnAllOf(kind, each)))) return false;
  return more !== null || items.some((each) => !each.decision);
}

function attention(view, settings, run, isWaiting) {
  const found = [];
  for (const text of settings.notices) found.push(notice("warn", h("p", {}, text)));
  if (run?.state === "failed") found.push(notice("bad", h("p", {}, t.home.failed), h("p", {}, run.reason), to(view, run)));
  if (isWaiting) found.push(notice("warn", h("p", {}, t.home.blocked), to(view, run)));
  return found.length ? h("section", { "aria-label": t.home.attention, class: "stack" }, found) : null;
}

function to(view, run) {
  return h("p", {}, h("a", { href: view.link("runs", run.run_id) }, t.home.look));
}

function last(view, run) {
  if (!run) return [h("p", {}, t.home.never)];
  return [
    h("p", { class: "big" }, stateBadge(run.state)),
    h("p", {}, isRunning(run) ? t.home.running : sentence(run)),
    h("p", {}, h("a", { href: view.link("runs", run.run_id) }, t.home.details)),
  ];
}

function sentence(run) {
  const at = time(run.ended_at ?? run.created_at);
  if (run.state === "completed" || run.state === "completed_with_issues") {
    return t.home.ended(at, number(changed(run.counts)), number(issuesOf(run)), duration(run));
  }
  return t.home.endedOtherwise(at, run.reason ?? "");
}
