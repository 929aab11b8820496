// {{name}}, {{name:type}} and {{name:type=default}} in a statement: fields to fill in, put in as literals of SQL. The
// server's QueryTemplate reads the same.

import { h, fill } from "./dom.js";
import { literal } from "./ask-server.js";
import { t } from "./words.js";

const place = /\{\{\s*([A-Za-z_]\w*)\s*(?::\s*(text|number|date|time)\s*)?(?:=([^}]*))?\}\}/y;

/** Parts of SQL that a parameter does not reach into: texts, quoted names, comments. */
const closed = [/'(?:[^']|'')*'?/y, /"(?:[^"]|"")*"?/y, /--[^\n]*/y, /\/\*[\s\S]*?(?:\*\/|$)/y];

/** The parameters of a statement, each once: {name, type, given}; the first place that says something counts. */
export function parametersOf(text) {
  const found = new Map();
  for (const { parameter } of parts(text)) {
    if (!parameter) continue;
    const known = found.get(parameter.name) ?? { name: parameter.name };
    found.set(parameter.name, { ...known, said: known.said ?? parameter.said, given: known.given ?? parameter.given });
  }
  const declared = declaredIn(text);
  return [...found.values()].map(({ name, said, given }) => ({
    name, type: said ?? declared.get(name)?.type ?? guess(name), given: given ?? declared.get(name)?.given,
  }));
}

/** `-- parameters: from:date=today-6, least=50` of a saved query's header. */
function declaredIn(text) {
  const header = /^(?:[ \t]*(?:--[^\n]*)?\n)*?[ \t]*--+[ \t]*parameters:[ \t]+([^\n]*)/.exec(text);
  return new Map((header?.[1] ?? "").split(",").map(part => {
    const [, name, type, given] = /^\s*([A-Za-z_]\w*)\s*(?::\s*(\w+)\s*)?(?:=\s*(.*?)\s*)?$/.exec(part) ?? [];
    return [name, { type: type ?? (name && guess(name)), given }];
  }));
}

const zone = document.documentElement.dataset.zone;
const clock = new Intl.DateTimeFormat("sv-SE", {
  timeZone: zone, year: "numeric", month: "2-digit", day: "2-digit", hour: "2-digit", minute: "2-digit", second: "2-digit",
});

/** What a default says now: `today-6` and `yesterday` are days, `now-1h` a time, in the project's zone. */
export function resolve(type, given) {
  if (type !== "date" && type !== "time") return given;
  const now = Date.parse(`${clock.format(new Date()).replace(" ", "T")}Z`);
  const write = milliseconds => new Date(milliseconds).toISOString();
  const day = /^today([+-]\d{1,5})?$/.exec(given === "yesterday" ? "today-1" : given);
  if (day !== null) return write(now + Number(day[1] ?? 0) * 86_400_000).slice(0, 10) + (type === "time" ? "T00:00" : "");
  const moment = type === "time" ? /^now(?:([+-]\d{1,6})([smhd]))?$/.exec(given) : null;
  if (moment === null) return given;
  return write(now + Number(moment[1] ?? 0) * { s: 1000, m: 60_000, h: 3_600_000, d: 86_400_000 }[moment[2] ?? "s"]).slice(0, 19);
}

/** What stands in a field before anybody writes there. */
export const initial = ({ type, given }) => resolve(type, given ?? (type === "date" ? "yesterday" : ""));

