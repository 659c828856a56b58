// What a test of the settings found: its steps, and what it offers. Kept for the other pages of this tab.

import { h } from "./dom.js";
import { number } from "./format.js";
import { card, notice, table } from "./parts.js";
import { t } from "./text.js";

const KEY = (district) => `report.${district}`;

export function keepReport(district, report) {
  sessionStorage.setItem(KEY(district), JSON.stringify(report));
}

export function keptReport(district) {
  return JSON.parse(sessionStorage.getItem(KEY(district)) ?? "null");
}

const MARKS = { true: ["good", "✓"], false: ["bad", "✕"], null: ["plain", "–"] };

export function showSteps(report) {
  const failed = report.steps.filter((step) => step.ok === false).length;
  const unreached = report.steps.filter((step) => step.ok === null && !step.remedy);
  return h(
    "div",
    {},
    notice(report.ok ? "good" : "bad", h("p", {}, report.ok ? t.test.passed : t.test.failed(failed))),
    h("ol", { class: "test" }, report.steps.filter((step) => !unreached.includes(step)).map(showStep)),
    unreached.length ? h("details", {}, h("summary", {}, t.test.others), h("ol", { class: "test" }, unreached.map(showStep))) : null,
  );
}

function showStep(step) {
  const [look, mark] = MARKS[step.ok];
  return h(
    "li",
    { class: look },
    h("span", { class: "mark", "aria-hidden": "true" }, mark),
    h(
      "div",
      {},
      h(
        "p",
        {},
        h("strong", {}, t.test.steps[step.name] ?? step.name),
        h("span", { class: "hidden" }, ` ${t.test.marks[step.ok]}.`),
        step.seconds === null ? null : h("span", { class: "seconds" }, t.test.seconds(step.seconds)),
      ),
      h("p", {}, step.message),
      step.remedy ? h("p", { class: "remedy" }, step.ok === false ? [h("strong", {}, t.test.remedy), " "] : null, step.remedy) : null,
    ),
  );
}

// What the provider told of itself; `useKey` takes a metadata key for counselors.
export function showFindings(report, useKey, schoolsLink) {
  const keys = Object.entries(report.metadata_keys);
  const roles = Object.entries(report.roles);
  const signIn = report.sign_in ? (t.test.methods[report.sign_in.method] ?? report.sign_in.method) : null;
  return card(
    t.test.found,
    signIn ? h("p", {}, t.test.signIn(signIn)) : null,
    h("p", {}, t.test.users(report.total_users === null ? null : number(report.total_users), number(report.sampled_users))),
    roles.length ? [h("h3", {}, t.test.roles), table(t.test.roles, t.test.roleHeads, roles.map(([role, count]) => [role, number(count)]))] : null,
    keys.length
      ? [
          h("h3", {}, t.test.keys),
          h("p", {}, t.test.keysLead),
          table(
            t.test.keys,
            t.test.keyHeads,
            keys.map(([key, count]) => [
              h("code", {}, key),
              t.test.coverage(count, report.sampled_users),
              h("code", {}, report.metadata_examples[key] ?? ""),
              h("button", { type: "button", class: "small", onclick: () => useKey(key) }, t.test.useKey, h("span", { class: "hidden" }, ` ${key}`)),
            ]),
          ),
        ]
      : null,
    h("h3", {}, t.test.schools),
    h("p", {}, t.test.schoolCount(number(report.schools.length + report.schools_left_out)), " ", h("a", { href: schoolsLink }, t.test.toSchools)),
  );
}
