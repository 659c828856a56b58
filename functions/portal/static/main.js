// Starts the portal: sign-in, frame, and which page the address names (#/district/page/id?filter=value).

import { DistrictApi } from "./api.js";
import { add, h, replace } from "./dom.js";
import { onPage } from "./leaving.js";
import * as session from "./session.js";
import { showProblem } from "./parts.js";
import { t } from "./text.js";
import { audit } from "./pages/audit.js";
import { home } from "./pages/home.js";
import { picker } from "./pages/picker.js";
import { run } from "./pages/run.js";
import { runs } from "./pages/runs.js";
import { schools } from "./pages/schools.js";
import { settings } from "./pages/settings.js";
import { upload } from "./pages/upload.js";
import { user } from "./pages/user.js";
import { users } from "./pages/users.js";

const PAGES = { home, settings, schools, users, upload, runs, audit };
const DETAILS = { runs: run, users: user };
const app = document.getElementById("app");

let config;
let leave = new AbortController();

async function start() {
  config = await (await fetch("portal/config.json")).json();
  const account = await session.begin(config);
  if (!account) return showSignIn();
  const announcer = h("div", { class: "hidden", role: "status", "aria-live": "polite", id: "announcer" });
  const main = h("main", { id: "main", tabindex: "-1" });
  const frame = h("div", { class: "frame" });
  replace(app, h("a", { class: "skip", href: "#main", onclick: skip }, t.frame.skip), frame, announcer);
  onPage(async () => {
    await route(account, frame, main);
    // A screen reader goes on where the new page begins.
    if (document.activeElement === document.body) main.querySelector("h1")?.focus({ preventScroll: true });
  });
  await route(account, frame, main);
}

function skip(event) {
  event.preventDefault();
  document.getElementById("main").focus();
}

function showSignIn() {
  document.title = `${t.signIn.title} – ${config.name}`;
  const failed = !config.client_id;
  replace(
    app,
    h(
      "main",
      { class: "welcome" },
      h("img", { src: config.logo, alt: "", width: "56", height: "56" }),
      h("h1", {}, config.name),
      h("p", {}, failed ? t.signIn.notSetUp : t.signIn.lead),
      failed ? null : h("button", { class: "primary large", type: "button", onclick: session.signIn }, t.signIn.button),
    ),
  );
}

async function route(account, frame, main) {
  leave.abort();
  leave = new AbortController();
  const { signal } = leave;
  const [path, search = ""] = location.hash.replace(/^#\/?/, "").split("?");
  const [named, page = "home", id = null] = path.split("/").map(decodeURIComponent);
  const district = named || account.district;
  if (!district) {
    replace(frame, header(account, null), h("div", { class: "columns alone" }, main));
    document.title = `${t.picker.title} – ${config.name}`;
    main.removeAttribute("aria-busy");
    return picker({ main, account, api: new DistrictApi(), signal });
  }
  replace(frame, header(account, district), h("div", { class: "columns" }, navigation(district, page), main));
  frame.querySelector("[aria-current]")?.scrollIntoView({ block: "nearest", inline: "center" });
  const show = id === null ? PAGES[page] : DETAILS[page];
  const label = t.pages[page] ?? t.pages.missing;
  document.title = `${label} – ${config.name}`;
  replace(main, h("h1", { tabindex: "-1" }, label), h("p", { class: "loading" }, t.loading));
  main.setAttribute("aria-busy", "true");
  const view = {
    main,
    district,
    id,
    query: new URLSearchParams(search),
    api: new DistrictApi(district),
    account,
    config,
    signal,
    link: (...steps) => `#/${[district, ...steps].map(encodeURIComponent).join("/")}`,
    announce: (text) => replace(document.getElementById("announcer"), text),
    refresh: () => route(account, frame, main),
  };
  try {
    if (!show) throw new Error(t.errors.noPage);
    await show(view);
  } catch (error) {
    if (signal.aborted) return;
    replace(main, h("h1", { tabindex: "-1" }, label), showProblem(error, view.refresh));
  }
  if (signal.aborted) return;
  main.removeAttribute("aria-busy");
}

function header(account, district) {
  return h(
    "header",
    { class: "top" },
    h(
      "a",
      { class: "brand", href: district ? `#/${encodeURIComponent(district)}/home` : "#/" },
      h("img", { src: config.logo, alt: "", width: "32", height: "32" }),
      h("span", {}, config.name),
    ),
    district
      ? h(
          "p",
          { class: "district" },
          h("span", { class: "hidden" }, t.frame.district),
          h("strong", {}, district),
          account.district ? null : h("a", { href: "#/" }, t.frame.otherDistrict),
        )
      : null,
    h("p", { class: "account" }, h("span", { class: "email" }, account.email)),
    h("button", { type: "button", class: "quiet", onclick: session.signOut }, t.frame.signOut),
  );
}

function navigation(district, current) {
  const list = h("ul", {});
  for (const page of Object.keys(PAGES)) {
    const here = page === current;
    const link = h(
      "a",
      { href: `#/${encodeURIComponent(district)}/${page}`, "aria-current": here ? "page" : null },
      t.pages[page],
    );
    add(list, h("li", {}, link));
  }
  return h("nav", { "aria-label": t.frame.navigation }, list);
}

start().catch((error) => replace(app, h("main", { class: "welcome" }, showProblem(error, () => location.reload()))));
