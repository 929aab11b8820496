// Models: tables made by schedule. What is made from what, how each interval stands, runs, checks, and the file.

import { h, fill } from "./dom.js";
import { block, content, guard, problem, subject } from "./frame.js";
import { get, literal, objects, parse, repeat, request, send, sql } from "./ask-server.js";
import { ago, count, t, time } from "./words.js";
import { table } from "./table.js";
import { editor } from "./editor.js";
import { lineageGraph, scheduled } from "./lineage.js";
import { asker, chip, legend, marks, stateColumns } from "./states.js";
import { addDays, calendar, monday } from "./calendar.js";

const name = subject();
const path = `/v1/models/${encodeURIComponent(name)}`;
const today = () => time(new Date().toISOString()).slice(0, 10);

/** Models, and aggregates, which the stream fills and runs recompute. */
const rowsOf = ({ models, aggregates }) => [...models, ...aggregates.map(each => ({ ...each, model: each.name, checks: [], isLive: true }))];

async function list() {
  const search = h("input", { type: "search", "data-search": true, placeholder: t("models.search"), "aria-label": t("models.search"), on: { input: () => show() } });
  const drawing = h("div", { class: "scroll" });
  const problems = h("div");
  const rows = table({
    caption: t("page.models"), empty: t("models.none"), open: row => location.assign(`/console/models/${encodeURIComponent(row.model)}`),
    columns: [
      { label: t("models.name"), cell: row => h("div", { class: "name" }, h("a", { href: `/console/models/${encodeURIComponent(row.model)}` }, row.model), h("div", { class: "soft" }, row.description)), sort: row => row.model },
      { label: t("models.every"), class: "short", cell: row => t(`models.every.${row.every}`), sort: row => row.every },
      ...stateColumns(),
      { label: t("models.checks"), number: true, cell: row => count(row.checks.length), sort: row => row.checks.length },
      { label: t("models.owner"), class: "owner", cell: row => h("span", { title: row.owner }, row.owner), sort: row => row.owner },
    ],
  });
  let all = [];
  const show = () => rows.show(all.filter(row => `${row.model} ${row.description} ${row.owner}`.toLowerCase().includes(search.value.trim().toLowerCase())));
  fill(content, h("div", { class: "bar" }, search), problems, block(t("models.graph"), {}, drawing, legend()), block(t("page.models"), { flush: true }, rows));
  let drawn = "";
  await repeat(5000, () => guard(problems, async () => {
    const [models, lineage] = await Promise.all([get("/v1/models"), get("/v1/lineage")]);
    all = rowsOf(models);
    show();
    drawn = draw(drawing, scheduled(lineage), null, drawn);
    fill(problems);
  }));
}

/** Draws anew only what changed, so that the focus stays where it is. */
function draw(place, lineage, chosen, drawn) {
  const next = JSON.stringify(lineage);
  if (next !== drawn) fill(place, lineage.nodes.length === 0 ? h("p", { class: "faint" }, t("models.none")) : lineageGraph(lineage, chosen));
  return next;
}

async function one() {
  const find = async () => thingOf(await get("/v1/models"));
  const found = await find();
  document.querySelector("h1").textContent = name;
  document.title = `${name} · Naru`;
  if (found === undefined) {
    fill(content, problem({ message: t("models.unknown", name) }), h("p", null, h("a", { href: "/console/models" }, t("page.models"))), file());
    return;
  }
  document.querySelector(".lead").textContent = found.description;
  const drawing = h("div", { class: "scroll" });
  const problems = h("div");
  const history = historyBlock(found);
  const runner = runForm(found, () => history.load());
  const intervals = intervalsBlock(found, runner);
  const running = h("div");
  const facts = h("dl", { class: "facts" });
  fill(content, problems, block(t("models.graph"), {}, drawing),
    h("div", { class: "row wide" }, h("div", null, intervals.element, intervals.detail), h("div", null, runner.element, running, block(t("models.facts"), {}, facts))),
    history.element, found.source || found.isLive ? null : [checksBlock(), file()]);
  let drawn = "";
  await repeat(5000, () => guard(problems, async () => {
    const [now, lineage, runs] = await Promise.all([find(), get(`/v1/lineage?table=${encodeURIComponent(found.table)}`), get("/v1/runs")]);
    drawn = draw(drawing, lineage, found.table, drawn);
    showFacts(facts, now ?? found);
    showRunning(running, runs.runs.filter(run => run.thing === found.thing));
    await intervals.load();
    fill(problems);
  }));
}

/** A model, an aggregate, or a table that a source fills: its intervals are looked at and run in the same way. */
function thingOf({ models, snapshots, aggregates }) {
  const snapshot = snapshots.find(each => each.name === name);
  return rowsOf({ models, aggregates }).find(each => each.model === name) ?? (snapshot && { ...snapshot, model: name, checks: [] });
}

