// A CSV of users: tried out before anything is stored, then applied, and what became of it line by line.

import { parseCsv, partsOf, toCsv } from "../csv.js";
import { add, h, newId, replace } from "../dom.js";
import { number } from "../format.js";
import { guard, navigate } from "../leaving.js";
import { action, badge, card, download, notice, showProblem, stateBadge, table } from "../parts.js";
import { t } from "../text.js";

const IN_A_REQUEST_BYTES = 5_000_000;
const MOST_BYTES = 50_000_000;
// Less than a request takes, for the header and the empty lines that each part has.
const PART_BYTES = 4_500_000;
const PREVIEWED = 5;
const PREVIEWED_BYTES = 100_000;
const SHOWN_ISSUES = 200;
const ARRIVES_WITHIN_S = 120;
const COLUMNS = ["First Name", "Last Name", "Email", "Default User Password", "ID", "Grade", "Role", "Counselor Email", "Status", "School or Move To"];

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
    guard(() => false);
    if (file.size > MOST_BYTES) return replace(below, notice("bad", h("p", {}, t.upload.tooLarge)));
    replace(below, h("p", { class: "loading" }, t.upload.checking));
    try {
      const found = await tryOut(view, file, (done, all) => replace(below, h("p", { class: "loading" }, t.upload.checkingPart(done, all))));
      await showPreview(file, found);
    } catch (error) {
      if (view.signal.aborted) return;
      replace(below, showProblem(error, () => look(file)));
    }
  }

  async function showPreview(file, found) {
    const [header = [], ...rows] = parseCsv(await file.slice(0, PREVIEWED_BYTES).text());
    const title = h("h2", { tabindex: "-1" }, t.upload.preview(file.name));
    const apply = action(t.upload.apply(number(found.usable)), () => send(file), problems, { class: "primary" });
    guard(() => found.usable > 0);
    replace(
      below,
      h(
        "section",
        { class: "card" },
        title,
        h("p", {}, t.upload.found(number(found.rows))),
        h("p", {}, found.counts ? t.upload.would(found.counts) : t.upload.wouldNotKnown),
        found.usable < found.rows ? notice("warn", h("p", {}, t.upload.leftOut(number(found.rows - found.usable)))) : null,
        rows.length ? preview(header, rows) : null,
        h("div", { class: "actions" }, found.usable ? apply : null),
      ),
      found.issues.length ? issuesCard(found) : null,
    );
    title.focus();
  }

  async function send(file) {
    if (file.size > IN_A_REQUEST_BYTES) return sendLarge(file);
    const { body } = await view.api.send("POST", "users/upload", { text: file, type: "text/csv" });
    guard(() => false);
    input.value = "";
    showResult(view, below, body);
  }

  async function sendLarge(file) {
    const place = await view.api.post("users/upload-url");
    await view.api.put(place, file);
    guard(() => false);
    // The run appears once the file has arrived.
    for (let waited = 0; waited < ARRIVES_WITHIN_S; waited += 2) {
      try {
        await view.api.get(`runs/${place.run_id}`, {}, view.signal);
        break;
      } catch (error) {
        if (error.status !== 404) throw error;
      }
      await new Promise((resolve) => setTimeout(resolve, 2_000));
    }
    if (!view.signal.aborted) navigate(view.link("runs", place.run_id));
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

// What the API says of the whole file; a large one is asked about part by part.
async function tryOut(view, file, progress) {
  const parts = file.size > IN_A_REQUEST_BYTES ? partsOf(new Uint8Array(await file.arrayBuffer()), PART_BYTES) : [file];
  const whole = { rows: 0, usable: 0, counts: null, issueCount: 0, issues: [] };
  for (const [place, part] of parts.entries()) {
    if (parts.length > 1) progress(place, parts.length);
    const { body } = await view.api.send("POST", "users/upload-preview", { text: part, type: "text/csv", signal: view.signal });
    // What is said of the header is said of each part.
    const issues = place ? body.issues.filter((issue) => issue.line !== 1) : body.issues;
    whole.rows += body.rows;
    whole.usable += body.usable;
    whole.counts = parts.length > 1 ? null : body.counts;
    whole.issueCount += body.issue_count - (body.issues.length - issues.length);
    whole.issues.push(...issues.slice(0, SHOWN_ISSUES - whole.issues.length));
  }
  return whole;
}

function issuesCard({ issues, issueCount }) {
  return card(
    t.upload.issues,
    table(t.upload.issues, t.upload.heads, issues.map(issueRow)),
    issueCount > issues.length ? h("p", { class: "hint" }, t.upload.moreIssues(number(issueCount - issues.length))) : null,
  );
}

function preview(header, rows) {
  const shown = header.map((name, place) => [name, place]).filter(([name]) => name.trim() && !/pass/i.test(name));
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
