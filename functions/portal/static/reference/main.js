// Shows the API's description (OpenAPI) for people: its operations by subject, then its types.

import { add, h, replace } from "../dom.js";
import { fieldsOf, inline, nameOf, prose, typeOf } from "./schema.js";
import { w } from "./words.js";

const METHODS = ["get", "put", "post", "patch", "delete"];
const main = document.getElementById("reference");
const navigation = document.getElementById("operations");

async function start() {
  const answer = await fetch("../openapi.json");
  if (!answer.ok) throw new Error(answer.statusText);
  const described = await answer.json();
  const operations = Object.entries(described.paths).flatMap(([path, item]) =>
    METHODS.filter((method) => item[method]).map((method) => ({ path, method, ...item[method] })),
  );
  replace(navigation, menu(described, operations));
  replace(
    main,
    introduction(described),
    described.tags.map((tag) => subject(described, tag, operations.filter((each) => each.tags.includes(tag.name)))),
    types(described),
  );
  addEventListener("hashchange", unfold);
  unfold();
}

// What a link leads to is folded until then.
function unfold() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (target?.tagName !== "DETAILS") return;
  target.open = true;
  target.scrollIntoView();
  target.querySelector("summary").focus({ preventScroll: true });
}

function menu(described, operations) {
  const list = h("ul", {});
  for (const tag of described.tags) {
    const own = operations.filter((each) => each.tags.includes(tag.name));
    add(list, h("li", {}, h("a", { href: `#${tag.name}` }, capital(tag.name))));
    add(list, own.map((each) => h("li", { class: "inner" }, h("a", { href: `#${each.operationId}` }, each.summary))));
  }
  add(list, h("li", {}, h("a", { href: "#types" }, w.types)));
  return list;
}

function introduction(described) {
  const [scheme] = Object.values(described.components.securitySchemes);
  const base = new URL(described.servers[0].url, new URL("../openapi.json", location.href)).href.replace(/\/$/, "");
  return h(
    "section",
    { class: "stack tight" },
    h("h1", { tabindex: "-1" }, described.info.title, " – ", w.title, " ", described.info.version),
    prose(described.info.description),
    h("p", {}, w.address, " ", h("code", {}, base)),
    h("p", {}, w.token, " ", h("code", {}, "Authorization: Bearer …"), ". ", inline(scheme.description)),
    h("p", {}, h("a", { href: "../openapi.json" }, w.file)),
  );
}

function subject(described, tag, operations) {
  return h(
    "section",
    { class: "stack tight", "aria-labelledby": tag.name },
    h("h2", { id: tag.name }, capital(tag.name)),
    h("p", { class: "hint" }, inline(tag.description)),
    operations.map((operation) => shown(described, operation)),
  );
}

function shown(described, operation) {
  return h(
    "details",
    { class: "card operation", id: operation.operationId },
    h(
      "summary",
      {},
      h("h3", {}, operation.summary),
      h("span", { class: "request" }, h("span", { class: `method ${operation.method}` }, operation.method.toUpperCase()), " ", broken(operation.path)),
    ),
    prose(operation.description),
    operation.parameters?.length ? [h("h4", {}, w.parameters), parameters(operation)] : null,
    operation.requestBody ? [h("h4", {}, w.body), body(operation.requestBody)] : null,
    h("h4", {}, w.answers),
    answers(described, operation),
  );
}

// A path may break at each of its steps.
function broken(path) {
  return h("code", {}, path.split("/").flatMap((step, place) => (place ? ["/", h("wbr"), step] : [step])));
}

function parameters(operation) {
  return rows(
    [w.name, w.where, w.type, w.meaning],
    operation.parameters.map((each) => [
      [h("code", {}, each.name), each.required ? [" ", h("span", { class: "needed" }, w.required)] : null],
      each.in,
      [typeOf(each.schema), "default" in each.schema ? `, ${w.usually(JSON.stringify(each.schema.default))}` : null],
      inline(each.description),
    ]),
  );
}

function body(described) {
  return Object.entries(described.content).map(([media, { schema }]) =>
    h("p", {}, h("code", {}, media), " ", typeOf(schema), described.required ? ` (${w.required})` : null),
  );
}

function answers(described, operation) {
  const all = Object.entries(operation.responses).map(([status, each]) => [status, each.$ref ? described.components.responses[nameOf(each.$ref)] : each]);
  const is = (good) => all.filter(([status]) => Number(status) < 400 === good);
  return [
    rows([w.status, w.type, w.meaning], is(true).map(answer)),
    h("details", {}, h("summary", {}, `${w.problems}: ${is(false).map(([status]) => status).join(", ")}`), rows([w.status, w.type, w.meaning], is(false).map(answer))),
  ];
}

function answer([status, each]) {
  const content = Object.values(each.content ?? {})[0];
  const headers = Object.entries(each.headers ?? {});
  return [
    status,
    content ? typeOf(content.schema) : w.nothing,
    [inline(each.description), headers.map(([name, header]) => h("span", { class: "header" }, " ", h("code", {}, name), ": ", inline(header.description)))],
  ];
}

function types(described) {
  return h(
    "section",
    { class: "stack tight", "aria-labelledby": "types" },
    h("h2", { id: "types" }, w.types),
    Object.entries(described.components.schemas).map(([name, schema]) =>
      h(
        "details",
        { class: "card", id: name },
        h("summary", {}, h("h3", {}, name)),
        prose(schema.description),
        schema.properties ? fields(schema) : h("p", {}, typeOf(schema)),
      ),
    ),
  );
}

function fields(schema) {
  return rows(
    [w.name, w.type, w.meaning],
    fieldsOf(schema).map((each) => [
      [h("code", {}, each.name), each.required ? [" ", h("span", { class: "needed" }, w.required)] : null],
      [typeOf(each.schema), "default" in each.schema ? `, ${w.usually(JSON.stringify(each.schema.default))}` : null],
      inline(each.description),
    ]),
  );
}

function rows(heads, lines) {
  return h(
    "table",
    { class: "reference" },
    h("thead", {}, h("tr", {}, heads.map((head) => h("th", { scope: "col" }, head)))),
    h("tbody", {}, lines.map(([first, ...others]) => h("tr", {}, h("th", { scope: "row" }, first), others.map((cell) => h("td", {}, cell))))),
  );
}

function capital(text) {
  return text.charAt(0).toUpperCase() + text.slice(1);
}

start().catch(() => replace(main, h("div", { class: "notice bad", role: "alert" }, h("p", {}, w.failed))));
