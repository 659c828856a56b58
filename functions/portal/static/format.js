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
const grouped = new Intl.NumberFormat(LOCALE);

export function time(iso) {
  return iso ? when.format(new Date(iso)) : "";
}

export function day(iso) {
  return iso ? dated.format(new Date(iso)) : "";
}

export function longTime(date) {
  return whenWithZone.format(date);
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

// When a daily schedule (EventBridge's "cron(0 4 * * ? *)") comes next; null for any other.
export function nextNight(expression, timeZone, now = new Date()) {
  const found = /^cron\((\d+) (\d+) \* \* \? \*\)$/.exec(expression);
  if (!found) return null;
  const [minute, hour] = [Number(found[1]), Number(found[2])];
  for (const daysAhead of [0, 1, 2]) {
    const there = partsAt(new Date(now.getTime() + daysAhead * 86_400_000), timeZone);
    const wanted = Date.UTC(there.year, there.month - 1, there.day, hour, minute);
    // Twice, as the offset that holds then may be another than that of a first guess.
    let date = new Date(wanted - offsetMs(new Date(wanted), timeZone));
    date = new Date(wanted - offsetMs(date, timeZone));
    if (date > now) return date;
  }
  return null;
}

function offsetMs(date, timeZone) {
  const there = partsAt(date, timeZone);
  return Date.UTC(there.year, there.month - 1, there.day, there.hour, there.minute, there.second) - Math.floor(date / 1000) * 1000;
}

function partsAt(date, timeZone) {
  const format = new Intl.DateTimeFormat("en-US", {
    timeZone,
    hourCycle: "h23",
    year: "numeric",
    month: "numeric",
    day: "numeric",
    hour: "numeric",
    minute: "numeric",
    second: "numeric",
  });
  return Object.fromEntries(format.formatToParts(date).map(({ type, value }) => [type, Number(value)]));
}
