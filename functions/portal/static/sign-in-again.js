// Asks to sign in again over the page as it stands, so that nothing typed is lost.

import { h, replace } from "./dom.js";
import { t } from "./text.js";

// Resolves once `signIn` has; another click begins anew.
export function askToSignInAgain(email, signIn) {
  return new Promise((resolve) => {
    let attempt = new AbortController();
    const message = h("p", {}, t.session.ended(email));
    const button = h("button", { class: "primary", type: "button", onclick: begin }, t.session.signIn);
    const dialog = h(
      "dialog",
      { "aria-labelledby": "session-ended", oncancel: (event) => event.preventDefault() },
      h("h2", { id: "session-ended" }, t.session.title),
      message,
      h("div", { class: "actions" }, button),
    );

    async function begin() {
      attempt.abort();
      attempt = new AbortController();
      const { signal } = attempt;
      try {
        await signIn(signal);
      } catch {
        if (!signal.aborted) replace(message, t.session.failed);
        return;
      }
      dialog.close();
      dialog.remove();
      resolve();
    }

    document.body.append(dialog);
    dialog.showModal();
  });
}
