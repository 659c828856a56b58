// Fields of the settings, each with its label and what it means.

import { h } from "../dom.js";
import { field, select } from "../parts.js";
import { t } from "../text.js";

export function input(stored, name, attributes = {}) {
  return h("input", { name, value: stored[name] ?? "", autocomplete: "off", spellcheck: "false", ...attributes });
}

export function labelled(name, control) {
  return field(t.settings.fields[name], control, t.settings.hints[name]);
}

// The ways that need no token URL; a choice is sent once, and then is what is stored.
export function signInSelect(stored) {
  const { sign_in: known } = stored;
  const unchanged = known ? t.settings.signInStored(t.test.methods[known.method] ?? known.method) : t.settings.signInFound;
  const methods = Object.entries(t.test.methods).filter(([method]) => !method.startsWith("oauth2-"));
  return select("sign_in", [["", unchanged], ...methods], "");
}
