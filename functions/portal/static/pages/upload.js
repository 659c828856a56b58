// A CSV of users: a look before it is sent, and what became of it line by line.

import { parseCsv, toCsv } from "../csv.js";
import { add, h, newId, replace } from "../dom.js";
import { number } from "../format.js";
import { guard } from "../leaving.js";
import { action, badge, card, download, notice, stateBadge, table } from "../parts.js";
import { t } from "../text.js";

const MOST_BYTES = 5_000_000;
const PREVIEWED = 5;
const COLUMNS = ["First Name", "Last Name", "Email", "Default User Password", "ID", "Grade", "Role", "Counselor Email", "Status", "School or Move To"];
const REQUIRED = ["Email", "Role"];
const SCHOOL_COLUMNS = ["School or Move To", "School", "Move To"];

export async function upload(view) {
  const { items: schools } = await view.api.get("schools", {}, view.signal);
  const problems = h("div", { "aria-live": "assertive" });
  const below = h("div", { class: "stack", "aria-live": "polite" });
  const id = newId("file");
  const input = h("input", { type: "file", id, accept: ".csv,text/csv", "aria-describedby": `${id}-hint`, onchange: () => look(input.files[0]) });
  const zone = h(
    "div",
    { class: "drop" },
    h("label", { for: id }, t.upload.choose),
    input,
    h("p", { class: "hint", id: `${id}-hint` }, t.upload.hint),
  );
  for (const [event, inside] of [["dragover", true], ["dragleave", false], ["drop", false]]) {
    zone.addEventListener(event, (dragged) => {
      dragged.preventDefault();
      zone.classList.toggle("over", inside);
      if (event === "drop") look(dragged.dataTransfer.files[0]);
    });
  }

  async function look(file) {
    if (!file) return;
    problems.replaceChildren();
    if (file.size > MOST_BYTES) return replace(below, notice("bad", h("p", {}, t.upload.tooLarge)));
    const text = await file.text();
    const [header = [], ...rows] = parseCsv(text);
    const lacking = lackingColumns(header);
    guard(() => lacking.length === 0);
    const send = action(
      t.upload.apply(number(rows.length)),
      async () => {
        const { body } = await view.api.send("POST", "users/upload", { text: file, type: "text/csv" });
        guard(() => false);
        input.value = "";
        showResult(view, below, body);
      },
      problems,
      { class: "primary" },
    );
    replace(
      below,
      card(
        t.upload.preview(file.name),
        h("p", {}, t.upload.found(number(rows.length))),
        lacking.length ? notice("bad", h("p", {}, t.upload.lacking(lacking.join(", ")))) : null,
        rows.length ? preview(header, rows) : null,
        h("div", { class: "actions" }, lacking.length || !rows.length ? null : send),
      ),
    );
  }

  replace(
    view.main,
    h("h1", { tabindex: "-1" }, t.pages.upload),
    h("p", { class: "lead" }, t.upload.lead),
    notice("plain", h("p", {}, t.upload.counselorsFirst)),
    card(
      t.upload.title,
      zone,
      h("div", { class: "actions" }, h("button", { type: "button", onclick: () => saveTemplate(schools) }, t.upload.template)),
    ),
    problems,
    below,
  );
}

function lackingColumns(header) {
  const there = new Set(header.map(plain));
  const lacking = REQUIRED.filter((name) => !there.has(plain(name)));
  if (!SCHOOL_COLUMNS.some((name) => there.has(plain(name)))) lacking.push(SCHOOL_COLUMNS[0]);
  return lacking;
}

function plain(name) {
  return name.toLowerCase().replaceAll(/[^a-z]/g, "");
}

function preview(header, rows) {
  const shown = header.map((name, place) => [name, place]).filter(([name]) => name.trim() && !plain(name).includes("password"));
  return table(
    t.upload.firstRows,
    shown.map(([name]) => name),
    rows.slice(0, PREVIEWED).map((cells) => shown.map(([, place]) => cells[place] ?? "")),
  );
}

function saveTemplate(schools) {
  const school = schools[0]?.name ?? "Maple Elementary School";
  const example = ["Ada", "Lopez", "ada.lopez@example.org", "", "", "", "Counselor", "", "active", school];
  download("users-template.csv", "text/csv", toCsv([COLUMNS, example]));
}

function showResult(view, below, { run, issues }) {
  const { counts } = run;
  const title = h("h2", { tabindex: "-1" }, t.upload.result);
  replace(
    below,
    h(
      "section",
      { class: "card" },
      h("div", { class: "title" }, title, stateBadge(run.state)),
      h("p", {}, run.state === "queued" ? t.upload.queued : (run.reason ?? t.upload.done(counts))),
      h("p", {}, h("a", { href: view.link("runs", run.run_id) }, t.upload.toRun)),
    ),
  );
  if (issues.items.length) add(below, card(t.upload.issues, table(t.upload.issues, t.upload.heads, issues.items.map(issueRow))));
  title.focus();
}

function issueRow(issue) {
  return [
    issue.line ? t.upload.line(issue.line, issue.column) : t.upload.whole,
    badge(issue.severity === "error" ? "bad" : "warn", t.severities[issue.severity]),
    issue.message,
  ];
}
