// Bars of changed users, one a night; each leads to its run.

import { h, svg } from "./dom.js";
import { changed, duration, issuesOf, number, time } from "./format.js";
import { t } from "./text.js";

const HEIGHT = 120;
const NARROW = "(max-width: 44rem)";
const SHARES = ["created", "updated", "linked", "reactivated", "deactivated"];

export function nightsChart(nights, linkTo) {
  const [width, slots] = matchMedia(NARROW).matches ? [320, 30] : [720, 60];
  const slot = width / slots;
  const runs = nights.slice(-slots);
  // The newest is on the right, as are those to come.
  const begin = width - runs.length * slot;
  const most = Math.max(1, ...runs.map((run) => changed(run.counts)));
  // By root, or a first night would leave all others flat.
  const heightOf = (count) => Math.sqrt(count / most) * (HEIGHT - 8);
  const bars = runs.map((run, place) => {
    const label = t.chart.bar(time(run.created_at), t.states[run.state], number(changed(run.counts)), number(issuesOf(run)), number(run.counts.fetched), duration(run));
    const full = heightOf(changed(run.counts));
    let top = HEIGHT;
    const parts = SHARES.map((name) => {
      const height = changed(run.counts) ? (run.counts[name] / changed(run.counts)) * full : 0;
      top -= height;
      return height ? svg("rect", { class: `bar ${name}`, x: 0, y: top, width: slot * 0.72, height }) : null;
    });
    const state = svg("rect", { class: `foot ${run.state}`, x: 0, y: HEIGHT + 3, width: slot * 0.72, height: 5, rx: 2 });
    return svg(
      "a",
      { href: linkTo(run), "aria-label": label, transform: `translate(${begin + place * slot + slot * 0.14} 0)` },
      svg("title", {}, label),
      svg("rect", { class: "reach", x: -slot * 0.14, y: 0, width: slot, height: HEIGHT + 10 }),
      parts,
      state,
    );
  });
  return h(
    "figure",
    { class: "chart" },
    svg(
      "svg",
      { viewBox: `0 0 ${width} ${HEIGHT + 10}`, role: "group", "aria-label": t.chart.label(runs.length) },
      svg("line", { class: "ground", x1: 0, x2: width, y1: HEIGHT + 0.5, y2: HEIGHT + 0.5 }),
      bars,
    ),
    h(
      "figcaption",
      {},
      h("span", {}, t.chart.most(number(most))),
      SHARES.map((name) => h("span", { class: "key" }, h("span", { class: `swatch ${name}`, "aria-hidden": "true" }), t.counts[name])),
    ),
  );
}
