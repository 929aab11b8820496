// {{name}}, {{name:type}} and {{name:type=default}} in a statement: fields to fill in, put in as literals of SQL.

import { literal } from "./ask-server.js";

const place = /\{\{\s*([A-Za-z_]\w*)\s*(?::\s*(text|number|date|time)\s*)?(?:=([^}]*))?\}\}/y;

/** Parts of SQL that a parameter does not reach into: texts, quoted names, comments. */
const closed = [/'(?:[^']|'')*'?/y, /"(?:[^"]|"")*"?/y, /--[^\n]*/y, /\/\*[\s\S]*?(?:\*\/|$)/y];

/** The parameters of a statement, each once: {name, type, given}. */
export function parametersOf(text) {
  const found = new Map();
  for (const part of parts(text)) {
    if (part.parameter && (!found.has(part.parameter.name) || part.parameter.given !== undefined)) {
      found.set(part.parameter.name, part.parameter);
    }
  }
  return [...found.values()];
}

/**
 * Puts values in. Gives {sql, origin(line, column)}, where origin leads from a place in what was sent to the place in
 * what was written. Throws {parameter, reason} where a value is missing or no value of its type.
 */
export function substitute(text, values) {
  let sql = "";
  const pieces = [];
  for (const part of parts(text)) {
    const written = part.parameter ? asLiteral(part.parameter, values[part.parameter.name]) : part.text;
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
      yield { parameter: { name: match[1], type: match[2] ?? guess(match[1]), given: match[3] }, from: at };
      at = start = at + match[0].length;
      continue;
    }
    const skipped = closed.map(pattern => { pattern.lastIndex = at; return pattern.exec(text); }).find(Boolean);
    at += skipped ? skipped[0].length : 1;
  }
  if (text.length > start) yield { text: text.slice(start), from: start };
}

const guess = name => (/^(from|to|until|since|day|date)$|_(day|date)$/.test(name) ? "date" : "text");

function asLiteral({ name, type }, value) {
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
