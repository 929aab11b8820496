// A dashboard as fields to fill in, and as the text of its file.

import { h } from "./dom.js";
import { t } from "./words.js";
import { kinds } from "./view.js";

const reader = document.documentElement.dataset.reader;

export const emptyBoard = name => ({
  name, title: name, description: "", owner: reader, tags: [], kind: "dashboard", refresh: null, parameters: [], tiles: [], may_change: true,
});

const labelled = (word, field) => h("label", null, h("span", null, t(word)), field);
const choice = (name, from, value) => h("select", { name }, from.map(([key, label]) => h("option", { value: key, selected: key === value }, label)));

/** {elements, read(), said}: what one tile is. */
export function tileFields(tile, queries) {
  const list = h("datalist", { id: "tile-columns" }, (tile.columns ?? []).map(column => h("option", { value: column })));
  const query = choice("query", [["", t("boards.statement")], ...queries.map(each => [each.number, `${each.number} · ${each.title}`])], tile.query ?? (tile.sql ? "" : queries[0]?.number ?? ""));
  const statement = h("textarea", { name: "sql", rows: "5", value: tile.query ? "" : tile.sql ?? "" });
  const fields = {
    title: h("input", { name: "title", value: tile.title ?? "", size: "40" }),
    kind: choice("kind", [["", t("boards.kind.query")], ...kinds.map(kind => [kind, t(`view.kind.${kind}`)])], tile.chart?.kind ?? ""),
    x: h("input", { name: "x", value: tile.chart?.x ?? "", list: "tile-columns", size: "20" }),
    y: h("input", { name: "y", value: (tile.chart?.y ?? []).join(","), list: "tile-columns", size: "20" }),
    group: h("input", { name: "group", value: tile.chart?.group ?? "", list: "tile-columns", size: "20" }),
    width: h("input", { name: "width", type: "number", min: "1", max: "12", value: String(tile.width ?? 6) }),
    height: h("input", { name: "height", type: "number", min: "1", max: "6", value: String(tile.height ?? 2) }),
  };
  const own = labelled("boards.statement", statement);
  const show = () => { own.hidden = query.value !== ""; };
  query.addEventListener("change", show);
  show();
  return {
    said: h("div", { role: "status" }),
    elements: [labelled("boards.tile.query", query), own, labelled("archive.field.title", fields.title), labelled("chart.kind", fields.kind),
      labelled("boards.tile.x", fields.x), labelled("boards.tile.y", fields.y), labelled("chart.group", fields.group),
      labelled("boards.tile.width", fields.width), labelled("boards.tile.height", fields.height), list],
    read: () => ({
      title: fields.title.value.trim(), query: query.value === "" ? null : query.value, sql: query.value === "" ? statement.value : null,
      chart: fields.kind.value === "" ? null : {
        kind: fields.kind.value, x: word(fields.x.value), y: fields.y.value.split(",").map(word).filter(Boolean), group: word(fields.group.value),
      },
      width: Number(fields.width.value), height: Number(fields.height.value), columns: tile.columns,
    }),
  };
}

const word = text => text.trim() || null;

/** {elements, read()}: what the dashboard as a whole is. Parameters are lines: `from: date = today-6 | First day`. */
export function boardFields(board) {
  const fields = {
    title: h("input", { name: "title", value: board.title, required: true, size: "40" }),
    description: h("input", { name: "description", value: board.description, size: "40" }),
    owner: h("input", { name: "owner", value: board.owner, size: "24" }),
    tags: h("input", { name: "tags", value: board.tags.join(", "), size: "24" }),
    kind: choice("kind", [["dashboard", t("boards.kind.dashboard")], ["form", t("boards.kind.form")]], board.kind),
    refresh: h("input", { name: "refresh", type: "number", min: "0", value: String(board.refresh ?? 0) }),
    parameters: h("textarea", { name: "parameters", rows: "4", value: board.parameters.map(line).join("\n") }),
  };
  return {
    elements: [labelled("archive.field.title", fields.title), labelled("archive.field.description", fields.description), labelled("archive.field.owner", fields.owner),
      labelled("archive.field.tags", fields.tags), labelled("boards.kind", fields.kind), labelled("boards.refresh", fields.refresh),
      labelled("boards.parameters", fields.parameters), h("p", { class: "soft" }, t("boards.parameters.hint"))],
    read: () => ({
      title: fields.title.value.trim(), description: fields.description.value.trim(), owner: fields.owner.value.trim(),
      tags: fields.tags.value.split(",").map(word).filter(Boolean), kind: fields.kind.value,
      refresh: Number(fields.refresh.value) || null,
      parameters: fields.parameters.value.split("\n").map(read).filter(Boolean),
    }),
  };
}

