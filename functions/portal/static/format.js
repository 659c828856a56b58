// Times in the reader's own time zone, and numbers.

import { t } from "./text.js";

const LOCALE = "en-US";
const when = new Intl.DateTimeFormat(LOCALE, { weekday: "short", month: "short", day: "numeric", hour: "numeric", minute: "2-digit" });
const dated = new Intl.DateTimeFormat(LOCALE, { year: "numeric", month: "short", day: "numeric" });
const whenWithZone = new Intl.DateTimeFormat(LOCALE, {
  weekday: "long",
  month: "long",
  day: "numeric",
  hour: "numeric",
  minute: "2-digit",
  timeZoneName: "short",
});
const clock = new Intl.DateTimeFormat(LOCALE, { hour: "numeric", minute: "2-digit", timeZone: "UTC" });
const grouped = new Intl.NumberFormat(LOCALE);

export function time(iso) {
  return iso ? when.format(new Date(iso)) : "";
}

export function day(iso) {
  return iso ? dated.format(new Date(iso)) : "";
}

// Of a date without a time, which is the same in every zone.
export function calendarDay(text) {
  return dated.format(new Date(`${text}T12:00`));
}

export function longTime(date) {
  return whenWithZone.format(date);
}

// As a field of date and time takes it, in the reader's zone.
export function localMinute(iso) {
  if (!iso) return "";
  const date = new Date(iso);
  return new Date(date - date.getTimezoneOffset() * 60_000).toISOString().slice(0, 16);
}

// Of the day ("04:15"), in whatever zone.
export function clockTime(text) {
  return clock.format(new Date(`1970-01-01T${text}Z`));
}

export function number(value) {
  return grouped.format(value);
}

export function duration(run) {
  if (!run.started_at || !run.ended_at) return "";
  return t.duration(Math.round((new Date(run.ended_at) - new Date(run.started_at)) / 1000));
}

export function changed({ created, updated, linked, deactivated, reactivated }) {
  return created + updated + linked + deactivated + reactivated;
}

export function issuesOf(run) {
  return Object.values(run.issues_by_code).reduce((sum, count) => sum + count, 0);
}
