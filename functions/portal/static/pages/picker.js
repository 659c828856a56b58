// Staff chooses a district: from those whose sync is on, each with how it fares, or by its ID.

import { add, h, replace } from "../dom.js";
import { time } from "../format.js";
import { navigate } from "../leaving.js";
import { action, badge, showProblem, table } from "../parts.js";
import { t } from "../text.js";

const PER_PAGE = 50;
const LOOKS = { failed: "bad", late: "bad", blocked: "warn", issues: "warn", good: "good", running: "busy" };

export async function picker({ main, account, api, signal }) {
  if (account.role !== "support") {
    return replace(main, h("h1", { tabindex: "-1" }, t.picker.none), h("p", {}, t.picker.noneRemedy));
  }
  const problems = h("div", { "aria-live": "assertive" });
  const rows = h("div", { class: "stack tight", "aria-live": "polite" });
  const found = [];
  let cursor = null;
  replace(
    main,
    h("h1", { tabindex: "-1" }, t.picker.title),
    byId(),
    problems,
    h("section", { class: "card", "aria-label": t.picker.caption }, rows),
  );
  try {
    await more();
  } catch (error) {
    if (!signal.aborted) replace(rows, showProblem(error));
  }

  async function more() {
    const page = await api.get("districts", { limit: PER_PAGE, cursor }, signal);
    found.push(...page.items);
    cursor = page.next_cursor;
    replace(rows, found.length ? table(t.picker.caption, t.picker.heads, found.map(row)) : h("p", { class: "nothing" }, t.picker.empty));
    if (cursor) add(rows, h("div", { class: "actions" }, action(t.picker.more, more, problems)));
  }
}

function row({ district_id: id, health, last_sync: last }) {
  return [
    h("a", { href: `#/${encodeURIComponent(id)}/home` }, id),
    badge(LOOKS[health] ?? "plain", t.picker.health[health] ?? health),
    last ? time(last.created_at) : "",
    last?.reason ?? "",
  ];
}

// Districts whose sync is off are not listed.
function byId() {
  const input = h("input", {
    id: "district",
    name: "district",
    required: true,
    pattern: "[A-Za-z0-9_\\-]{1,64}",
    autocomplete: "off",
    spellcheck: "false",
    "aria-describedby": "district-hint",
  });
  const choose = (event) => {
    event.preventDefault();
    navigate(`#/${encodeURIComponent(input.value.trim())}/home`);
  };
  return h(
    "form",
    { class: "card narrow", onsubmit: choose },
    h("label", { for: "district" }, t.picker.label),
    input,
    h("p", { class: "hint", id: "district-hint" }, t.picker.hint),
    h("div", { class: "actions" }, h("button", { class: "primary" }, t.picker.open)),
  );
}
