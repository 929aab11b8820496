// Tables: a small one is whole in the page, a long one shows only the rows in sight.

import { h, fill } from "./dom.js";
import { t } from "./words.js";

const rowHeight = 26;
const wholeMax = 300;

/**
 * table({columns, rows, key, open}): columns are {name, label, number, cell(row), sort(row)}; a row is whatever the
 * cells read. `open(row)` makes rows a choice, by mouse and Enter. Gives the element; `element.show(rows)` renews it.
 */
export function table({ columns, rows = [], open, empty, caption }) {
  let sorted = { column: null, down: true };
  let current = rows;
  const body = h("tbody");
  const heads = columns.map(column => h("th", { class: column.number ? "number" : null, scope: "col", title: column.hint },
    column.sort === false ? column.label : h("button", {
      type: "button", class: "plain", on: { click: () => sortBy(column) },
    }, column.label)));
  const element = h("div", { class: "scroll" },
    h("table", { "aria-label": caption }, h("thead", null, h("tr", null, heads)), body));

  function sortBy(column) {
    sorted = { column, down: sorted.column === column ? !sorted.down : Boolean(column.number) };
    draw();
  }

  function draw() {
    heads.forEach((head, index) => {
      if (columns[index] === sorted.column) head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending");
      else head.removeAttribute("aria-sort");
    });
    const shown = sorted.column ? [...current].sort((one, other) => {
      const order = compare(value(sorted.column, one), value(sorted.column, other));
      return sorted.down ? -order : order;
    }) : current;
    fill(body, shown.length === 0
      ? h("tr", null, h("td", { class: "faint", colspan: columns.length }, empty ?? t("table.empty")))
      : shown.map(row => line(row)));
  }

  function line(row) {
    const cells = columns.map(column => h("td", { class: [column.number && "number", column.class].filter(Boolean).join(" ") || null },
      column.cell(row)));
    return open === undefined ? h("tr", null, cells) : h("tr", {
      class: "opens", tabindex: "0", on: {
        click: event => event.target.closest("a, button, input") ?? open(row),
        keydown: event => { if (event.key === "Enter" && event.target === event.currentTarget) open(row); },
      },
    }, cells);
  }

  element.show = next => {
    current = next;
    draw();
    return element;
  };
  draw();
  return element;
}

const value = (column, row) => (column.sort ?? column.cell)(row);

/** Numbers as numbers, also those written as text with all their digits; nothing is last. */
export function compare(one, other) {
  if (one === null || one === undefined || one === "") return other === null || other === undefined || other === "" ? 0 : -1;
  if (other === null || other === undefined || other === "") return 1;
  const [left, right] = [Number(one), Number(other)];
  if (!Number.isNaN(left) && !Number.isNaN(right)) return left - right;
  return String(one).localeCompare(String(other));
}

const numeric = /^(U?(TINY|SMALL|BIG|HUGE)?INT(EGER)?|DECIMAL.*|DOUBLE|FLOAT|REAL)$/;

export const isNumeric = type => numeric.test(type);

/** A value of an answer as the text that a person reads; the same characters that SQL would print. */
export function cellText(value) {
  if (value === null || value === undefined) return "∅";
  return typeof value === "object" ? JSON.stringify(value) : String(value);
}

/**
 * An answer of SQL: {columns, rows}. Any number of rows: those in sight are in the page, between two spacers. A click
 * on a name sorts what is here.
 */
export function answerGrid({ columns, rows }, { height = 480 } = {}) {
  let order = rows;
  let sorted = { index: -1, down: true };
  const numbers = columns.map(column => isNumeric(column.type));
  const widths = columns.map((column, index) => width(column, index, rows));
  const above = h("td", { colspan: columns.length });
  const below = h("td", { colspan: columns.length });
  const body = h("tbody");
  const heads = columns.map((column, index) => h("th", { class: numbers[index] ? "number" : null, scope: "col" },
    h("button", { type: "button", class: "plain", on: { click: () => sortBy(index) } }, column.name),
    h("span", { class: "type" }, column.type)));
  const grid = h("table", { class: "grid" }, h("thead", null, h("tr", null, heads)), body);
  const element = h("div", { class: "scroll answer", tabindex: "0", on: { scroll: () => draw() } }, grid);
  const virtual = rows.length > wholeMax;
  if (virtual) {
    element.style.maxHeight = `${height}px`;
    grid.style.tableLayout = "fixed";
    grid.style.width = `max(100%, ${widths.reduce((sum, each) => sum + each, 0)}ch)`;
    heads.forEach((head, index) => (head.style.width = `${widths[index]}ch`));
  }
  let first = -1;

  function sortBy(index) {
    sorted = { index, down: sorted.index === index ? !sorted.down : numbers[index] };
    heads.forEach((head, at) => (at === index
      ? head.setAttribute("aria-sort", sorted.down ? "descending" : "ascending") : head.removeAttribute("aria-sort")));
    order = [...rows].sort((one, other) => compare(one[index], other[index]) * (sorted.down ? -1 : 1));
    first = -1;
    draw();
  }

  function draw() {
    if (!virtual) {
      if (first < 0) {
        fill(body, order.length > 0 ? order.map(line) : h("tr", null, h("td", { class: "faint", colspan: columns.length }, t("table.empty"))));
      }
      first = 0;
      return;
    }
    const sight = Math.ceil(height / rowHeight) + 20;
    const from = Math.max(0, Math.min(order.length - sight, Math.floor(element.scrollTop / rowHeight) - 10));
    if (from === first) return;
    first = from;
    const till = Math.min(order.length, from + sight);
    above.style.height = `${from * rowHeight}px`;
    below.style.height = `${(order.length - till) * rowHeight}px`;
    fill(body, h("tr", { class: "spacer" }, above), order.slice(from, till).map(line), h("tr", { class: "spacer" }, below));
  }

  function line(row) {
    return h("tr", null, row.map((value, index) => h("td", {
      class: value === null ? "null" : numbers[index] ? "number" : null,
      title: value !== null && String(value).length > 60 ? cellText(value) : null,
    }, cellText(value))));
  }

  draw();
  return element;
}

function width(column, index, rows) {
  let longest = Math.max(column.name.length, column.type.length * .8) + 4;
  for (const row of rows.slice(0, 200)) longest = Math.max(longest, cellText(row[index]).length + 3);
  return Math.min(longest, 60);
}
