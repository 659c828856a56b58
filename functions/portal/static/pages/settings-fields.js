// Fields of the settings, each with its label and what it means.

import { h } from "../dom.js";
import { field } from "../parts.js";
import { t } from "../text.js";

export function input(stored, name, attributes = {}) {
  return h("input", { name, value: stored[name] ?? "", autocomplete: "off", spellcheck: "false", ...attributes });
}

export function labelled(name, control) {
  return field(t.settings.fields[name], control, t.settings.hints[name]);
}
