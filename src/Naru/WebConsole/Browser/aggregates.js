// Aggregates: continuous queries. The list is GET /v1/aggregates; one shows its table agg.NAME.

import { h, fill } from "./dom.js";
import { block, content, guard, mayAdminister, problem, subject } from "./frame.js";
import { get, identifier, literal, repeat, request, sql, parse } from "./ask-server.js";
import { ago, bytes, count, t, time } from "./words.js";
import { answerGrid, isNumeric, table } from "./table.js";
import { drawChart } from "./chart.js";

const name = subject();

/** One row of each: the version that serves, with how much of the newest one is built. */
const servingSql = where => `SELECT * EXCLUDE (built), min(built) OVER (PARTITION BY aggregate) AS built
FROM naru.aggregates
${where}QUALIFY version = min(version) OVER (PARTITION BY aggregate)
ORDER BY aggregate`;

function watermark(row) {
  return row.watermark ? h("span", { class: "nowrap", title: time(row.watermark) }, ago(row.watermark)) : "–";
}

async function list() {
  const listSql = servingSql("");
  const search = h("input", { type: "search", "data-search": true, placeholder: t("aggregates.search"), "aria-label": t("aggregates.search"), on: { input: () => show() } });
  const rows = table({
    caption: t("page.aggregates"), empty: t("aggregates.none"),
    open: row => location.assign(`/console/aggregates/${encodeURIComponent(row.name)}`),
    columns: [
      { label: t("aggregates.name"), cell: row => h("span", null, h("a", { href: `/console/aggregates/${encodeURIComponent(row.name)}` }, row.name), h("div", { class: "soft" }, row.description)), sort: row => row.name },
      { label: t("aggregates.window"), class: "short", cell: row => row.window, sort: row => row.window },
      { label: t("aggregates.watermark"), number: true, cell: watermark, sort: row => row.watermark },
      { label: t("aggregates.open"), number: true, cell: row => count(row.open_windows), sort: row => row.open_windows },
      { label: t("aggregates.groups"), number: true, cell: row => count(row.groups), sort: row => row.groups },
      { label: t("aggregates.bytes"), number: true, class: "short", cell: row => bytes(row.state_bytes), sort: row => row.state_bytes },
      { label: t("aggregates.late"), number: true, cell: row => h("span", { class: row.late_events > 0 ? "warn" : "faint" }, count(row.late_events)), sort: row => row.late_events },
      { label: t("aggregates.revisions"), number: true, cell: row => count(row.revisions), sort: row => row.revisions },
      { label: t("aggregates.state"), cell: state, sort: row => row.built },
      { label: t("aggregates.owner"), cell: row => row.owner, sort: row => row.owner },
    ],
  });
  const problems = h("div");
  let all = [];
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    rows.show(all.filter(row => `${row.name} ${row.description} ${row.owner}`.toLowerCase().includes(wanted)));
  };
  fill(content, h("div", { class: "bar" }, search), problems, block(t("page.aggregates"), { sql: listSql, flush: true }, rows));
  await repeat(3000, () => guard(problems, async () => {
    all = (await get("/v1/aggregates")).aggregates;
    show();
  }));
}

function state(row) {
  const share = row.built < 1 ? ` ${Math.floor(100 * row.built)}%` : "";
  return row.building || share !== "" ? h("span", { class: "chip warn" }, t("aggregates.building") + share) : h("span", { class: "chip good" }, t("aggregates.running"));
}

