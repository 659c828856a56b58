// The district's users, found by words, school, role, status or where they come from.

import { add, h, replace } from "../dom.js";
import { navigate } from "../leaving.js";
import { action, badge, field, notice, select, table } from "../parts.js";
import { t } from "../text.js";
import { counselorCheck } from "./users-counselors.js";

const PER_PAGE = 50;
const MOST_PAGES = 100;
const FILTERS = ["search", "school", "role", "status", "source", "counselor_email"];

export async function users(view) {
  const { items: schools } = await view.api.get("schools", {}, view.signal);
  const names = new Map(schools.map((school) => [school.school_id, school.name]));
  const filter = Object.fromEntries(FILTERS.map((name) => [name, view.query.get(name) ?? ""]));
  const rows = h("div", { class: "stack tight", "aria-live": "polite" });
  const problems = h("div", { "aria-live": "assertive" });
  const found = [];
  let cursor = null;

  async function more() {
    const before = found.length;
    // A page may hold nobody although more come: a large district is looked through part by part.
    for (let page = 0; page < MOST_PAGES && found.length < before + PER_PAGE; page += 1) {
      const answer = await view.api.get("users", { ...filter, limit: PER_PAGE, cursor }, view.signal);
      found.push(...answer.items);
      cursor = answer.next_cursor;
      if (!cursor) break;
      draw(true);
    }
    draw(false);
  }

  function draw(searching) {
    const on = action(found.length ? t.users.more : t.users.goOn, more, problems);
    replace(
      rows,
      found.length ? table(t.users.caption, t.users.heads, found.map((user) => row(view, user, names))) : null,
      found.length || searching || cursor ? null : [h("p", { class: "nothing" }, t.users.none), whyNot(view)],
      searching ? h("p", { class: "loading" }, t.users.searching) : null,
      cursor && !searching ? h("div", { class: "actions" }, on) : null,
      h("p", { class: "hint" }, cursor ? t.users.shownSoFar(found.length) : t.users.shown(found.length)),
    );
  }

  const form = h(
    "form",
    { class: "card filters", role: "search", "aria-label": t.users.filter, onsubmit: search },
    field(t.users.words, h("input", { name: "search", type: "search", value: filter.search, minlength: "2", maxlength: "255", autocomplete: "off" })),
    field(t.users.school, select("school", [["", t.users.any], ...schools.map((school) => [school.school_id, school.name])], filter.school)),
    field(t.users.role, select("role", [["", t.users.any], ...Object.entries(t.roles)], filter.role)),
    field(t.users.status, select("status", [["", t.users.any], ...Object.entries(t.statuses)], filter.status)),
    field(t.users.source, select("source", [["", t.users.any], ...Object.entries(t.sources)], filter.source)),
    filter.counselor_email ? h("input", { type: "hidden", name: "counselor_email", value: filter.counselor_email }) : null,
    h("div", { class: "actions" }, h("button", { class: "primary" }, t.users.search)),
  );

  function search(event) {
    event.preventDefault();
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
    navigate(`${view.link("users")}?${asked}`);
  }

  replace(
    view.main,
    h("h1", { tabindex: "-1" }, t.pages.users),
    form,
    filter.counselor_email
      ? notice("plain", h("p", {}, t.users.ofCounselor(filter.counselor_email), " ", h("a", { href: view.link("users") }, t.users.everybody)))
      : null,
    problems,
  );
  add(view.main, [h("section", { class: "card", "aria-label": t.users.caption }, rows), counselorCheck(view)]);
  await more();
}

// Why somebody who was looked for may not be here.
function whyNot(view) {
  return h(
    "div",
    {},
    h("p", {}, t.users.whyNot),
    h("ul", {}, Object.entries(t.users.reasons).map(([page, text]) => h("li", {}, h("a", { href: view.link(page) }, t.pages[page]), `: ${text}`))),
  );
}

export function nameOf(user) {
  const parts = [user.given_name, user.middle_name, user.family_name].filter(Boolean);
  return parts.join(" ") || user.username || user.email || user.user_id;
}

function row(view, user, names) {
  return [
    h("a", { href: view.link("users", user.user_id) }, nameOf(user)),
    user.email ?? "",
    t.roles[user.role],
    user.school_ids.map((id) => names.get(id) ?? id).join(", "),
    badge(user.status === "active" ? "good" : "plain", t.statuses[user.status]),
  ];
}
