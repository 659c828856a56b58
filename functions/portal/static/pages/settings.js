// The connection to the provider, its test, and what is synced.

import { add, h, replace } from "../dom.js";
import { guard } from "../leaving.js";
import { action, card, checkbox, notice, showProblem } from "../parts.js";
import { keepReport, keptReport, showFindings, showSteps } from "../test-report.js";
import { t } from "../text.js";
import { advanced } from "./settings-advanced.js";
import { consent } from "./settings-consent.js";
import { input, labelled, signInSelect } from "./settings-fields.js";
import { roleRows } from "./settings-roles.js";
import { differences, entered, isSame, whole } from "./settings-values.js";
import { timeSelect, zoneSelect } from "./settings-when.js";

const CONNECTION = ["base_url", "consumer_key", "consumer_secret", "token_url", "sign_in"];

export async function settings(view) {
  const loaded = await view.api.send("GET", "settings", { signal: view.signal });
  let stored = loaded.body;
  let etag = loaded.etag;
  let foundSignIn = null;
  const problems = h("div", { "aria-live": "assertive" });
  const results = h("div", { class: "stack" });
  const form = h("form", { class: "stack", novalidate: true, onsubmit: (event) => event.preventDefault() });
  const bar = h("div", { class: "savebar", "aria-live": "polite" });
  const unsaved = () => !isSame(entered(form), stored);

  const save = action(t.settings.save, () => store(etag), problems, { class: "primary" });
  const test = action(t.settings.test, runTest, problems);
  const note = h("span", { class: "hint" });
  add(bar, [save, test, note]);

  async function store(version, base = stored) {
    // What is wrong must be seen, also where it was folded away.
    for (const invalid of form.querySelectorAll(":invalid")) invalid.closest("details")?.setAttribute("open", "");
    if (!form.reportValidity()) return;
    const body = { ...whole(entered(form), base), ...(foundSignIn ? { sign_in: foundSignIn } : {}) };
    try {
      const saved = await view.api.send("PUT", "settings", { json: body, headers: version ? { "If-Match": version } : {} });
      [stored, etag] = [saved.body, saved.etag];
      fill();
      replace(problems, notice("good", h("p", {}, t.settings.saved), stored.why_not_run ? h("p", {}, stored.why_not_run) : null));
    } catch (error) {
      if (error.status !== 412 && error.status !== 409) throw error;
      await showConflict();
    }
  }

  async function showConflict() {
    const theirs = await view.api.send("GET", "settings");
    const mine = entered(form);
    const takeTheirs = () => {
      [stored, etag] = [theirs.body, theirs.etag];
      fill();
      replace(problems);
    };
    const keepMine = action(t.settings.conflict.mine, () => store(theirs.etag, theirs.body), h("div", {}));
    replace(
      problems,
      h(
        "div",
        { class: "notice warn", role: "alert" },
        h("h2", {}, t.settings.conflict.title),
        h("p", {}, t.settings.conflict.text),
        h(
          "ul",
          {},
          differences(mine, theirs.body).map(([name, ours, other]) => h("li", {}, t.settings.conflict.differs(t.settings.fields[name] ?? name, other, ours))),
        ),
        h("div", { class: "actions" }, h("button", { type: "button", onclick: takeTheirs }, t.settings.conflict.theirs), keepMine),
      ),
    );
  }

  async function runTest() {
    const now = entered(form);
    const connection = Object.fromEntries(CONNECTION.filter((name) => now[name]).map((name) => [name, now[name]]));
    const isSaved = isSame(Object.fromEntries(CONNECTION.filter((name) => name in now).map((name) => [name, now[name]])), stored);
    const stop = showProgress();
    try {
      const report = await view.api.post("settings/test", isSaved ? undefined : connection);
      foundSignIn = isSaved ? null : report.sign_in;
      keepReport(view.district, report);
      showReport(report);
      results.querySelector("h2").focus();
    } catch (error) {
      replace(results, showProblem(error));
    } finally {
      stop();
    }
  }

  function showProgress() {
    const seconds = h("span", { "aria-hidden": "true" });
    replace(results, card(t.test.running, h("progress", { "aria-label": t.test.running }), h("p", {}, t.test.patience, " ", seconds)));
    results.scrollIntoView({ block: "nearest" });
    view.announce(t.test.running);
    const begun = Date.now();
    const timer = setInterval(() => replace(seconds, t.test.elapsed(Math.round((Date.now() - begun) / 1000))), 1000);
    return () => clearInterval(timer);
  }

  function showReport(report) {
    const section = card(t.test.title, showSteps(report));
    section.querySelector("h2").tabIndex = -1;
    replace(results, section, report.sampled_users ? showFindings(report, useKey, view.link("schools")) : null);
    replaceRoles(report);
  }

  function useKey(key) {
    form.elements.counselor_metadata_key.value = key;
    form.elements.counselor_metadata_key.focus();
    changed();
  }

  function replaceRoles(report) {
    replace(form.querySelector("#roles"), roleRows(entered(form).roles, report.roles));
  }

  function changed() {
    replace(note, unsaved() ? t.settings.unsaved : "");
    bar.classList.toggle("dirty", unsaved());
  }

  function fill() {
    const [connection, ...others] = sections(stored, keptReport(view.district));
    replace(form, connection, results, others, problems, bar);
    foundSignIn = null;
    changed();
  }

  form.addEventListener("input", (event) => {
    // What a test found holds for what it tested.
    if (CONNECTION.includes(event.target.name)) foundSignIn = null;
    changed();
  });
  fill();
  guard(unsaved);
  replace(view.main, h("h1", { tabindex: "-1" }, t.settings.title), h("p", { class: "lead" }, t.settings.lead), form, await consent(view));
}

