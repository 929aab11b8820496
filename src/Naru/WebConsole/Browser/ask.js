// Ask: a statement, its parameters, and its rows as a table, a chart or a file.

import { h, fill } from "./dom.js";
import { content, dialog, guard, problem, runMark } from "./frame.js";
import { get, identifier, literal, objects, sql } from "./ask-server.js";
import { count, duration, t, time } from "./words.js";
import { answerGrid } from "./table.js";
import { drawChart, guessChart } from "./chart.js";
import { isNumeric } from "./table.js";
import { catalog, completions, reference } from "./catalog.js";
import { fault, parametersOf, showFields, substitute } from "./parameters.js";
import { download, fileFormats } from "./download.js";
import { archivePath, saveDialog } from "./save.js";
import { editor } from "./editor.js";

const rowsMax = 10_000;
const historyMax = 200;
const historyKey = "naru.ask.history";
const reader = document.documentElement.dataset.reader;

// What one asked wherever one sat; what only looks at the platform itself is what the console's pages ask.
const historySql = `SELECT sql AS text, max(started_at) AS asked, arg_max(wall_ms, started_at) AS ms,
  arg_max(rows, started_at) AS rows, arg_max(coalesce(error, ''), started_at) AS error
FROM naru.queries
WHERE owner = ${literal(reader)} AND p_ymd > current_date - 90
  AND (len(tables) = 0 OR len(list_filter(tables, lambda x: NOT starts_with(x, 'naru.'))) > 0)
  AND NOT contains(sql, 'information_schema.')
GROUP BY sql
ORDER BY asked DESC
LIMIT ${historyMax}`;

const examples = [
  ["ask.example.ctr", `-- ${t("ask.example.ctr")}
WITH shown AS (SELECT ad_id, count(*) AS impressions FROM kr_ad.impression WHERE p_ymd = {{day:date}} GROUP BY ad_id),
  tapped AS (SELECT ad_id, count(*) AS clicks, sum(cost) AS cost FROM kr_ad.click WHERE p_ymd = {{day:date}} GROUP BY ad_id)
SELECT ad_id, impressions, coalesce(clicks, 0) AS clicks, round(100.0 * coalesce(clicks, 0) / impressions, 2) AS ctr_percent, cost
FROM shown LEFT JOIN tapped USING (ad_id)
WHERE impressions >= {{least:number=50}}
ORDER BY ctr_percent DESC, impressions DESC`],
  ["ask.example.day", `-- ${t("ask.example.day")}
SELECT p_ymd AS day, screen, count(*) AS views
FROM kr_shop.page_view
WHERE p_ymd >= current_date - 13
GROUP BY day, screen
ORDER BY day, screen`],
  ["ask.example.search", `-- ${t("ask.example.search")}
SELECT query, count(*) AS searches, count(DISTINCT session_id) AS visits
FROM kr_shop.search
WHERE p_ymd BETWEEN {{from}} AND {{to}}
GROUP BY query
ORDER BY searches DESC
LIMIT 50`],
  ["ask.example.hour", `-- ${t("ask.example.hour")}
SELECT window_start, campaign_id, clicks, cost
FROM agg.campaign_bill_1h
WHERE window_start >= now() - INTERVAL 2 DAY
ORDER BY window_start, campaign_id`],
  ["ask.example.logs", `-- ${t("ask.example.logs")}
SELECT log, owner, description FROM naru.logs ORDER BY log`],
];

let served = null;
let known = { tables: new Map(), functions: [] };
let running = null;
let answer = null;
let taken = null;

const values = {};
const runButton = h("button", { type: "button", class: "main", on: { click: () => run() } }, t("ask.run"), " ", h("kbd", null, "Ctrl+⏎"));
const stopButton = h("button", { type: "button", class: "danger", disabled: true, on: { click: () => stop() } }, t("ask.stop"));
const elapsed = h("span", { class: "soft nowrap", role: "status", "data-elapsed": true });
const fields = h("div", { class: "bar fields" });
const result = h("div", { "data-result": true });
const side = h("aside", { class: "side" });
const place = h("div", { class: "editor" });
const exampleChoice = h("select", { "aria-label": t("ask.examples"), on: { change: event => choose(event.target) } },
  h("option", { value: "" }, t("ask.examples")),
  examples.map(([name], index) => h("option", { value: String(index) }, t(name))));
