// An answer as its query or its tile wants it shown: table, line, area, bar, pie, number, pivot.

import { h, svg, fill } from "./dom.js";
import { answerGrid, cellText, isNumeric } from "./table.js";
import { drawChart, guessChart, isTime } from "./chart.js";
import { count, t } from "./words.js";

export const kinds = ["table", "line", "area", "bar", "pie", "number", "pivot"];
const slicesMax = 8;

/**
 * Draws an answer into a place; gives a function that takes the drawing away. `view` is {kind, x, y, group} with names
 * of columns; what it does not say, or says of columns that are not there, is guessed from their types.
 */
export function drawView(place, answer, view, { height } = {}) {
  const kind = view?.kind ?? "table";
  if (kind === "table" || answer.rows.length === 0) {
    fill(place, answerGrid(answer, { height: height ?? 480 }));
    return () => fill(place);
  }
  const chosen = columnsOf(answer.columns, view);
  if (kind === "number") return drawNumber(place, answer, chosen);
  if (chosen.values.length === 0) {
    fill(place, h("p", { class: "note" }, t("view.nonumber")), answerGrid(answer, { height: height ?? 480 }));
    return () => fill(place);
  }
  if (kind === "pie") return drawPie(place, answer, chosen);
  if (kind === "pivot") return drawPivot(place, answer, chosen);
  const byTime = isTime(answer.columns[chosen.x].type);
  const drawn = kind === "bar" ? (byTime ? "columns" : "bars") : kind;
  return drawChart(place, answer, { kind: drawn, ...chosen, height });
}

/** Indexes of columns: what the view names, else what the types suggest. */
export function columnsOf(columns, view) {
  const index = name => columns.findIndex(column => column.name === name);
  const guess = guessChart(columns) ?? { x: 0, group: -1, values: columns.map((_, at) => at).filter(at => isNumeric(columns[at].type)) };
  const x = view.x ? index(view.x) : -1;
  const values = (view.y ?? []).map(index).filter(at => at >= 0);
  const group = view.group ? index(view.group) : -1;
  const free = columns.findIndex((column, at) => at !== x && at !== guess.x && !values.includes(at) && !isNumeric(column.type));
  return {
    x: x >= 0 ? x : guess.x,
    values: values.length > 0 ? values : guess.values,
    group: view.group ? group : view.kind === "pivot" ? free : view.y?.length > 0 ? -1 : guess.group,
  };
}

function drawNumber(place, { columns, rows }, { values }) {
  const [first = columns.length - 1] = values;
  const rest = columns.map((_, index) => index).filter(index => index !== first);
  fill(place, h("div", { class: "figure" },
    h("b", { "data-number": true }, shown(rows[0][first], columns[first].type)), h("span", { class: "soft" }, columns[first].name)),
  h("dl", { class: "facts" }, rest.map(index => [h("dt", null, columns[index].name), h("dd", null, shown(rows[0][index], columns[index].type))])));
  return () => fill(place);
}

/** Every digit as it came, the whole part in groups of three. */
const shown = (value, type) => (isNumeric(type) ? cellText(value).replace(/^(-?\d+)(?=\.|$)/, whole => whole.replace(/\B(?=(\d{3})+$)/g, ",")) : cellText(value));

function drawPie(place, { columns, rows }, { x, values: [value] }) {
  const sorted = rows.map(row => ({ name: cellText(row[x]), text: cellText(row[value]), number: Math.max(0, Number(row[value] ?? 0)) }))
    .sort((one, other) => other.number - one.number);
  const slices = sorted.length > slicesMax ? sorted.slice(0, slicesMax - 1) : sorted;
  if (sorted.length > slicesMax) {
    const rest = sorted.slice(slicesMax - 1);
    const sum = rest.reduce((all, each) => all + each.number, 0);
    slices.push({ name: t("view.rest", count(rest.length)), text: count(sum), number: sum });
  }
  const whole = slices.reduce((all, each) => all + each.number, 0) || 1;
  let at = 0;
  const drawn = slices.map((slice, index) => {
    const from = at;
    at += slice.number / whole;
    return svg("path", { class: `slice c${index + 1}`, d: arc(from, at) }, svg("title", null, `${slice.name}: ${slice.text}`));
  });
  fill(place, h("div", { class: "pie" },
    svg("svg", { viewBox: "-1 -1 2 2", role: "img", "aria-label": columns[value].name }, drawn),
    h("table", { "aria-label": columns[value].name }, h("tbody", null, slices.map((slice, index) => h("tr", null,
      h("td", null, h("i", { class: `key c${index + 1}` })), h("th", { scope: "row" }, slice.name), h("td", { class: "number" }, slice.text),
      h("td", { class: "number soft" }, `${(slice.number / whole * 100).toFixed(1)}%`)))))));
  return () => fill(place);
}

function arc(from, till) {
  const point = share => `${Math.sin(share * 2 * Math.PI).toFixed(5)} ${(-Math.cos(share * 2 * Math.PI)).toFixed(5)}`;
  if (till - from > .99999) return "M0 -1 A1 1 0 1 1 0 1 A1 1 0 1 1 0 -1 Z";
  return `M0 0 L${point(from)} A1 1 0 ${till - from > .5 ? 1 : 0} 1 ${point(till)} Z`;
}

function drawPivot(place, { columns, rows }, { x, group, values }) {
  const [value] = values;
  const heads = group < 0 ? values.map(index => columns[index].name) : distinct(rows.map(row => cellText(row[group])));
  const lines = new Map();
  for (const row of rows) {
    const key = cellText(row[x]);
    if (!lines.has(key)) lines.set(key, new Map());
    if (group < 0) for (const index of values) add(lines.get(key), columns[index].name, row[index]);
    else add(lines.get(key), cellText(row[group]), row[value]);
  }
  fill(place, h("div", { class: "scroll" }, h("table", { class: "pivot", "aria-label": columns[value].name },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, columns[x].name), heads.map(head => h("th", { class: "number", scope: "col" }, head)))),
    h("tbody", null, [...lines].map(([key, cells]) => h("tr", null, h("th", { scope: "row" }, key),
      heads.map(head => h("td", { class: "number" }, cells.has(head) ? cellText(cells.get(head)) : ""))))))));
  return () => fill(place);
}

/** A cell that several rows fall into is their sum. */
function add(cells, name, value) {
  cells.set(name, cells.has(name) && value !== null ? Number(cells.get(name) ?? 0) + Number(value) : cells.get(name) ?? value);
}

const distinct = all => [...new Set(all)];