function showFacts(facts, model) {
  const reads = model.source
    ? [h("a", { href: `/console/sources/${encodeURIComponent(model.source)}` }, model.source), ` ${model.server_table}`]
    : model.reads.map((each, index) => [index > 0 ? ", " : "", each.table, each.back ? ` (${t("models.back", each.back)})` : ""]);
  const pairs = [
    ["models.table", model.table], ["models.every", t(`models.every.${model.every}`)], ...(model.isLive ? [] : [["models.schedule", model.schedule ?? t(model.source ? "models.schedule.over" : "models.schedule.none")]]),
    ["models.start", model.start ?? "–"], ["models.reads", reads], ["models.owner", model.owner || "–"],
    ["models.checks", model.checks.length === 0 ? "–" : model.checks.map(each => h("div", { class: "mono" }, each.severity === "warn" ? `${t("models.warn")} ` : "", each.check))],
  ];
  fill(facts, pairs.map(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)]));
}

function showRunning(place, runs) {
  const cancel = run => h("button", { type: "button", class: "danger", on: { click: () => guard(place, () => send("DELETE", `/v1/runs/${encodeURIComponent(run.run)}`)) } }, t("models.cancel"));
  fill(place, runs.length === 0 ? null : block(t("models.running"), {}, runs.map(run =>
    h("p", { class: "bar" }, h("span", { class: "mono" }, run.run), h("span", { class: "soft" }, t("models.by", asker(run.by), ago(run.started_at))), h("span", { class: "rest" }, run.cancelled_by ? t("models.cancelled") : cancel(run))))));
}

/** The calendar, and what is known of the interval that is chosen in it. */
function intervalsBlock(model, runner) {
  const days = model.every === "hour" ? 14 : 84;
  let to = addDays(today(), 1);
  let chosen = null;
  let drawn = "";
  const body = h("div", { class: "scroll" });
  const detail = h("div");
  const range = h("span", { class: "soft nowrap" });
  const step = by => async () => {
    to = addDays(to, by);
    await guard(body, load);
  };
  async function load() {
    const earliest = model.every === "hour" ? addDays(to, -days) : monday(addDays(to, -days));
    const start = model.start?.slice(0, 10) ?? earliest;
    const from = start > earliest && start < to ? (model.every === "hour" ? start : monday(start)) : earliest;
    earlier.disabled = start >= from;
    later.disabled = to > today();
    const asked = await get(`${path}/intervals?from=${from}&to=${to}`);
    // What comes before the model's start, nobody waits for.
    const intervals = asked.intervals.filter(each => each.attempt > 0 || model.start === null || each.interval >= model.start);
    const next = JSON.stringify([from, to, chosen, intervals]);
    if (next === drawn) return;
    drawn = next;
    const focused = document.activeElement?.dataset?.interval;
    fill(range, `${from} – ${addDays(to, -1)}`);
    fill(body, calendar({ every: model.every, from, to, intervals, chosen, open }));
    if (focused) body.querySelector(`[data-interval="${CSS.escape(focused)}"]`)?.focus();
    const again = intervals.find(each => each.interval === chosen);
    if (again) await guard(detail, () => show(again));
  }
  async function open(interval) {
    chosen = interval.interval;
    runner.offer(interval);
    await guard(body, load);
    await guard(detail, () => show(interval));
  }
  async function show(interval) {
    const statement = `SELECT rule, severity, outcome, failing_rows, why, sample, attempt, judged_at
FROM naru.checks
WHERE model = ${literal(name)} AND interval = ${literal(interval.interval)}
ORDER BY judged_at DESC, rule
LIMIT 100`;
    const checks = model.checks.length > 0 || interval.attempt > 0 ? objects(await sql(statement)) : [];
    const pairs = [
      ["models.state", chip(interval.status)], ["models.why", interval.why], ["models.warnings", interval.warnings], ["models.rows", count(interval.rows)],
      ["models.filled", time(interval.filled_at)], ["models.attempt", interval.attempt > 0 ? count(interval.attempt) : ""], ["models.asked", interval.by && asker(interval.by)],
    ];
    fill(detail, block(t("models.interval", interval.interval), { sql: checks.length > 0 ? statement : undefined, flush: checks.length > 0 },
      h("dl", { class: "facts padded" }, pairs.filter(([, value]) => value).map(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)])),
      checks.length > 0 ? checkTable(t("models.checks"), checks) : null));
  }
  const earlier = h("button", { type: "button", "aria-label": t("models.earlier"), on: { click: step(-days) } }, "‹");
  const later = h("button", { type: "button", "aria-label": t("models.later"), on: { click: step(days) } }, "›");
  const element = block(t("models.calendar"), { rest: [earlier, range, later] }, body, legend());
  return { element, detail, load };
}

