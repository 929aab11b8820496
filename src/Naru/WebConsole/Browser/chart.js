// Charts of an answer: lines over time by uPlot, bars by plain elements.

import { h, fill } from "./dom.js";
import { isNumeric } from "./table.js";
import { count, t, time } from "./words.js";
import uPlot from "./uPlot.esm.js";

const zone = document.documentElement.dataset.zone;
const seriesMax = 8;
const barsMax = 60;

export const isTime = type => /^(DATE|TIMESTAMP)/.test(type);

/** Seconds since 1970; a time without a zone is one of the project's. */
function seconds(text, type) {
  if (text === null) return null;
  const iso = String(text).replace(" ", "T");
  if (/TIME ZONE/.test(type)) return Date.parse(iso) / 1000;
  const utc = Date.parse(`${iso.length === 10 ? `${iso}T00:00:00` : iso}Z`);
  return (utc - offsetAt(utc)) / 1000;
}

function offsetAt(utc) {
  const parts = new Intl.DateTimeFormat("sv-SE", {
    timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
  }).format(new Date(utc)).replace(" ", "T");
  return Date.parse(`${parts}Z`) - Math.floor(utc / 1000) * 1000;
}

/** A mark of a time axis: the day at midnight, else the hour and minute. */
function mark(value) {
  const text = time(new Date(value * 1000));
  return text.endsWith("00:00:00") ? text.slice(5, 10) : text.slice(11, text.endsWith(":00") ? 16 : 19);
}

/** How an answer is best drawn: {kind, x, group, values} as indexes of columns, or null. */
export function guessChart(columns) {
  const numbers = columns.map((column, index) => (isNumeric(column.type) ? index : -1)).filter(index => index >= 0);
  if (numbers.length === 0 || columns.length < 2) return null;
  const time = columns.findIndex(column => isTime(column.type));
  const text = columns.findIndex((column, index) => index !== time && !isNumeric(column.type) && !isTime(column.type));
  if (time >= 0) return { kind: "line", x: time, group: text, values: text >= 0 ? [numbers[0]] : numbers.slice(0, seriesMax) };
  return { kind: "bars", x: text >= 0 ? text : 0, group: -1, values: [numbers.find(index => index !== (text >= 0 ? text : 0)) ?? numbers[0]] };
}

/** Draws into a place; gives a function that takes the drawing away. */
export function drawChart(place, { columns, rows }, { kind, x, group, values, height = 300 }) {
  return kind === "bars" ? drawBars(place, { columns, rows }, { x, group, values })
    : drawLines(place, { columns, rows }, { kind, x, group, values, height });
}

function drawBars(place, { columns, rows }, { x, group, values }) {
  const [value] = values;
  const shown = rows.slice(0, barsMax);
  const most = Math.max(...shown.map(row => Math.abs(Number(row[value]))), 0) || 1;
  fill(place,
    h("table", { class: "bars", "aria-label": columns[value].name },
      h("tbody", null, shown.map(row => h("tr", null,
        h("th", { scope: "row" }, [x, ...(group >= 0 ? [group] : [])].map(index => (row[index] === null ? "∅" : String(row[index]))).join(" · ")),
        h("td", { class: "fill" }, h("i", { css: { width: `${Math.abs(Number(row[value])) / most * 100}%` } })),
        h("td", { class: "number" }, row[value] === null ? "∅" : String(row[value])))))),
    rows.length > barsMax ? h("p", { class: "faint" }, t("chart.more", count(barsMax), count(rows.length))) : null);
  return () => fill(place);
}

function drawLines(box, { columns, rows }, { kind, x, group, values, height }) {
  const type = columns[x].type;
  const at = new Map();
  const series = new Map();
  for (const row of rows) {
    const place = isTime(type) ? seconds(row[x], type) : Number(row[x]);
    if (place === null || Number.isNaN(place)) continue;
    if (!at.has(place)) at.set(place, new Map());
    for (const value of values) {
      const key = group >= 0 ? String(row[group] ?? "∅") : columns[value].name;
      const number = row[value] === null ? null : Number(row[value]);
      series.set(key, (series.get(key) ?? 0) + Math.abs(number ?? 0));
      at.get(place).set(key, number);
    }
  }
  const names = [...series.keys()].sort((one, other) => (group >= 0 ? series.get(other) - series.get(one) : 0)).slice(0, seriesMax);
  const times = [...at.keys()].sort((one, other) => one - other);
  const data = [times, ...names.map(name => times.map(each => at.get(each).get(name) ?? null))];
  const style = getComputedStyle(document.documentElement);
  const colour = name => style.getPropertyValue(name).trim();
  const axis = { stroke: colour("--soft"), grid: { stroke: colour("--line-soft"), width: 1 }, ticks: { stroke: colour("--line"), width: 1 }, font: "12px system-ui" };
  const field = h("div", { class: "lines", css: { "min-height": `${height + 30}px` } });
  fill(box, field, series.size > seriesMax ? h("p", { class: "faint" }, t("chart.more", count(seriesMax), count(series.size))) : null);
  const single = times.length === 1;
  const plot = new uPlot({
    width: Math.max(200, field.clientWidth || box.clientWidth || 700), height,
    tzDate: value => uPlot.tzDate(new Date(value * 1000), zone),
    scales: { x: { time: isTime(type) } },
    axes: [isTime(type) ? { ...axis, values: (_, marks) => marks.map(mark) } : axis, { ...axis, size: 70, values: (_, marks) => marks.map(mark => (mark === null ? "" : count(mark))) }],
    series: [{ label: columns[x].name, value: (_, value) => (value === null ? "–" : isTime(type) ? time(new Date(value * 1000)) : count(value)) }, ...names.map((name, index) => ({
      label: name, stroke: colour(`--c${index + 1}`), width: 1.6, spanGaps: group < 0, points: { show: single || times.length < 40, size: 5 },
      fill: kind === "area" ? `color-mix(in srgb, ${colour(`--c${index + 1}`)} 22%, transparent)` : undefined,
      paths: kind === "columns" ? uPlot.paths.bars({ size: [.7, 40] }) : undefined,
    }))],
  }, data, field);
  const watch = new ResizeObserver(() => plot.setSize({ width: Math.max(200, field.clientWidth), height }));
  watch.observe(field);
  return () => {
    watch.disconnect();
    plot.destroy();
    fill(box);
  };
}