const downloads = h("select", { "aria-label": t("ask.download"), on: { change: event => downloadAs(event.target) } },
  h("option", { value: "" }, t("ask.download")), fileFormats.map(([value, name]) => h("option", { value }, name)));
const savedFrom = h("span", { class: "soft" });
let opened = null;

fill(content, h("div", { class: "ask" },
  h("div", { class: "work" },
    h("div", { class: "bar" }, runButton, stopButton, elapsed, savedFrom,
      h("span", { class: "rest" }, exampleChoice, downloads,
        h("button", { type: "button", on: { click: () => save() } }, t("archive.save")),
        h("button", { type: "button", on: { click: () => share() } }, t("ask.share")))),
    h("section", { class: "block" }, place), fields, result),
  side));

const pane = editor(place, {
  mode: "sql", label: t("ask.statement"), text: fromAddress() ?? sessionStorage.getItem("naru.ask.text") ?? "",
  changed: text => {
    sessionStorage.setItem("naru.ask.text", text);
    fieldsOf(text);
  },
  complete: (before, whole) => completions(known, before, whole),
});
fieldsOf(pane.text);
showSide("tables");
pane.focus();
await guard(result, openSaved);
if (sessionStorage.getItem(runMark) !== null) {
  sessionStorage.removeItem(runMark);
  run();
}
addEventListener("hashchange", () => {
  guard(result, openSaved);
  const text = fromAddress();
  if (text !== null && text !== pane.text) pane.text = text;
});
// Before the editor sees the keys: it keeps Escape to itself.
document.addEventListener("keydown", event => {
  if (event.key === "Escape" && running !== null) stop();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    event.stopPropagation();
    run();
  }
}, { capture: true });
guard(side, async () => {
  known = await catalog();
  if (side.dataset.tab === "tables") showSide("tables");
});

/** #sql=…&p.day=…: the statement and its parameters; the fragment never leaves the browser. */
function fromAddress() {
  const given = new URLSearchParams(location.hash.slice(1));
  for (const [name, value] of given) if (name.startsWith("p.")) values[name.slice(2)] = value;
  return given.get("sql");
}

function address() {
  const parts = parametersOf(pane.text).filter(({ name }) => values[name]).map(({ name }) => `&p.${name}=${encodeURIComponent(values[name])}`);
  return `#sql=${encodeURIComponent(pane.text)}${parts.join("")}`;
}

/** #saved=DATA-1042: a query of the archive, to be run or saved again. */
async function openSaved() {
  const number = new URLSearchParams(location.hash.slice(1)).get("saved");
  if (number === null) return;
  const query = await get(archivePath(number));
  for (const name of Object.keys(values)) delete values[name];
  pane.text = query.text;
  openedFrom({ number, sha256: query.sha256 });
}

function openedFrom(query) {
  opened = query;
  fill(savedFrom, h("a", { href: `/console/archive/${encodeURIComponent(query.number)}` }, query.number));
}

function save() {
  if (pane.text.trim() === "") return;
  saveDialog(pane.text, opened, (query, text) => {
    pane.text = text;
    openedFrom(query);
  });
}

function fieldsOf(text) {
  showFields(fields, parametersOf(text), values, () => run());
}

/** The statement to send: what is selected, else everything, with its parameters put in. */
function prepare() {
  const text = pane.chosen.trim() === "" ? pane.text : pane.chosen;
  try {
    return substitute(text, values);
  } catch (found) {
    if (!found.parameter) throw found;
    fill(result, problem(fault(found, fields)));
    return null;
  }
}

async function run() {
  if (running !== null) return;
  const prepared = prepare();
  if (prepared === null || prepared.sql.trim() === "") return;
  history.replaceState(null, "", address());
  pane.clear();
  running = new AbortController();
  const started = performance.now();
  const tick = setInterval(() => fill(elapsed, duration(performance.now() - started)), 100);
  state(true);
  const text = pane.text;
  try {
    answer = await sql(prepared.sql, { rowsMax, signal: running.signal });
    showAnswer(prepared.sql);
    remember({ text, at: new Date().toISOString(), ms: Math.round(performance.now() - started), rows: answer.row_count });
  } catch (error) {
    answer = null;
    const stopped = error.name === "AbortError";
    fill(result, stopped ? h("p", { class: "note" }, t("ask.stopped")) : problem(error));
    remember({ text, at: new Date().toISOString(), ms: Math.round(performance.now() - started), error: stopped ? "stopped" : error.code ?? "failed" });
    if (!stopped && error.line) {
      const at = prepared.origin(error.line, error.column ?? 1);
      const skipped = pane.chosen.trim() === "" ? 0 : pane.ace.getSelectionRange().start.row;
      pane.mark([{ line: at.line + skipped, column: at.column, message: error.message }]);
    }
  } finally {
    clearInterval(tick);
    fill(elapsed, duration(performance.now() - started));
    running = null;
    state(false);
  }
}