const checkTable = (caption, rows) => table({
  caption, rows, columns: [
    ...(rows[0]?.interval ? [{ label: t("models.interval.one"), class: "short", cell: row => row.interval, sort: row => row.interval }] : []),
    { label: t("models.check"), cell: row => h("span", { class: "mono" }, row.rule), sort: row => row.rule },
    { label: t("models.outcome"), class: "short", cell: row => h("span", { class: `chip ${row.outcome === "passed" ? "good" : row.severity === "warn" ? "warn" : "bad"}` }, `${row.outcome === "passed" ? "✓" : "✕"} ${t(`models.outcome.${row.outcome}`)}`), sort: row => row.outcome },
    { label: t("models.severity"), class: "short", cell: row => t(`models.${row.severity}`), sort: row => row.severity },
    { label: t("models.failing"), number: true, cell: row => count(row.failing_rows), sort: row => row.failing_rows },
    { label: t("models.why"), cell: row => h("span", null, row.why, row.sample ? h("div", { class: "mono soft" }, row.sample) : null), sort: row => row.why },
    { label: t("models.judged"), class: "short", cell: row => time(row.judged_at), sort: row => row.judged_at },
  ],
});

/** A range to run: first what would run and why, then the run itself, line by line. */
function runForm(model, ran) {
  const from = h("input", { name: "from", size: "22", value: addDays(today(), -1) });
  const to = h("input", { name: "to", size: "22", value: today() });
  const parallel = h("input", { name: "parallel", size: "3", inputmode: "numeric", value: "1" });
  const switches = Object.fromEntries(["downstream", "single", "all", "force"].map(each => [each, h("input", { type: "checkbox", name: each })]));
  const said = h("div", { role: "status" });
  const run = h("button", { type: "button", class: "main", on: { click: () => go() } }, t("models.run"));
  const stop = h("span");
  const stopper = h("button", { type: "button", class: "danger", on: { click: () => running?.abort() } }, t("models.cancel"));
  let running = null;
  const address = dry => `${path}/runs?${new URLSearchParams({ from: from.value.trim(), to: to.value.trim(), parallel: parallel.value.trim(),
    ...Object.fromEntries(Object.entries(switches).filter(([, box]) => box.checked).map(([key]) => [key, "true"])), ...(dry ? { dry_run: "true" } : {}) })}`;

  async function lines(dry, take) {
    const response = await request(address(dry), { method: "POST", signal: running.signal });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    for (;;) {
      const { value, done } = await reader.read();
      const parts = (rest + (value ?? "")).split("\n");
      rest = parts.pop();
      parts.filter(each => each !== "").forEach(each => take(parse(each)));
      if (done) return;
    }
  }

  async function start(dry, work) {
    running = new AbortController();
    run.disabled = true;
    fill(stop, dry ? null : stopper);
    try {
      await work();
    } catch (error) {
      fill(said, error.name === "AbortError" ? h("p", { class: "note" }, t("models.cancelled")) : problem(error));
    } finally {
      running = null;
      run.disabled = false;
      fill(stop);
      if (!dry) await ran();
    }
  }

  const preview = () => start(true, async () => {
    const steps = [];
    let fault = null;
    await lines(true, line => {
      if (line.step) steps.push(line.step);
      if (line.error) fault = line.error;
    });
    const due = steps.filter(each => each.runs).length;
    fill(said, fault ? problem({ message: fault }) : h("p", null, t("models.preview.count", count(due), count(steps.length))), table({
      caption: t("models.preview"), rows: steps.slice(0, 500), columns: [
        { label: t("models.name"), cell: row => row.model, sort: row => row.model },
        { label: t("models.interval.one"), class: "short", cell: row => row.interval, sort: row => row.interval },
        { label: t("models.runs"), class: "short", cell: row => (row.runs ? `▸ ${t("models.yes")}` : `– ${t("models.no")}`), sort: row => row.runs },
        { label: t("models.why"), cell: row => row.why, sort: row => row.why },
      ],
    }));
  });

  const go = () => start(false, async () => {
    const ended = [];
    fill(said, h("p", { class: "soft" }, t("models.started")));
    await lines(false, line => {
      if (line.ended) ended.unshift(line.ended);
      if (line.error) ended.unshift({ model: name, first: "", done: false, why: line.error });
      if (line.ended || line.error) fill(said, ended.slice(0, 200).map(tell));
      if (line.summary) fill(said, h("p", { class: line.summary.failed > 0 ? "bad" : "done" }, t("models.summary", count(line.summary.runs), count(line.summary.failed), count(line.summary.rows))), ended.slice(0, 200).map(tell));
    });
  });

  const tell = each => h("p", { class: each.done ? null : "bad" }, `${each.done ? marks.done : marks.failed} ${each.model} ${each.first === each.last || !each.last ? each.first : `${each.first} – ${each.last}`}: `,
    each.done ? t("models.rows.count", count(each.rows)) : each.why, each.warnings ? h("span", { class: "warn" }, ` ! ${each.warnings}`) : null);
  const box = key => h("label", { title: t(`models.${key}.hint`) }, switches[key], t(`models.${key}`));
  const element = block(t("models.run.title"), {}, h("p", { class: "bar" }, h("label", null, t("models.from"), from), h("label", null, t("models.to"), to), h("label", null, t("models.parallel"), parallel)),
    h("p", { class: "bar" }, Object.keys(switches).map(box)),
    h("p", { class: "bar" }, run, h("button", { type: "button", on: { click: preview } }, t("models.preview")), stop), said);
  return { element, offer: interval => { from.value = interval.interval; to.value = interval.next; } };
}

