// Tiers: what of the lake is hot, warm and cold, and what is to move. The numbers are GET /v1/tiers'.

import { h, fill } from "./dom.js";
import { block, content, guard, mayAdminister, problem } from "./frame.js";
import { get, repeat, request, parse } from "./ask-server.js";
import { bytes, count, decimal, t, time } from "./words.js";
import { table } from "./table.js";

const tiers = ["hot", "warm", "cold"];
const filesSql = `SELECT tier, schema, "table", column_group, count(*) AS files, sum(rows) AS rows, sum(bytes) AS bytes
FROM naru.files
GROUP BY ALL
ORDER BY tier, bytes DESC`;

const nameOf = row => (row.column_group === "fields" ? row.table : `${row.table}$${row.column_group}`);

/** Bytes of a table on one volume. */
const on = tier => ({
  label: t(`tiers.${tier}`), number: true, sort: row => row[tier].bytes,
  cell: row => (row[tier].files === 0 ? h("span", { class: "faint" }, "–")
    : h("span", { title: t("tiers.files.of", count(row[tier].files)) }, bytes(row[tier].bytes))),
});

/** The server's words are English. */
function whyOf(why) {
  if (why.startsWith("pinned")) return t("tiers.why.pin");
  const day = /^before (\S+):/.exec(why);
  return day ? t("tiers.why.age", day[1]) : t("tiers.why.space");
}

const search = h("input", { type: "search", "data-search": true, placeholder: t("tiers.search"), "aria-label": t("tiers.search"), on: { input: () => show() } });
const volumes = table({
  caption: t("tiers.volumes"),
  columns: [
    { label: t("tiers.tier"), cell: row => h("strong", null, t(`tiers.${row.tier}`)), class: "short" },
    { label: t("tiers.place"), cell: row => h("span", null, h("code", null, row.place), row.fault ? h("div", { class: "bad" }, row.fault) : "") },
    { label: t("tiers.files"), number: true, cell: row => count(row.files) },
    { label: t("tiers.bytes"), number: true, cell: row => bytes(row.bytes) },
    { label: t("tiers.free"), number: true, cell: row => (row.free_bytes === null ? "–" : bytes(row.free_bytes)) },
    { label: t("tiers.cost"), number: true, cell: row => (row.cost_per_month === null ? "–" : decimal(row.cost_per_month)) },
  ],
});
const tables = table({
  caption: t("tiers.tables"), empty: t("tiers.none"),
  columns: [
    { label: t("tiers.table"), cell: nameOf, sort: nameOf },
    ...tiers.map(on),
    { label: t("tiers.warm.from"), cell: row => row.first_day_hot ?? h("span", { class: "faint" }, t("tiers.never")), sort: row => row.first_day_hot ?? "" },
    { label: t("tiers.cold.from"), cell: row => row.first_day_warm ?? h("span", { class: "faint" }, t("tiers.never")), sort: row => row.first_day_warm ?? "" },
  ],
});
const moves = table({
  caption: t("tiers.moves"), empty: t("tiers.moves.none"),
  columns: [
    { label: t("tiers.table"), cell: row => row.table, sort: row => row.table },
    { label: t("tiers.day"), cell: row => row.day, sort: row => row.day },
    { label: t("tiers.way"), cell: row => `${t(`tiers.${row.from}`)} → ${t(`tiers.${row.to}`)}`, sort: row => row.to },
    { label: t("tiers.files"), number: true, cell: row => count(row.files), sort: row => row.files },
    { label: t("tiers.bytes"), number: true, cell: row => bytes(row.bytes), sort: row => row.bytes },
    { label: t("tiers.why"), cell: row => whyOf(row.why) },
  ],
});
const pins = h("div");
const pinned = rows => table({
  caption: t("tiers.pins"), rows,
  columns: [
    { label: t("tiers.table"), cell: row => row.table, sort: row => row.table },
    { label: t("tiers.days"), cell: row => `${row.from} – ${row.to}`, sort: row => row.from },
    { label: t("tiers.tier"), cell: row => t(`tiers.${row.tier}`), sort: row => row.tier },
    { label: t("tiers.by"), cell: row => row.by, sort: row => row.by },
    { label: t("tiers.at"), class: "short", cell: row => time(row.at), sort: row => row.at },
  ],
});
let all = [];
function show() {
  const wanted = search.value.trim().toLowerCase();
  tables.show(all.filter(row => nameOf(row).toLowerCase().includes(wanted)));
}

const problems = h("div");
const result = h("div", { role: "status" });
const button = h("button", { type: "button", on: { click: () => move() } }, t("tiers.move"));

/** Lines of JSON: what is planned, what was moved of each table, and at last a summary. */
async function move() {
  button.disabled = true;
  const told = [];
  try {
    fill(result, h("p", { class: "soft" }, t("frame.waiting")));
    const response = await request("/v1/tiers/moves", { method: "POST" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      for (const line of lines.filter(each => each !== "").map(parse)) {
        if (line.error) told.push(problem({ message: line.error }));
        for (const each of line.problems ?? []) told.push(problem({ message: each }));
        if (line.summary) told.push(h("p", { class: "done" }, t("tiers.moved", count(line.summary.files), bytes(line.summary.bytes))));
        else if (line.table) fill(result, h("p", { class: "soft" }, t("tiers.moving", line.table)));
      }
      if (done) break;
    }
    fill(result, told);
    await look();
  } catch (error) {
    fill(result, problem(error));
    button.disabled = false;
  }
}

async function look() {
  const answer = await get("/v1/tiers");
  volumes.show(answer.volumes);
  moves.show(answer.moves);
  all = answer.tables;
  fill(pins, answer.pins.length === 0 ? null : block(t("tiers.pins"), { flush: true }, pinned(answer.pins)));
  button.disabled = answer.moves.length === 0;
  show();
}

if (mayAdminister) {
  fill(content,
    problems,
    block(t("tiers.volumes"), { sql: filesSql, flush: true }, volumes),
    h("div", { class: "bar" }, search),
    block(t("tiers.tables"), { flush: true }, tables),
    block(t("tiers.moves"), { rest: [button], flush: true }, h("div", { class: "padded" }, result), moves), pins);
  await repeat(5000, () => guard(problems, async () => {
    await look();
    fill(problems);
  }));
} else {
  fill(content, h("p", { class: "faint" }, t("tiers.forbidden")));
}