const line = ({ name, type, default: given, label, choices }) => [name, type ? `: ${type}` : "", given === null ? "" : ` = ${given}`,
  label || choices.length > 0 ? ` | ${label ?? ""}` : "", choices.length > 0 ? ` | ${choices.join(", ")}` : ""].join("");

function read(text) {
  const [head, label, choices] = text.split("|").map(part => part.trim());
  const [, name, type, given] = /^([A-Za-z_]\w*)\s*(?::\s*(text|number|date|time))?\s*(?:=\s*(.*))?$/.exec(head) ?? [];
  return name ? { name, type: type ?? null, default: given ?? null, label: label || null, choices: choices ? choices.split(",").map(each => each.trim()) : [] } : null;
}

/** The file that says all this. */
export function boardText(board) {
  const lines = [`title: ${scalar(board.title)}`];
  for (const key of ["description", "owner"]) if (board[key]) lines.push(`${key}: ${scalar(board[key])}`);
  if (board.tags.length > 0) lines.push(`tags: [${board.tags.map(scalar).join(", ")}]`);
  if (board.kind !== "dashboard") lines.push(`kind: ${board.kind}`);
  if (board.refresh) lines.push(`refresh: ${board.refresh}s`);
  if (board.parameters.length > 0) {
    lines.push("parameters:");
    for (const { name, type, default: given, label, choices } of board.parameters) {
      const parts = [type ? `type: ${type}` : null, given === null ? null : `default: ${JSON.stringify(given)}`, label ? `label: ${scalar(label)}` : null,
        choices.length > 0 ? `choices: [${choices.map(scalar).join(", ")}]` : null].filter(Boolean);
      lines.push(`  ${name}: {${parts.length > 0 ? parts.join(", ") : "type: text"}}`);
    }
  }
  lines.push("tiles:", ...board.tiles.map(tileText));
  return `${lines.join("\n")}\n`;
}

function tileText(tile) {
  const lines = [tile.query ? `query: ${tile.query}` : `sql: ${statement(tile.sql ?? "")}`];
  if (tile.title) lines.push(`title: ${scalar(tile.title)}`);
  if (tile.chart) {
    const { kind, x, y, group } = tile.chart;
    lines.push(`chart: ${scalar([kind, x ? `x=${x}` : null, y.length > 0 ? `y=${y.join(",")}` : null, group ? `group=${group}` : null].filter(Boolean).join(" "))}`);
  }
  lines.push(`width: ${tile.width}`, `height: ${tile.height}`);
  return `  - ${lines.join("\n    ")}`;
}

/** Plain where nothing can be misread, else in double quotes. */
const scalar = text => (/^[A-Za-z][A-Za-z0-9_=]*(?:[ ,_-][A-Za-z0-9_=]+)*$/.test(text) && !/^(true|false|null|yes|no|on|off)$/i.test(text) && !text.includes(",")
  ? text : quoted(text));

const quoted = text => JSON.stringify(text).replace(/[\u007f-\u00a0\u2028\u2029\ufeff]/g, found => `\\u${found.charCodeAt(0).toString(16).padStart(4, "0")}`);

/** Lines of SQL as they are, where YAML keeps them so. */
function statement(sql) {
  const text = sql.trimEnd();
  return /^\s|[\r\t\u0000-\u0008\u000b-\u001f\u007f-\u00a0\u2028\u2029\ufeff]/.test(text) || text === ""
    ? quoted(text) : `|\n${text.split("\n").map(each => (each.trim() === "" ? "" : `      ${each}`)).join("\n")}`;
}