function historyBlock({ thing }) {
  const statement = `SELECT interval, state, attempt, rows, started_at, ended_at, "by", run, why
FROM naru.intervals
WHERE thing = ${literal(thing)}
ORDER BY started_at DESC
LIMIT 50`;
  const place = h("div");
  const load = () => guard(place, async () => fill(place, table({
    caption: t("models.history"), rows: objects(await sql(statement)), columns: [
      { label: t("models.interval.one"), class: "short", cell: row => row.interval, sort: row => row.interval },
      { label: t("models.state"), class: "short", cell: row => chip(row.state), sort: row => row.state },
      { label: t("models.attempt"), number: true, cell: row => count(row.attempt), sort: row => row.attempt },
      { label: t("models.rows"), number: true, cell: row => count(row.rows), sort: row => row.rows },
      { label: t("models.started.at"), class: "short", cell: row => time(row.started_at), sort: row => row.started_at },
      { label: t("models.ended.at"), class: "short", cell: row => time(row.ended_at), sort: row => row.ended_at },
      { label: t("models.asked"), cell: row => asker(row.by), sort: row => row.by },
      { label: t("models.why"), cell: row => row.why, sort: row => row.why },
    ],
  })));
  repeat(15_000, load);
  return { element: block(t("models.history"), { sql: statement, flush: true }, place), load };
}

function checksBlock() {
  const statement = `SELECT interval, rule, severity, outcome, failing_rows, why, sample, judged_at
FROM naru.checks
WHERE model = ${literal(name)} AND outcome <> 'passed'
ORDER BY judged_at DESC
LIMIT 50`;
  const place = h("div");
  repeat(15_000, () => guard(place, async () => fill(place, checkTable(t("models.checks.failed"), objects(await sql(statement))))));
  return block(t("models.checks.failed"), { sql: statement, flush: true }, place);
}

/** The file as text: what is wrong with it is told while it is written. */
function file() {
  const place = h("div", { class: "editor" });
  const said = h("div", { role: "status" });
  const save = h("button", { type: "button", class: "main", on: { click: () => write() } }, t("models.save"));
  let seen = null;
  let pane = null;
  let timer = 0;
  const body = () => ({ body: new Blob([pane.text]), headers: { "Content-Type": "application/sql" } });
  const check = () => guard(said, async () => {
    const { mistakes } = parse(await (await request(`${path}/check`, { method: "POST", ...body() })).text());
    pane.mark(mistakes.filter(each => each.file === `models/${name}.sql`), { move: false });
    fill(said, mistakes.length === 0 ? h("p", { class: "done" }, t("models.file.right")) : mistakes.map(each => problem({ message: `${each.line > 0 ? `${each.file}:${each.line}: ` : `${each.file}: `}${each.message}`, hint: each.hint })));
  });
  const write = () => guard(said, async () => {
    const made = body();
    const answer = parse(await (await request(`${path}/file`, { method: "PUT", body: made.body, headers: { ...made.headers, ...(seen === null ? { "If-None-Match": "*" } : { "If-Match": `"${seen}"` }) } })).text());
    seen = answer.sha256;
    fill(said, h("p", { class: "done" }, t("models.saved", answer.file)));
  });
  guard(said, async () => {
    let text = `-- description: \nSELECT 1 AS n\n`;
    try {
      ({ text, sha256: seen } = await get(`${path}/file`));
    } catch (error) {
      if (error.status !== 404) throw error;
    }
    pane = editor(place, { mode: "sql", text, label: t("models.file"), linesMax: 36, changed: () => {
      clearTimeout(timer);
      timer = setTimeout(check, 600);
    } });
  });
  return block(`models/${name}.sql`, { rest: [save] }, h("p", { class: "soft" }, t("models.file.intro")), place, said);
}

await guard(content, () => (name === "" ? list() : one()));
