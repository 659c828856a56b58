// Pieces that several pages show.

import { h, newId } from "./dom.js";
import { t } from "./text.js";

export function showProblem(error, again = null) {
  return h(
    "div",
    { class: "notice bad", role: "alert" },
    h("p", {}, error.message),
    error.errors?.length > 1 ? h("ul", {}, error.errors.map((each) => h("li", {}, each.detail))) : null,
    again ? h("div", { class: "actions" }, h("button", { type: "button", onclick: again }, t.again)) : null,
  );
}

export function notice(kind, ...children) {
  return h("div", { class: `notice ${kind}` }, ...children);
}

export function card(title, ...children) {
  const id = newId("card");
  return h("section", { class: "card", "aria-labelledby": id }, h("h2", { id }, title), ...children);
}

const LOOKS = {
  completed: "good",
  completed_with_issues: "warn",
  blocked: "warn",
  failed: "bad",
  skipped: "plain",
  queued: "busy",
  fetching: "busy",
  applying: "busy",
};

export function stateBadge(state) {
  return badge(LOOKS[state] ?? "plain", t.states[state] ?? state);
}

export function badge(look, text) {
  return h("span", { class: `badge ${look}` }, text);
}

export function isRunning(run) {
  return LOOKS[run.state] === "busy";
}

// A label, its control, what it means, and room for what is wrong with it.
export function field(label, control, hint = null) {
  const id = control.id || newId("field");
  control.id = id;
  if (hint) control.setAttribute("aria-describedby", `${id}-hint`);
  return h(
    "div",
    { class: "field" },
    h("label", { for: id }, label),
    control,
    hint ? h("p", { class: "hint", id: `${id}-hint` }, hint) : null,
  );
}

export function checkbox(name, value, label, checked) {
  const id = newId("check");
  return h(
    "div",
    { class: "check" },
    h("input", { type: "checkbox", id, name, value, checked }),
    h("label", { for: id }, label),
  );
}

export function select(name, options, chosen) {
  return h(
    "select",
    { name },
    options.map(([value, label]) => h("option", { value, selected: value === chosen }, label)),
  );
}

// A table that becomes a list of cards where there is no room; the first column names the row.
export function table(caption, heads, rows, look = "") {
  return h(
    "table",
    { class: `cards ${look}` },
    h("caption", { class: "hidden" }, caption),
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head || h("span", { class: "hidden" }, t.actions))))),
    h(
      "tbody",
      {},
      rows.map((cells) =>
        h(
          "tr",
          {},
          cells.map((cell, place) =>
            place === 0
              ? h("th", { scope: "row" }, cell)
              : h("td", { class: isEmpty(cell) ? "empty" : null }, h("span", { class: "head", "aria-hidden": "true" }, heads[place]), h("span", {}, cell)),
          ),
        ),
      ),
    ),
  );
}

function isEmpty(cell) {
  return cell === null || cell === "" || (Array.isArray(cell) && cell.length === 0);
}

// Names and values; what has no value is left out.
export function facts(pairs) {
  return h(
    "dl",
    { class: "facts" },
    pairs
      .filter(([, value]) => !isEmpty(value) && value !== undefined)
      .map(([name, value]) => h("div", {}, h("dt", {}, name), h("dd", {}, value))),
  );
}

export function download(name, type, text) {
  const url = URL.createObjectURL(new Blob([text], { type }));
  h("a", { href: url, download: name }).click();
  setTimeout(() => URL.revokeObjectURL(url), 10_000);
}

// A button that cannot be pressed twice while it works; what goes wrong is shown in `problems`.
export function action(label, work, problems, attributes = {}) {
  const button = h("button", { type: "button", ...attributes }, label);
  button.addEventListener("click", async () => {
    button.disabled = true;
    button.setAttribute("aria-busy", "true");
    problems.replaceChildren();
    try {
      await work();
    } catch (error) {
      problems.replaceChildren(showProblem(error));
    } finally {
      button.disabled = false;
      button.removeAttribute("aria-busy");
    }
  });
  return button;
}

export function ask(title, text, confirmLabel) {
  return new Promise((resolve) => {
    const id = newId("ask");
    const dialog = h(
      "dialog",
      { "aria-labelledby": id, onclose: () => (resolve(dialog.returnValue === "yes"), dialog.remove()) },
      h("h2", { id }, title),
      h("p", {}, text),
      h(
        "form",
        { method: "dialog", class: "actions" },
        h("button", { value: "yes", class: "primary" }, confirmLabel),
        h("button", { value: "no" }, t.cancel),
      ),
    );
    document.body.append(dialog);
    dialog.showModal();
  });
}
