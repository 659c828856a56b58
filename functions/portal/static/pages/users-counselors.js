// Counselors' e-mail addresses that name nobody, found when somebody asks.

import { add, h, replace } from "../dom.js";
import { number } from "../format.js";
import { action, card, table } from "../parts.js";
import { t } from "../text.js";

export function counselorCheck(view) {
  const problems = h("div", { "aria-live": "assertive" });
  const result = h("div", { class: "stack tight", "aria-live": "polite" });
  const section = card(t.counselors.title, h("p", {}, t.counselors.lead));
  add(section, [h("div", { class: "actions" }, action(t.counselors.check, check, problems)), problems, result]);
  return section;

  async function check() {
    const users = new Map();
    let cursor = null;
    do {
      replace(result, h("p", { class: "loading" }, t.users.searching));
      const part = await view.api.get("users/unknown-counselors", { cursor }, view.signal);
      for (const each of part.items) users.set(each.counselor_email, (users.get(each.counselor_email) ?? 0) + each.users);
      cursor = part.next_cursor;
    } while (cursor);
    replace(result, users.size ? list(view, [...users].sort()) : h("p", {}, t.counselors.none));
  }
}

function list(view, found) {
  return table(
    t.counselors.title,
    t.counselors.heads,
    found.map(([email, count]) => [email, h("a", { href: `${view.link("users")}?${new URLSearchParams({ counselor_email: email })}` }, t.counselors.people(number(count)))]),
  );
}
