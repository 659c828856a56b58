// Types of a JSON schema in words, with links to those that have a name.

import { h } from "../dom.js";
import { w } from "./words.js";

export const nameOf = (reference) => reference.split("/").at(-1);

export function link(name) {
  return h("a", { href: `#${name}` }, name);
}

// A type in words: "list of User", "text or null".
export function typeOf(schema) {
  if (schema.$ref) return link(nameOf(schema.$ref));
  const choices = schema.anyOf ?? schema.oneOf;
  if (choices) return choices.map((each, place) => [place ? w.or : null, typeOf(each)]);
  if ("const" in schema) return w.always(JSON.stringify(schema.const));
  if (schema.enum) return schema.enum.map((each, place) => [place ? w.or : null, code(JSON.stringify(each))]);
  if (schema.type === "array") return [schema.uniqueItems ? w.different : w.list, typeOf(schema.items ?? {}), limits(schema)];
  if (schema.type === "object" && typeof schema.additionalProperties === "object") {
    return [w.mapping, typeOf(schema.additionalProperties), limits(schema)];
  }
  if (!schema.type) return w.anything;
  return [schema.format ?? schema.type, limits(schema)];
}

function limits(schema) {
  const { minLength, maxLength, minItems, maxItems = schema.maxProperties, minimum, maximum } = schema;
  const found = [];
  if (minLength !== undefined || maxLength !== undefined) found.push(w.characters(minLength, maxLength));
  if (minItems !== undefined || maxItems !== undefined) found.push(w.items(minItems, maxItems));
  if (minimum !== undefined) found.push(w.atLeast(minimum));
  if (maximum !== undefined) found.push(w.atMost(maximum));
  if (schema.pattern) found.push(code(schema.pattern));
  return found.map((each) => [", ", each]);
}

// A description's text: paragraphs, and code between backticks.
export function prose(text) {
  return (text ?? "").split(/\n{2,}/).filter(Boolean).map((paragraph) => h("p", {}, inline(paragraph)));
}

export function inline(text) {
  return (text ?? "").split("`").map((part, place) => (place % 2 ? code(part) : part));
}

function code(text) {
  return h("code", {}, text);
}

// What a named type holds.
export function fieldsOf(schema) {
  const required = new Set(schema.required ?? []);
  return Object.entries(schema.properties ?? {}).map(([name, field]) => ({
    name,
    required: required.has(name),
    schema: field,
    description: field.description,
  }));
}
