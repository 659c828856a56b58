// Moving between pages, and not losing what is typed on the way.

import { t } from "./text.js";

let dirty = () => false;
let here = location.hash;

// Says whether the page holds what is not saved; forgotten with the next page.
export function guard(isDirty) {
  dirty = isDirty;
}

export function navigate(hash) {
  location.hash = hash;
}

// Calls back for every page that is gone to.
export function onPage(show) {
  addEventListener("hashchange", () => {
    if (location.hash === here) return;
    if (dirty() && !confirm(t.leaving)) {
      history.replaceState(null, "", here || "#");
      return;
    }
    dirty = () => false;
    here = location.hash;
    document.activeElement?.blur();
    scrollTo(0, 0);
    show();
  });
  addEventListener("beforeunload", (event) => {
    if (dirty()) event.preventDefault();
  });
}