/** Fields of parameters in a place: `values` takes what is written, `run` is called by Enter. */
export function showFields(place, parameters, values, run) {
  const now = JSON.stringify(parameters);
  if (place.dataset.shown === now) return;
  place.dataset.shown = now;
  fill(place, parameters.map(parameter => {
    const { name, type } = parameter;
    values[name] ??= initial(parameter);
    if (parameter.choices) {
      const offered = [...new Set([...(parameter.given === "" ? [""] : []), ...parameter.choices, values[name]])];
      return h("label", null, parameter.label ?? name, h("select", {
        name, on: { change: event => { values[name] = event.target.value; } },
      }, offered.map(each => h("option", { value: each, selected: each === values[name] }, each === "" ? t("boards.any") : each))));
    }
    return h("label", null, parameter.label ?? name, h("input", {
      name, type: { date: "date", time: "datetime-local" }[type] ?? "text", inputmode: type === "number" ? "decimal" : null,
      step: type === "time" ? "1" : null, value: values[name], size: type === "number" ? "8" : "18",
      on: {
        input: event => { values[name] = event.target.value; },
        keydown: event => { if (event.key === "Enter") run(); },
      },
    }));
  }));
}

/** The words for a value that is missing or none of its type; the field that it belongs to is chosen. */
export function fault(problem, place) {
  place.querySelector(`[name="${CSS.escape(problem.parameter)}"]`)?.focus();
  return { message: t(`ask.parameter.${problem.reason}`, problem.parameter) };
}

/**
 * Puts values in. Gives {sql, origin(line, column)}, where origin leads from a place in what was sent to the place in
 * what was written. Throws {parameter, reason} where a value is missing or no value of its type.
 */
export function substitute(text, values) {
  const parameters = new Map(parametersOf(text).map(parameter => [parameter.name, parameter]));
  let sql = "";
  const pieces = [];
  for (const part of parts(text)) {
    const written = part.parameter ? asLiteral(parameters.get(part.parameter.name), values[part.parameter.name]) : part.text;
    pieces.push({ from: sql.length, till: sql.length + written.length, source: part.from, whole: Boolean(part.parameter) });
    sql += written;
  }
  return { sql, origin: (line, column) => origin(text, sql, pieces, line, column) };
}

function* parts(text) {
  let start = 0;
  let at = 0;
  while (at < text.length) {
    place.lastIndex = at;
    const match = place.exec(text);
    if (match !== null) {
      if (at > start) yield { text: text.slice(start, at), from: start };
      yield { parameter: { name: match[1], said: match[2], given: match[3] }, from: at };
      at = start = at + match[0].length;
      continue;
    }
    const skipped = closed.map(pattern => { pattern.lastIndex = at; return pattern.exec(text); }).find(Boolean);
    at += skipped ? skipped[0].length : 1;
  }
  if (text.length > start) yield { text: text.slice(start), from: start };
}

const guess = name => (/^(from|to|until|since|day|date)$|_(day|date)$/.test(name) ? "date" : "text");

function asLiteral({ name, type, given }, written) {
  const value = written ?? (given === undefined ? undefined : resolve(type, given));
  if (type === "text" && value === "" && given === "") return "''";
  if (value === undefined || value === "") throw { parameter: name, reason: "empty" };
  if (type === "number") {
    if (!/^-?\d+(\.\d+)?([eE]-?\d+)?$/.test(value)) throw { parameter: name, reason: "number" };
    return value.startsWith("-") ? `(${value})` : value;
  }
  if (type === "date") {
    if (!/^\d{4}-\d{2}-\d{2}$/.test(value)) throw { parameter: name, reason: "date" };
    return `DATE '${value}'`;
  }
  if (type === "time") {
    if (!/^\d{4}-\d{2}-\d{2}[T ]\d{2}:\d{2}(:\d{2})?$/.test(value)) throw { parameter: name, reason: "time" };
    return `TIMESTAMP '${value.replace("T", " ")}'`;
  }
  return literal(value);
}

function origin(text, sql, pieces, line, column) {
  const offset = sql.split("\n").slice(0, line - 1).reduce((sum, each) => sum + each.length + 1, 0) + column - 1;
  const piece = pieces.find(each => offset < each.till) ?? pieces.at(-1);
  const source = piece === undefined ? 0 : piece.source + (piece.whole ? 0 : offset - piece.from);
  const before = text.slice(0, source).split("\n");
  return { line: before.length, column: before.at(-1).length + 1 };
}
