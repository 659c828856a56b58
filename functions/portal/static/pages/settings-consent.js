// The district's consent that the vendor's support staff export its users, for a time.

import { h, replace } from "../dom.js";
import { calendarDay, localMinute, time } from "../format.js";
import { action, field } from "../parts.js";
import { t } from "../text.js";

// To the end of the last day, which is 30 days ahead at most.
const MOST_DAYS = 29;
const USUAL_DAYS = 7;
const DAY_MS = 86_400_000;

export async function consent(view) {
  const path = "export/consent";
  const problems = h("div", { "aria-live": "assertive" });
  const body = h("div", { class: "stack tight" });

  const show = (given) => {
    const until = h("input", { type: "date", required: true, min: dayAhead(0), max: dayAhead(MOST_DAYS), value: dayAhead(USUAL_DAYS) });
    const allow = action(
      given.until ? t.consent.change : t.consent.allow,
      async () => {
        if (!until.reportValidity()) return;
        const answer = await view.api.send("PUT", path, { json: { until: new Date(`${until.value}T23:59:00`).toISOString() } });
        show(answer.body);
        view.announce(t.consent.saved);
      },
      problems,
    );
    const takeBack = action(
      t.consent.takeBack,
      async () => {
        await view.api.send("DELETE", path);
        show({ until: null });
        view.announce(t.consent.takenBack);
      },
      problems,
    );
    const decision = [
      field(t.consent.until, until, t.consent.untilHint(calendarDay(dayAhead(MOST_DAYS)))),
      h("div", { class: "actions" }, allow, given.until ? takeBack : null),
    ];
    replace(
      body,
      h("p", {}, given.until ? t.consent.given(time(given.until), given.given_by, time(given.given_at)) : t.consent.none),
      view.account.role === "district_admin" ? decision : h("p", {}, t.consent.notYours),
    );
  };

  show(await view.api.get(path, {}, view.signal));
  return h("details", { class: "card" }, h("summary", {}, h("h2", {}, t.consent.title)), h("p", { class: "hint" }, t.consent.lead), body, problems);
}

function dayAhead(days) {
  return localMinute(new Date(Date.now() + days * DAY_MS).toISOString()).slice(0, 10);
}
