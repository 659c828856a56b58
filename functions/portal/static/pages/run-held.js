// What a run holds back, one card for each sort of change, and the decision: for all, for a school, or person by person.

import { add, h, replace } from "../dom.js";
import { number } from "../format.js";
import { navigate } from "../leaving.js";
import { action, ask, badge, card, field, select, table } from "../parts.js";
import { t } from "../text.js";
import { differences } from "./run-changes.js";

const PER_PAGE = 100;

// Whether a decision is about everything of a sort that was not decided before.
export function isOnAllOf(kind, decision) {
  return !decision.school_id && !decision.user_ids && (decision.kind ?? kind) === kind;
}

export async function held(view, run) {
  const kinds = Object.keys(t.held.kinds).filter((kind) => run.held?.[kind]);
  if (kinds.length === 0) return null;
  const { items: schools } = await view.api.get("schools", {}, view.signal);
  return h("div", { class: "stack" }, await Promise.all(kinds.map((kind) => heldOf(kind, view, run, schools))));
}

async function heldOf(kind, view, run, schools) {
  const words = t.held.kinds[kind];
  // A preview holds nothing: it says what a sync would hold.
  const decides = run.kind !== "preview";
  const shows = kind !== "deactivation";
  const names = new Map(schools.map((school) => [school.school_id, school.name]));
  const problems = h("div", { "aria-live": "assertive" });
  const list = h("div", { class: "stack tight", "aria-live": "polite" });
  const chosen = new Set();
  let found = [];
  let cursor = null;
  let school = "";
  let decisions = [];

  async function load(anew) {
    if (anew) [found, cursor] = [[], null];
    const wanted = found.length + PER_PAGE;
    do {
      const page = await view.api.get(`runs/${run.run_id}/held`, { kind, school, limit: PER_PAGE, cursor }, view.signal);
      found.push(...page.items);
      cursor = page.next_cursor;
      decisions = page.decisions;
    } while (cursor && found.length < wanted);
    draw();
  }

  function draw() {
    // Those who are not loaded yet may be open.
    const open = !decisions.some((each) => isOnAllOf(kind, each)) && (cursor !== null || found.some((each) => !each.decision));
    replace(
      list,
      found.length ? table(words.caption, heads(), found.map(row)) : null,
      cursor ? h("div", { class: "actions" }, action(t.held.more, () => load(false), problems)) : null,
    );
    if (found.length === 0 && !cursor) replace(decide, h("p", {}, t.held.nobody));
    else if (!decides) replace(decide);
    else replace(decide, open ? [decision("approve", "primary"), decision("discard", "")] : h("p", {}, t.held.decided));
  }

  function heads() {
    const { person, role, schools: at, what, decision: made } = t.held.heads;
    return [person, role, at, ...(shows ? [what] : []), ...(decides ? [made] : [])];
  }

  function row(each) {
    const name = [each.given_name, each.family_name].filter(Boolean).join(" ") || each.sourced_id || each.user_id;
    const pick = h("input", { type: "checkbox", "aria-label": t.held.pick(name), checked: chosen.has(each.user_id) });
    pick.addEventListener("change", () => {
      if (pick.checked) chosen.add(each.user_id);
      else chosen.delete(each.user_id);
      draw();
      list.querySelector(`[aria-label="${CSS.escape(t.held.pick(name))}"]`)?.focus();
    });
    const picks = decides && !each.decision;
    return [
      h("span", { class: "check" }, picks ? pick : null, h("a", { href: view.link("users", each.user_id) }, name)),
      t.roles[each.role] ?? "",
      each.school_ids.map((id) => names.get(id) ?? id).join(", "),
      ...(shows ? [h("ul", { class: "plain" }, differences(each, names).map((text) => h("li", {}, text)))] : []),
      ...(decides ? [state(each)] : []),
    ];
  }

  function state(each) {
    if (each.decision) return badge(each.decision === "approve" ? "warn" : "plain", t.held.decisions[each.decision]);
    return each.changed_since ? badge("plain", t.held.changedSince) : badge("warn", t.held.waiting);
  }

  // The people who are ticked; else the school that is chosen; else everybody of this sort.
  function selection() {
    if (chosen.size) return [{ user_ids: [...chosen], kind }, t.held.these(number(chosen.size))];
    if (school) return [{ school_id: school, kind }, t.held.ofSchool(names.get(school) ?? school)];
    return [{ all: true, kind }, decisions.length ? t.held.theRest : t.held.everybody(number(run.held[kind]))];
  }

  function decision(name, look) {
    const [body, whom] = selection();
    const does = words[name](whom);
    return action(
      does,
      async () => {
        if (!(await ask(t.held.asks(does), words.means[name], does))) return;
        const answer = await view.api.post(`runs/${run.run_id}/${name}`, body);
        if (name === "approve") return navigate(view.link("runs", answer.run_id));
        chosen.clear();
        view.announce(t.held.done);
        await load(true);
      },
      problems,
      { class: look },
    );
  }

  const bySchool = select(`held-school-${kind}`, [["", t.held.anySchool], ...schools.map((each) => [each.school_id, each.name])], "");
  bySchool.addEventListener("change", () => {
    school = bySchool.value;
    chosen.clear();
    load(true);
  });
  const decide = h("div", { class: "actions" });
  const section = card(
    words.title(number(run.held[kind])),
    h("p", {}, decides ? words.lead : words.wouldLead),
    field(t.held.school, bySchool),
    decide,
    problems,
  );
  add(section, list);
  await load(true);
  return section;
}
