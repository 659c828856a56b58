// When nights begin: a quarter of an hour, and a time zone.

import { h } from "../dom.js";
import { clockTime } from "../format.js";
import { select } from "../parts.js";
import { t } from "../text.js";

const QUARTERS = Array.from({ length: 96 }, (_, number) => `${pad(Math.floor(number / 4))}:${pad((number % 4) * 15)}`);

export function timeSelect(chosen) {
  return select("sync_time", withChosen(QUARTERS, chosen).map((time) => [time, clockTime(time)]), chosen);
}

export function zoneSelect(chosen) {
  const others = withChosen(Intl.supportedValuesOf("timeZone"), chosen).filter((zone) => !(zone in t.zones));
  const options = (zones, label) => zones.map((zone) => h("option", { value: zone, selected: zone === chosen }, label(zone)));
  return h(
    "select",
    { name: "timezone" },
    h("optgroup", { label: t.settings.zonesOfUs }, options(Object.keys(t.zones), (zone) => t.zones[zone])),
    h("optgroup", { label: t.settings.zonesOfOthers }, options(others, (zone) => zone.replaceAll("_", " "))),
  );
}

function withChosen(values, chosen) {
  return values.includes(chosen) ? values : [...values, chosen].sort();
}

function pad(number) {
  return String(number).padStart(2, "0");
}