function stop() {
  running?.abort();
}

function state(isRunning) {
  runButton.disabled = isRunning;
  stopButton.disabled = !isRunning;
  result.classList.toggle("stale", isRunning);
}

function showAnswer(statement) {
  taken?.();
  taken = null;
  const { columns, rows } = answer;
  const body = h("div", { class: "body flush" });
  const guess = guessChart(columns);
  const tabs = h("span", { class: "tabs", role: "tablist" });
  const options = h("span", { class: "rest" });
  const show = kind => {
    taken?.();
    taken = null;
    fill(options);
    for (const tab of tabs.children) tab.setAttribute("aria-selected", String(tab.dataset.tab === kind));
    if (kind === "table") fill(body, answerGrid(answer, { height: Math.max(320, innerHeight - 330) }));
    else showChart(body, options, guess);
  };
  fill(tabs, ["table", ...(guess && rows.length > 0 ? ["chart"] : [])].map(kind => h("button", {
    type: "button", role: "tab", "data-tab": kind, on: { click: () => show(kind) },
  }, t(`ask.tab.${kind}`))));
  fill(result, h("section", { class: "block", "data-sql": statement },
    h("header", null, tabs, options,
      h("span", { class: "rest soft" }, t("ask.rows", count(answer.row_count)), answer.truncated ? h("span", { class: "warn" }, t("ask.truncated", count(rowsMax))) : null,
        h("span", null, t("ask.took", duration(answer.elapsed_ms))),
        h("a", { href: `/console/alerts#${new URLSearchParams([["sql", statement], ...columns.filter(column => isNumeric(column.type)).map(column => ["column", column.name])])}` }, t("ask.alert")))),
    body));
  show("table");
}

function showChart(body, options, guess) {
  const chosen = { ...guess };
  const { columns } = answer;
  const pick = (label, from, value, changed) => h("label", null, label, h("select", { on: { change: event => { changed(event.target.value); draw(); } } },
    from.map(([key, name]) => h("option", { value: String(key), selected: String(key) === String(value) }, name))));
  const named = columns.map((column, index) => [index, column.name]);
  const numbers = named.filter(([index]) => isNumeric(columns[index].type));
  const draw = () => {
    taken?.();
    const box = h("div", { class: "body" });
    fill(body, box);
    taken = drawChart(box, answer, chosen);
  };
  fill(options,
    pick(t("chart.kind"), ["line", "area", "columns", "bars"].map(kind => [kind, t(`chart.kind.${kind}`)]), chosen.kind, value => { chosen.kind = value; }),
    pick("X", named, chosen.x, value => { chosen.x = Number(value); }),
    pick("Y", numbers, chosen.values[0], value => { chosen.values = [Number(value)]; }),
    pick(t("chart.group"), [[-1, t("chart.none")], ...named], chosen.group, value => { chosen.group = Number(value); }));
  draw();
}

async function downloadAs(choice) {
  const format = choice.value;
  choice.value = "";
  const prepared = prepare();
  if (prepared !== null && format !== "") await guard(result, () => download(prepared.sql, format));
}

async function share() {
  history.replaceState(null, "", address());
  const link = location.href;
  try {
    await navigator.clipboard.writeText(link);
    fill(elapsed, t("ask.copied"));
  } catch {
    dialog(t("ask.share"), h("p", null, h("input", { value: link, size: "60", readonly: true })));
  }
}

function choose(choice) {
  if (choice.value === "") return;
  pane.text = examples[Number(choice.value)][1];
  choice.value = "";
  pane.focus();
}

function past() {
  try {
    return JSON.parse(localStorage.getItem(historyKey)) ?? [];
  } catch {
    return [];
  }
}