function sections(stored, report) {
  const secret = input(stored, "consumer_secret", {
    type: "password",
    autocomplete: "new-password",
    placeholder: stored.consumer_secret_set ? t.settings.secretStored : "",
  });
  const keys = h("datalist", { id: "metadata-keys" }, Object.keys(report?.metadata_keys ?? {}).map((key) => h("option", { value: key })));
  return [
    card(
      t.settings.connection,
      labelled("base_url", input(stored, "base_url", { type: "url", inputmode: "url", placeholder: "https://" })),
      labelled("consumer_key", input(stored, "consumer_key")),
      labelled("consumer_secret", secret),
      h(
        "details",
        { open: Boolean(stored.token_url) || stored.sign_in?.method === "bearer" },
        h("summary", {}, t.settings.moreSignIn),
        labelled("token_url", input(stored, "token_url", { type: "url" })),
        labelled("sign_in", signInSelect(stored)),
      ),
    ),
    card(
      t.settings.what,
      h(
        "fieldset",
        {},
        h("legend", {}, t.settings.products),
        h("p", { class: "hint" }, t.settings.productsHint),
        stored.offered_products.map((product) => checkbox("products", product, product, stored.products.includes(product))),
      ),
      labelled("counselor_metadata_key", input(stored, "counselor_metadata_key", { list: "metadata-keys" })),
      keys,
    ),
    card(
      t.settings.when,
      h("div", { class: "pairs" }, labelled("sync_time", timeSelect(stored.sync_time)), labelled("timezone", zoneSelect(stored.timezone))),
    ),
    h(
      "details",
      { class: "card" },
      h("summary", {}, h("h2", {}, t.settings.roles)),
      h("p", { class: "hint" }, t.settings.rolesHint),
      h("div", { id: "roles" }, roleRows(stored.roles, report?.roles ?? {})),
      labelled("role_metadata_key", input(stored, "role_metadata_key", { list: "metadata-keys" })),
    ),
    advanced(stored, report),
  ];
}
