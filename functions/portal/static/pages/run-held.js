// Who a blocked run would have deactivated, and the decision: for all, for a school, or person by person.

import { add, h, replace } from "../dom.js";
import { number } from "../format.js";
import { navigate } from "../leaving.js";
import { action, ask, badge, card, field, select, table } from "../parts.js";
import { t } from "../text.js";

const PER_PAGE = 100;

export async function held(view, run) {
  const total = Object.values(run.held ?? {}).reduce((sum, count) => sum + count, 0);
  if (total === 0) return null;
  const { items: schools } = await view.api.get("schools", {}, view.signal);
  const names = new Map(schools.map((school) => [school.school_id, school.name]));
  const problems = h("div", { "aria-live": "assertive" });
  const list = h("div", { class: "stack tight", "aria-live": "polite" });
  const chosen = new Set();
  let found = [];
  let cursor = null;
  let school = "";

  async function load(anew) {
    if (anew) [found, cursor] = [[], null];
    const wanted = found.length + PER_PAGE;
    do {
      const page = await view.api.get(`runs/${run.run_id}/held`, { school, limit: PER_PAGE, cursor }, view.signal);
      found.push(...page.items);
      cursor = page.next_cursor;
    } while (cursor && found.length < wanted);
    draw();
  }

  function draw() {
    const open = found.filter((each) => !each.decision);
    replace(
      list,
      table(t.held.caption, t.held.heads, found.map(row)),
      cursor ? h("div", { class: "actions" }, action(t.held.more, () => load(false), problems)) : null,
    );
    replace(decide, open.length ? [decision("approve", "primary"), decision("discard", "")] : h("p", {}, t.held.decided));
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
    return [
      h("span", { class: "check" }, each.decision ? null : pick, h("a", { href: view.link("users", each.user_id) }, name)),
      t.roles[each.role] ?? "",
      each.school_ids.map((id) => names.get(id) ?? id).join(", "),
      state(each),
    ];
  }

  function state(each) {
    if (each.decision) return badge(each.decision === "approve" ? "warn" : "plain", t.held.decisions[each.decision]);
    return each.changed_since ? badge("plain", t.held.changedSince) : badge("warn", t.held.waiting);
  }

  // The people who are ticked; else the school that is chosen; else everybody.
  function selection() {
    if (chosen.size) return [{ user_ids: [...chosen] }, t.held.these(number(chosen.size))];
    if (school) return [{ school_id: school }, t.held.ofSchool(names.get(school) ?? school)];
    return [{ all: true }, t.held.everybody(number(total))];
  }

  function decision(name, look) {
    const [body, whom] = selection();
    return action(
      t.held[name](whom),
      async () => {
        if (!(await ask(t.held.asks[name](whom), t.held.means[name], t.held[name](whom)))) return;
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

  const bySchool = select("held-school", [["", t.held.anySchool], ...schools.map((each) => [each.school_id, each.name])], "");
  bySchool.addEventListener("change", () => {
    school = bySchool.value;
    chosen.clear();
    load(true);
  });
  const decide = h("div", { class: "actions" });
  const section = card(t.held.title(number(total)), h("p", {}, t.held.lead), field(t.held.school, bySchool), decide, problems);
  add(section, list);
  await load(true);
  return section;
}
