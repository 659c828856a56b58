// The district's schools, and which of the provider's schools each is.

import { add, h, newId, replace } from "../dom.js";
import { number } from "../format.js";
import { action, ask, badge, card, field, notice, showProblem, table } from "../parts.js";
import { keepReport, keptReport } from "../test-report.js";
import { t } from "../text.js";
import { newSchoolId, suggest } from "./schools-matching.js";

const SHOWN = 50;

export async function schools(view) {
  let list = (await view.api.get("schools", {}, view.signal)).items;
  let report = keptReport(view.district);
  let wanted = "";
  const problems = h("div", { "aria-live": "assertive" });
  const ours = h("div", { class: "stack tight" });
  const theirs = h("div", { class: "stack tight" });

  const lookUp = action(
    t.schools.lookUp,
    async () => {
      view.announce(t.test.running);
      const found = await view.api.post("settings/test");
      keepReport(view.district, found);
      report = found;
      drawTheirs();
      if (found.schools.length === 0) replace(problems, notice("bad", h("p", {}, failure(found)), h("p", {}, h("a", { href: view.link("settings") }, t.schools.toSettings))));
    },
    problems,
  );

  async function put(school) {
    const { name, oneroster_id } = school;
    const school_id = school.school_id ?? (await newSchoolId(school.from, list.map((each) => each.school_id)));
    const { body } = await view.api.send("PUT", `schools/${encodeURIComponent(school_id)}`, { json: { name, oneroster_id } });
    list = [...list.filter((each) => each.school_id !== school_id), body].sort((one, other) => one.name.localeCompare(other.name));
  }

  async function accept(suggestions) {
    let done = 0;
    try {
      for (const { school } of suggestions) {
        await put(school);
        done += 1;
        if (suggestions.length > 1) replace(progress, t.schools.accepting(done, suggestions.length));
      }
    } finally {
      draw();
    }
    view.announce(t.schools.accepted(done));
  }
  const progress = h("p", { class: "hint", role: "status" });

  function draw() {
    drawOurs();
    drawTheirs();
  }

  function drawOurs() {
    const students = new Map((report?.students_of_schools ?? []).map((each) => [each.school_id, each.students]));
    const unmapped = list.filter((school) => !school.oneroster_id).length;
    replace(
      ours,
      unmapped ? notice("warn", h("p", {}, t.schools.unmapped(unmapped))) : null,
      list.length
        ? table(
            t.schools.caption,
            t.schools.heads,
            list.map((school) => [
              school.name,
              school.oneroster_id ? h("code", {}, school.oneroster_id) : badge("warn", t.schools.none),
              students.has(school.school_id) ? number(students.get(school.school_id)) : "",
              h("a", { href: `${view.link("users")}?school=${encodeURIComponent(school.school_id)}` }, t.schools.showUsers, h("span", { class: "hidden" }, ` ${school.name}`)),
              h(
                "span",
                { class: "buttons" },
                h("button", { type: "button", class: "small", onclick: () => edit(school) }, t.schools.edit, h("span", { class: "hidden" }, ` ${school.name}`)),
                h("button", { type: "button", class: "small", onclick: () => remove(school) }, t.schools.remove, h("span", { class: "hidden" }, ` ${school.name}`)),
              ),
            ]),
          )
        : h("p", {}, t.schools.empty),
    );
  }

  function drawTheirs() {
    if (!report?.schools.length) {
      replace(theirs, h("p", {}, t.schools.lookUpLead), h("div", { class: "actions" }, lookUp));
      return;
    }
    const suggestions = suggest(list, report.schools);
    const found = suggestions.filter(({ provider }) => matches(provider, wanted));
    const results = h("div", { class: "stack tight" });
    const search = h("input", { type: "search", value: wanted, autocomplete: "off" });
    search.addEventListener("input", () => {
      wanted = search.value;
      drawResults(suggestions.filter(({ provider }) => matches(provider, wanted)));
    });
    const all = action(t.schools.acceptAll(suggestions.length), () => accept(suggestions), problems, { class: "primary" });

    function drawResults(shown) {
      replace(
        results,
        shown.length
          ? table(
              t.schools.suggestions,
              t.schools.suggestionHeads,
              shown.slice(0, SHOWN).map((suggestion) => [
                suggestion.provider.name ?? suggestion.provider.sourced_id,
                h("code", {}, suggestion.provider.sourced_id),
                suggestion.match ? t.schools.becomes(suggestion.school.name) : t.schools.isNew,
                action([t.schools.accept, h("span", { class: "hidden" }, ` ${suggestion.provider.name ?? suggestion.provider.sourced_id}`)], () => accept([suggestion]), problems, { class: "small" }),
              ]),
            )
          : h("p", {}, suggestions.length ? t.schools.noneFound : t.schools.allDone),
        shown.length > SHOWN ? h("p", { class: "hint" }, t.schools.first(SHOWN, number(shown.length))) : null,
      );
    }

    replace(
      theirs,
      suggestions.length ? [h("p", {}, t.schools.suggestionsLead(number(suggestions.length))), h("div", { class: "actions" }, all, lookUpAgain()), progress] : null,
      suggestions.length > 5 ? field(t.schools.search, search) : null,
      results,
    );
    drawResults(found);
  }

  function lookUpAgain() {
    replace(lookUp, t.schools.lookUpAgain);
    return lookUp;
  }

  function edit(school) {
    const dialogProblems = h("div", {});
    const name = h("input", { name: "name", value: school?.name ?? "", required: true, maxlength: "255", autocomplete: "off" });
    const listId = newId("orgs");
    const oneRosterId = h("input", { name: "oneroster_id", value: school?.oneroster_id ?? "", maxlength: "255", list: listId, autocomplete: "off", spellcheck: "false" });
    const title = newId("edit");
    const store = async (event) => {
      event.preventDefault();
      try {
        const oneroster_id = oneRosterId.value.trim() || null;
        await put({ school_id: school?.school_id, from: oneroster_id ?? name.value.trim(), name: name.value.trim(), oneroster_id });
        dialog.close();
        draw();
        view.announce(t.schools.saved);
      } catch (error) {
        replace(dialogProblems, showProblem(error));
      }
    };
    const dialog = h(
      "dialog",
      { "aria-labelledby": title, onclose: () => dialog.remove() },
      h("h2", { id: title }, school ? t.schools.editTitle : t.schools.addTitle),
      h(
        "form",
        { onsubmit: store },
        field(t.schools.name, name),
        field(t.schools.oneRosterId, oneRosterId, t.schools.oneRosterIdHint),
        h("datalist", { id: listId }, (report?.schools ?? []).slice(0, 500).map((each) => h("option", { value: each.sourced_id }, each.name ?? ""))),
        dialogProblems,
        h("div", { class: "actions" }, h("button", { class: "primary" }, t.schools.save), h("button", { type: "button", onclick: () => dialog.close() }, t.cancel)),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  }

  async function remove(school) {
    if (!(await ask(t.schools.removeTitle(school.name), t.schools.removeText, t.schools.remove))) return;
    try {
      await view.api.send("DELETE", `schools/${encodeURIComponent(school.school_id)}`);
      list = list.filter((each) => each !== school);
      draw();
    } catch (error) {
      replace(problems, showProblem(error));
    }
  }

  replace(
    view.main,
    h("div", { class: "title" }, h("h1", { tabindex: "-1" }, t.pages.schools), h("button", { type: "button", onclick: () => edit(null) }, t.schools.add)),
    h("p", { class: "lead" }, t.schools.lead),
    problems,
  );
  const atProvider = card(t.schools.atProvider, theirs);
  const own = card(t.schools.own, ours);
  add(view.main, list.length ? [own, atProvider] : [atProvider, own]);
  draw();
}

function failure(report) {
  const step = report.steps.find(({ ok }) => ok === false);
  return step ? `${step.message} ${step.remedy ?? ""}` : t.schools.noneAtProvider;
}

function matches({ name, identifier, sourced_id }, wanted) {
  return [name, identifier, sourced_id].some((text) => text?.toLowerCase().includes(wanted.trim().toLowerCase()));
}
