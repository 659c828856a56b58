// Settings that need no touch: limits, pauses, the school year, how the provider is read.

import { h } from "../dom.js";
import { calendarDay, localMinute } from "../format.js";
import { checkbox } from "../parts.js";
import { t } from "../text.js";
import { input, labelled } from "./settings-fields.js";

const LIFTED_AT_MOST_MS = 7 * 86_400_000;

export function advanced(stored, report) {
  const count = (name, min, max) => labelled(name, input(stored, name, { type: "number", min, max, required: true }));
  const dayOf = (name) => labelled(name, input(stored, name, { type: "date" }));
  const yes = (name) =>
    h("div", { class: "field" }, checkbox(name, "yes", t.settings.fields[name], stored[name]), h("p", { class: "hint" }, t.settings.hints[name]));
  const pairs = (...fields) => h("div", { class: "pairs" }, fields);
  return h(
    "details",
    { class: "card" },
    h("summary", {}, h("h2", {}, t.settings.advanced)),
    h("p", { class: "hint" }, t.settings.advancedHint),
    group(
      "limits",
      pairs(count("deactivation_percent", 1, 100), count("deactivation_minimum", 0, 1_000_000)),
      pairs(count("change_percent", 1, 100), count("change_minimum", 0, 1_000_000)),
      labelled("limits_lifted_until", liftedUntil(stored.limits_lifted_until)),
    ),
    group("pause", pairs(dayOf("pause_from"), dayOf("pause_until"))),
    group(
      "schoolYear",
      pairs(dayOf("school_year_from"), dayOf("school_year_until")),
      report?.school_year ? h("p", { class: "hint" }, t.settings.schoolYearFound(calendarDay(report.school_year.school_year_from), calendarDay(report.school_year.school_year_until))) : null,
      yes("deactivate_outside_school_year"),
    ),
    group(
      "first",
      yes("first_run_preview"),
      labelled("credentials_expire_on", input(stored, "credentials_expire_on", { type: "date" })),
    ),
    group(
      "reading",
      yes("delta_nights"),
      pairs(count("full_fetch_days", 1, 31), count("parallel_requests", 1, 20), count("page_size", 1, 10_000)),
      labelled("metadata_keys", input(stored, "metadata_keys", { value: stored.metadata_keys.join(", ") })),
    ),
  );
}

function group(name, ...fields) {
  const { title, text } = t.settings.groups[name];
  return h("fieldset", { class: "subject" }, h("legend", {}, title), h("p", { class: "hint" }, text), fields);
}

function liftedUntil(stored) {
  const latest = new Date(Date.now() + LIFTED_AT_MOST_MS).toISOString();
  return h("input", { name: "limits_lifted_until", type: "datetime-local", value: localMinute(stored), max: localMinute(latest) });
}
