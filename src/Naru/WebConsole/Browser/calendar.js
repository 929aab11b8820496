// Intervals as a calendar: weeks of days, or days of hours. A state is a colour and a mark; arrow keys move.

import { h } from "./dom.js";
import { language, named, t } from "./words.js";
import { marks } from "./states.js";

const dayLength = 86_400_000;
const weekday = new Intl.DateTimeFormat(language, { weekday: "short", timeZone: "UTC" });

export const dayOf = text => Date.parse(`${text.slice(0, 10)}T00:00:00Z`);
export const textOf = day => new Date(day).toISOString().slice(0, 10);
export const addDays = (text, days) => textOf(dayOf(text) + days * dayLength);

/** The Monday of a day's week. */
export const monday = text => addDays(text, -((new Date(dayOf(text)).getUTCDay() + 6) % 7));

/** calendar({every, from, to, intervals, chosen, open}): `open(interval)` when one is chosen. */
export function calendar({ every, from, to, intervals, chosen, open }) {
  const known = new Map();
  for (const each of intervals) {
    const key = every === "hour" ? `${each.interval.slice(0, 10)} ${each.interval.slice(11, 13)}` : each.interval.slice(0, 10);
    known.set(key, [...(known.get(key) ?? []), each]);
  }
  const rows = every === "hour" ? hours(from, to, known) : days(from, to, known);
  const heads = every === "hour" ? Array.from({ length: 24 }, (_, hour) => String(hour).padStart(2, "0"))
    : Array.from({ length: 7 }, (_, day) => weekday.format(new Date(Date.UTC(2026, 0, 5 + day))));
  const cell = each => h("button", {
    type: "button", class: "interval", "data-state": each.status, "data-interval": each.interval, tabindex: "-1", "aria-pressed": String(each.interval === chosen),
    title: [each.interval, named("state", each.status), each.why].filter(Boolean).join(": "),
    "aria-label": [each.interval, named("state", each.status), each.why].filter(Boolean).join(": "), on: { click: () => open(each) },
  }, every === "hour" ? null : h("span", null, each.interval.slice(8, 10)), marks[each.status], each.warnings ? "!" : null);
  const element = h("table", { class: `calendar ${every}`, "aria-label": t("models.calendar"), on: { keydown: event => move(event, element) } },
    h("thead", null, h("tr", null, h("th"), heads.map(head => h("th", { scope: "col" }, head)))),
    h("tbody", null, rows.map(row => h("tr", null, h("th", { scope: "row", class: "nowrap" }, row.label),
      row.cells.map(cells => h("td", null, cells.map(cell)))))));
  const buttons = [...element.querySelectorAll("button")];
  const first = buttons.find(each => each.dataset.interval === chosen) ?? buttons.at(-1);
  first?.setAttribute("tabindex", "0");
  return element;
}

function days(from, to, known) {
  const rows = [];
  for (let week = monday(from); week < to; week = addDays(week, 7)) {
    rows.push({ label: week, cells: Array.from({ length: 7 }, (_, day) => known.get(addDays(week, day)) ?? []) });
  }
  return rows;
}

function hours(from, to, known) {
  const rows = [];
  for (let day = from; day < to; day = addDays(day, 1)) {
    rows.push({ label: day, cells: Array.from({ length: 24 }, (_, hour) => known.get(`${day} ${String(hour).padStart(2, "0")}`) ?? []) });
  }
  return rows;
}

/** Left and right to the neighbour, up and down to the same place of the next row. */
function move(event, element) {
  const buttons = [...element.querySelectorAll("button")];
  const at = buttons.indexOf(event.target);
  if (at < 0) return;
  const place = event.target.closest("td").cellIndex;
  const column = buttons.filter(each => each.closest("td").cellIndex === place);
  const next = { ArrowLeft: buttons[at - 1], ArrowRight: buttons[at + 1],
    ArrowUp: column[column.indexOf(event.target) - 1], ArrowDown: column[column.indexOf(event.target) + 1] }[event.key];
  if (next === undefined) return;
  event.preventDefault();
  event.target.setAttribute("tabindex", "-1");
  next.setAttribute("tabindex", "0");
  next.focus();
}
