// The district's users, found by school, role, status or e-mail address.

import { add, h, replace } from "../dom.js";
import { navigate } from "../leaving.js";
import { action, badge, field, select, table } from "../parts.js";
import { t } from "../text.js";

const PER_PAGE = 50;
const MOST_EMPTY_PAGES = 20;
const FILTERS = ["school", "role", "status", "email"];

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
    // A page may hold nobody although more come.
    for (let page = 0; page < MOST_EMPTY_PAGES && found.length < before + PER_PAGE; page += 1) {
      const answer = await view.api.get("users", { ...filter, limit: PER_PAGE, cursor }, view.signal);
      found.push(...answer.items);
      cursor = answer.next_cursor;
      if (!cursor) break;
    }
    draw();
  }

  function draw() {
    const on = action(t.users.more, more, problems);
    replace(
      rows,
      found.length ? table(t.users.caption, t.users.heads, found.map((user) => row(view, user, names))) : h("p", { class: "nothing" }, t.users.none),
      cursor ? h("div", { class: "actions" }, on) : null,
      h("p", { class: "hint" }, cursor ? t.users.shownSoFar(found.length) : t.users.shown(found.length)),
    );
  }

  const form = h(
    "form",
    { class: "card filters", role: "search", "aria-label": t.users.filter, onsubmit: search },
    field(t.users.email, h("input", { name: "email", type: "search", value: filter.email, minlength: "3", maxlength: "255", autocomplete: "off" })),
    field(t.users.school, select("school", [["", t.users.any], ...schools.map((school) => [school.school_id, school.name])], filter.school)),
    field(t.users.role, select("role", [["", t.users.any], ...Object.entries(t.roles)], filter.role)),
    field(t.users.status, select("status", [["", t.users.any], ...Object.entries(t.statuses)], filter.status)),
    h("div", { class: "actions" }, h("button", { class: "primary" }, t.users.search)),
  );

  function search(event) {
    event.preventDefault();
    const asked = new URLSearchParams([...new FormData(form)].filter(([, value]) => value.trim()));
    navigate(`${view.link("users")}?${asked}`);
  }

  replace(view.main, h("h1", { tabindex: "-1" }, t.pages.users), form, problems);
  await more();
  add(view.main, h("section", { class: "card", "aria-label": t.users.caption }, rows));
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
