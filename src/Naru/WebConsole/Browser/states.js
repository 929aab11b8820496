// How an interval stands, on every page: one word, one mark, one colour.

import { h } from "./dom.js";
import { count, named, t } from "./words.js";

/** In the order in which tables count them. */
export const states = ["done", "running", "stale", "missing", "waiting", "failed"];

/** How a state is shown besides its colour. */
export const marks = { done: "✓", sent: "✓", running: "▸", stale: "↻", missing: "○", waiting: "…", failed: "✕" };

const tones = { done: "good", sent: "good", stale: "warn", missing: "warn", failed: "bad" };

export const chip = state => h("span", { class: `chip ${tones[state] ?? ""}` }, `${marks[state] ?? ""} ${named("state", state)}`);

export const legend = () => h("p", { class: "legend soft" }, states.map(state =>
  h("span", null, h("span", { class: "interval", "data-state": state }, marks[state]), " ", t(`state.${state}`))));

/** Columns that count a row's `intervals` by state; what is wrong stands out, nothing is faint. */
export const stateColumns = (counts = row => row.intervals) => states.map(state => ({
  label: `${marks[state]} ${t(`state.${state}`)}`, number: true, sort: row => counts(row)[state],
  cell: row => h("span", { class: counts(row)[state] === 0 ? "faint" : { failed: "bad", stale: "warn", missing: "warn" }[state] }, count(counts(row)[state])),
}));

/** Who asked for a run: the schedule, or a person by name. */
export const asker = by => named("by", by);