function remember(entry) {
  const rest = past().filter(other => other.text !== entry.text);
  localStorage.setItem(historyKey, JSON.stringify([entry, ...rest].slice(0, historyMax)));
  if (side.dataset.tab === "history") showSide("history");
}

function showSide(tab) {
  side.dataset.tab = tab;
  const list = h("div", { class: "list" });
  const search = h("input", {
    type: "search", "data-search": true, placeholder: t(`ask.search.${tab}`), "aria-label": t(`ask.search.${tab}`),
    on: { input: () => show(search.value.trim().toLowerCase()) },
  });
  const show = wanted => (tab === "tables" ? showTables(list, wanted) : showHistory(list, wanted));
  if (tab === "history") readServed().then(() => show(search.value.trim().toLowerCase()));
  fill(side,
    h("div", { class: "tabs", role: "tablist" }, ["tables", "history"].map(each => h("button", {
      type: "button", role: "tab", "aria-selected": String(each === tab), on: { click: () => showSide(each) },
    }, t(`ask.tab.${each}`)))), search, list);
  show("");
}

function showTables(list, wanted) {
  // The other groups of a log, and what holds platform data, are there for who looks for them.
  const rank = table => (table.schema === "naru" ? 2 : table.schema === "agg" ? 1 : 0);
  const matches = table => table.full.includes(wanted) || (table.description ?? "").toLowerCase().includes(wanted)
    || table.columns.some(column => column.name.includes(wanted));
  const tables = [...known.tables.values()].sort((one, other) => rank(one) - rank(other))
    .filter(table => (wanted === "" ? !table.name.includes("$") : matches(table)));
  fill(list, tables.length === 0 ? h("p", { class: "faint" }, t("table.empty")) : tables.map(table => h("details", { open: wanted !== "" && tables.length <= 3 },
    h("summary", { title: table.description ?? "" }, h("span", { class: "faint" }, `${table.schema}.`), table.name,
      table.owner ? h("span", { class: "owner" }, table.owner) : null),
    table.description ? h("p", { class: "soft" }, table.description) : null,
    h("p", { class: "acts" },
      h("button", { type: "button", class: "link", on: { click: () => { pane.text = `SELECT *\nFROM ${reference(table)}\n${table.columns.some(column => column.name === "p_ymd") ? "WHERE p_ymd = current_date\n" : ""}LIMIT 100`; run(); } } }, t("ask.sample")),
      h("button", { type: "button", class: "link", on: { click: () => pane.insert(reference(table)) } }, t("ask.insert")),
      table.owner ? h("a", { href: `/console/logs/${encodeURIComponent(table.full)}` }, t("ask.definition")) : null),
    h("ul", null, table.columns.map(column => h("li", null,
      h("button", { type: "button", class: "plain", on: { click: () => pane.insert(identifier(column.name)) } }, column.name),
      h("span", { class: "type" }, column.type.toLowerCase())))))));
}

/** The server's history of one's own queries; for who may not read it, at least the latest. */
async function readServed() {
  try {
    served = objects(await sql(historySql)).map(row => ({ ...row, at: row.asked, error: row.error || undefined }));
  } catch {
    try {
      const { queries } = await get("/v1/queries");
      served = queries.filter(query => query.owner === reader && query.rows !== undefined && !/\b(naru|information_schema)\./.test(query.sql))
        .map(query => ({ text: query.sql, at: query.started_at, ms: query.elapsed_ms, rows: query.rows, error: query.error }));
    } catch {
      served = [];
    }
  }
}

/** What was asked here, with its parameters as they were written, then what was asked elsewhere. */
function showHistory(list, wanted) {
  const here = past();
  const texts = new Set(here.map(entry => entry.text));
  const found = [...here, ...(served ?? []).filter(entry => !texts.has(entry.text))].sort((one, other) => Date.parse(other.at) - Date.parse(one.at)).filter(entry => entry.text.toLowerCase().includes(wanted));
  fill(list, found.length === 0 ? h("p", { class: "faint" }, t("table.empty")) : found.map(entry => h("button", {
    type: "button", class: "past", on: { click: () => { pane.text = entry.text; pane.focus(); } },
  }, h("code", null, entry.text.slice(0, 160)),
  h("small", { class: entry.error ? "bad" : "faint" }, time(entry.at), " · ", entry.error ?? t("ask.rows", count(entry.rows)), " · ", duration(entry.ms)))));
}