async function one() {
  const found = (await get("/v1/aggregates")).aggregates.find(each => each.name === name);
  document.querySelector("h1").textContent = name;
  if (found === undefined) {
    fill(content, problem({ message: t("aggregates.unknown", name) }), h("p", null, h("a", { href: "/console/aggregates" }, t("page.aggregates"))));
    return;
  }
  document.querySelector(".lead").textContent = found.description;
  document.title = `${name} · Naru`;
  const facts = h("dl", { class: "facts" });
  const chart = h("div", { class: "body" });
  const rows = h("div");
  const values = found.columns.filter(column => isNumeric(column.type) && !column.name.startsWith("_"));
  const measure = h("select", null, values.map(column => h("option", null, column.name)));
  const key = h("select", null, [...found.keys, ""].map(each => h("option", { value: each }, each === "" ? t("aggregates.nokey") : each)));
  const last = h("select", null, [24, 60, 168, 500, 2000].map(each => h("option", { value: String(each), selected: each === 60 }, t("aggregates.last", count(each)))));
  const sqlLink = h("span");
  let taken = null;

  const windowsSql = () => `SELECT *
FROM agg.${identifier(name)}
WHERE window_start IN (SELECT DISTINCT window_start FROM agg.${identifier(name)} ORDER BY window_start DESC LIMIT ${last.value})
ORDER BY window_start DESC${found.keys.map(each => `, ${identifier(each)}`).join("")}`;

  const draw = () => guard(chart, async () => {
    const statement = windowsSql();
    const { columns, rows: windows } = await sql(statement, { rowsMax: 50_000 });
    const at = each => columns.findIndex(column => column.name === each);
    taken?.();
    if (windows.length === 0) {
      fill(chart, h("p", { class: "faint" }, t("aggregates.empty")));
    } else {
      taken = drawChart(chart, { columns, rows: windows }, { kind: key.value === "" && found.window.startsWith("tumble") ? "columns" : "line", x: at("window_start"), group: key.value === "" ? -1 : at(key.value), values: [at(measure.value)] });
    }
    fill(rows, answerGrid({ columns, rows: windows }, { height: 380 }));
    fill(sqlLink, block(t("aggregates.rows"), { sql: statement, flush: true }, rows));
  });
  for (const choice of [measure, key, last]) choice.addEventListener("change", draw);

  const result = h("div", { role: "status" });
  const verify = mayAdminister ? h("button", { type: "button", on: { click: () => check(verify, result) } }, t("aggregates.verify")) : null;
  fill(content,
    h("div", { class: "row" }, block(t("aggregates.facts"), { sql: servingSql(`WHERE aggregate = ${literal(name)}\n`) }, facts),
      mayAdminister ? block(t("aggregates.proof"), {}, h("p", { class: "soft" }, t("aggregates.proof.text")), h("p", null, verify), result) : null),
    h("section", { class: "block" }, h("header", null, h("h2", null, t("aggregates.windows")),
      h("span", { class: "rest" }, h("label", null, t("aggregates.measure"), measure), h("label", null, t("aggregates.key"), key), last)), chart),
    sqlLink);
  await draw();
  await repeat(3000, () => guard(facts, async () => showFacts(facts, (await get("/v1/aggregates")).aggregates.find(each => each.name === name))));
}

function showFacts(facts, row) {
  if (row === undefined) return;
  const pairs = [
    ["aggregates.state", state(row)], ["aggregates.window", row.window], ["aggregates.lateness", row.lateness],
    ["aggregates.logs", row.logs.flatMap((log, index) => [index > 0 ? ", " : "", h("a", { href: `/console/logs/${encodeURIComponent(log)}` }, log)])],
    ["aggregates.key", row.keys.join(", ") || "–"], ["aggregates.owner", row.owner],
    ["aggregates.watermark", row.watermark ? [time(row.watermark), " · ", ago(row.watermark)] : "–"],
    ["aggregates.open", count(row.open_windows)], ["aggregates.groups", count(row.groups)], ["aggregates.bytes", bytes(row.state_bytes)],
    ["aggregates.late", count(row.late_events)], ["aggregates.revisions", count(row.revisions)],
  ];
  fill(facts, pairs.map(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)]));
}

/** Lines of JSON as the server counts on: progress, differences, and at last a summary. */
async function check(button, result) {
  button.disabled = true;
  const differences = [];
  try {
    fill(result, h("p", { class: "soft" }, t("frame.waiting")));
    const response = await request(`/v1/aggregates/${encodeURIComponent(name)}/verify`, { method: "POST" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      for (const line of lines.filter(each => each !== "")) tell(parse(line), differences, result);
      if (done) break;
    }
  } catch (error) {
    fill(result, problem(error));
  } finally {
    button.disabled = false;
  }
}

function tell(line, differences, result) {
  if (line.progress) {
    fill(result, h("p", { class: "soft" }, t("aggregates.progress", count(line.progress.done), count(line.progress.all), count(line.progress.rows))));
  } else if (line.difference) {
    differences.push(line.difference);
  } else if (line.error) {
    fill(result, problem(line.error));
  } else if (line.summary) {
    const { rows, differences: many, waiting } = line.summary;
    fill(result, many === 0
      ? h("p", { class: "done" }, t("aggregates.equal", count(rows)), waiting > 0 ? ` ${t("aggregates.waiting", count(waiting))}` : "")
      : [h("p", { class: "bad" }, t("aggregates.differ", count(many), count(rows))),
        h("pre", null, differences.slice(0, 50).map(each => `${each.window} ${each.key} ${each.column}: ${each.stream} ≠ ${each.batch}\n`).join(""))]);
  }
}

await guard(content, () => (name === "" ? list() : one()));
