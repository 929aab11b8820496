// Explore: trends, funnels, retentions and segments without SQL. The server writes the statement that answers the form;
// the page runs it like any other, and shows it.

import { h, fill } from "./dom.js";
import { askAddress, block, content, guard, problem } from "./frame.js";
import { get, send, sql } from "./ask-server.js";
import { count, duration, t } from "./words.js";
import { answerGrid, cellText } from "./table.js";
import { drawChart, guessChart } from "./chart.js";

const kinds = ["trend", "funnel", "retention", "segment"];
const ranges = [["today", "today"], ["today-1", "today-1"], ["today-6", "today"], ["today-13", "today"], ["today-27", "today"], ["today-89", "today"]];
const measures = ["count", "users", "sum", "avg", "min", "max", "p50", "p90", "p95", "p99"];
const conditions = ["is", "is_not", "contains", "begins", "more", "at_least", "less", "at_most", "set", "not_set"];
const windows = ["10m", "30m", "1h", "6h", "1d", "3d", "7d", "14d", "30d"];
const whoLikely = ["user_id", "member_id", "uid", "visitor_id", "device_id", "session_id"];
const numeric = /^(INTEGER|BIGINT|DOUBLE|DECIMAL)/;

let logs = [];
let question = null;
let running = null;
let taken = null;

const form = h("form", { class: "explore", on: { submit: event => { event.preventDefault(); run(); } } });
const result = h("div", { "data-result": true });
const runButton = h("button", { class: "main" }, t("explore.run"), " ", h("kbd", null, "Ctrl+⏎"));
const stopButton = h("button", { type: "button", class: "danger", disabled: true, on: { click: () => running?.abort() } }, t("explore.stop"));

fill(content, h("section", { class: "block" }, h("div", { class: "body" }, form)), result);
document.addEventListener("keydown", event => {
  if (event.key === "Escape") running?.abort();
  else if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) {
    event.preventDefault();
    run();
  }
});
addEventListener("hashchange", () => {
  question = fromAddress() ?? question;
  draw();
});
/** #q=…: the form; the fragment never leaves the browser, and nothing runs before its reader says so. */
function fromAddress() {
  const text = new URLSearchParams(location.hash.slice(1)).get("q");
  if (text === null) return null;
  try {
    return { ...begin(), ...JSON.parse(text) };
  } catch {
    fill(result, problem({ message: t("explore.link") }));
    return null;
  }
}

function begin() {
  // A log of the likely busy kind: the one with most fields tells most.
  const [{ log }] = logs;
  return { kind: "trend", from: "today-6", to: "today", unit: "day", measure: "count", events: { log, filters: [] } };
}

/** What the kind in hand needs of the form, and nothing else. */
function asked() {
  const { kind, from, to, user, by } = question;
  const shared = { kind, from, to, ...(user ? { user } : {}) };
  const split = by ? { by, top: question.top ?? 8 } : {};
  if (kind === "trend") {
    return { ...shared, ...split, unit: question.unit, measure: question.measure, ...(question.compare ? { compare: true } : {}),
      ...(["count", "users"].includes(question.measure) || !question.of ? {} : { of: question.of }), events: clean(question.events) };
  }
  if (kind === "funnel") return { ...shared, ...split, within: question.within ?? "1d", steps: question.steps.map(clean) };
  if (kind === "retention") {
    return { ...shared, unit: question.unit, periods: Number(question.periods ?? 7), first: clean(question.first), ...(question.again ? { again: clean(question.again) } : {}) };
  }
  return { ...shared, ...(by ? { by, top: question.top ?? 20 } : {}), events: clean(question.events), ...(question.deeds?.length ? { deeds: question.deeds.map(deed => ({ ...clean(deed), times: Number(deed.times ?? 1) })) } : {}) };
}

const clean = ({ log, filters = [] }) => ({
  log, filters: filters.filter(filter => filter.field).map(({ field, is, values = [] }) => (/set$/.test(is) ? { field, is } : { field, is, values })),
});

const fieldsOf = log => logs.find(each => each.log === log)?.fields ?? [];

/** The parts of the form's kind, in order: the log of the first gives its fields for splitting and for who. */
function parts() {
  const first = question.events ?? question.first ?? question.steps?.[0] ?? begin().events;
  question.events ??= first;
  if (question.kind === "funnel") question.steps ??= [structuredClone(first), { log: first.log, filters: [] }];
  if (question.kind === "retention") question.first ??= structuredClone(first);
  if (question.kind === "retention" && !["day", "week"].includes(question.unit)) question.unit = "day";
  if (question.kind === "trend" && !["minute", "hour", "day"].includes(question.unit)) question.unit = "day";
  return question.kind === "funnel" ? question.steps : question.kind === "retention" ? [question.first] : [question.events];
}

const option = (value, text, chosen) => h("option", { value, selected: value === chosen }, text);

function choice(label, values, chosen, changed) {
  return h("label", null, label, h("select", { on: { change: event => { changed(event.target.value); draw(); } } },
    values.map(([value, text]) => option(value, text, chosen))));
}

const fieldOptions = (fields, none) => [...(none === undefined ? [] : [["", none]]),
  ...fields.map(field => [field.name, field.sensitive ? `${field.name} · ${t("explore.sensitive")}` : field.name])];

function draw() {
  const [first] = parts();
  const fields = fieldsOf(first.log);
  if (!fields.some(field => field.name === question.user)) {
    question.user = whoLikely.find(name => fields.some(field => field.name === name && !field.sensitive))
      ?? whoLikely.find(name => fields.some(field => field.name === name)) ?? fields[0]?.name;
  }
  fill(form,
    h("div", { class: "tabs", role: "tablist" }, kinds.map(kind => h("button", {
      type: "button", role: "tab", "data-tab": kind, "aria-selected": String(kind === question.kind),
      on: { click: () => { question.kind = kind; draw(); } },
    }, t(`explore.kind.${kind}`))), h("span", { class: "soft hint" }, t(`explore.lead.${question.kind}`))),
    body(fields),
    h("div", { class: "bar" }, rangeFields(),
      question.kind === "trend" && question.measure !== "users" ? null
        : choice(t("explore.user"), fieldOptions(fields), question.user, value => { question.user = value; }),
      h("span", { class: "rest" }, runButton, stopButton)));
}

function body(fields) {
  if (question.kind === "trend") return [eventsForm(question.events, t("explore.events")), trendFields(fields)];
  if (question.kind === "funnel") return [stepsForm(), h("div", { class: "bar" },
    choice(t("explore.within"), windows.map(each => [each, each]), question.within ?? "1d", value => { question.within = value; }), byField(fields))];
  if (question.kind === "retention") return [
    eventsForm(question.first, t("explore.first")),
    eventsForm(question.again ?? question.first, t("explore.again"), { same: question.again === undefined || question.again === null }),
    h("div", { class: "bar" },
      choice(t("explore.unit"), ["day", "week"].map(each => [each, t(`explore.unit.${each}`)]), question.unit, value => { question.unit = value; }),
      choice(t("explore.periods"), ["3", "7", "12", "30"].map(each => [each, each]), String(question.periods ?? 7), value => { question.periods = value; }))];
  return [eventsForm(question.events, t("explore.events")), deedsForm(),
    h("div", { class: "bar" }, byField(fields))];
}

function trendFields(fields) {
  const measured = !["count", "users"].includes(question.measure);
  const numbers = fields.filter(field => numeric.test(field.type));
  if (measured && !numbers.some(field => field.name === question.of)) question.of = numbers[0]?.name;
  return h("div", { class: "bar" },
    choice(t("explore.measure"), measures.map(each => [each, t(`explore.measure.${each}`)]), question.measure, value => { question.measure = value; }),
    measured ? choice(t("explore.of"), fieldOptions(numbers), question.of, value => { question.of = value; }) : null,
    choice(t("explore.unit"), ["minute", "hour", "day"].map(each => [each, t(`explore.unit.${each}`)]), question.unit, value => { question.unit = value; }),
    byField(fields),
    h("label", null, h("input", { type: "checkbox", checked: Boolean(question.compare), on: { change: event => { question.compare = event.target.checked; } } }), t("explore.compare")));
}

const byField = fields => choice(t("explore.by"), fieldOptions(fields, t("explore.by.none")), question.by ?? "", value => { question.by = value; });

function rangeFields() {
  const text = `${question.from}..${question.to}`;
  const preset = ranges.some(range => range.join("..") === text) ? text : "days";
  const date = name => h("input", { type: "date", value: question[name], "aria-label": t(`explore.${name}`), on: { change: event => { if (event.target.value) question[name] = event.target.value; } } });
  return [choice(t("explore.range"), [...ranges.map(range => [range.join(".."), t(`explore.range.${range[0].replace("-", "_")}`)]), ["days", t("explore.range.days")]], preset, value => {
    [question.from, question.to] = value === "days" ? [day(6), day(0)] : value.split("..");
  }), preset === "days" ? [date("from"), date("to")] : null];
}

function day(back) {
  return new Intl.DateTimeFormat("sv-SE", { timeZone: document.documentElement.dataset.zone }).format(new Date(Date.now() - back * 86_400_000));
}

function eventsForm(events, title, { same, remove, extra } = {}) {
  events.filters ??= [];
  const fields = fieldsOf(events.log);
  const log = h("select", { "aria-label": title, on: { change: event => {
    if (same) question.again = { log: event.target.value, filters: [] };
    else Object.assign(events, { log: event.target.value, filters: [] });
    draw();
  } } }, same ? option("", t("explore.again.same"), "") : null,
  logs.map(each => option(each.log, each.log, same ? "" : events.log)),
  logs.some(each => each.log === events.log) ? null : option(events.log, events.log, same ? "" : events.log));
  return h("fieldset", null, h("legend", null, title), h("div", { class: "bar" }, log,
    same ? null : events.filters.map((filter, index) => filterForm(events, filter, index, fields)),
    same ? null : h("button", { type: "button", class: "link", on: { click: () => { events.filters.push({ field: fields[0]?.name, is: "is", values: [""] }); draw(); } } }, t("explore.filter")),
    extra, remove ? h("button", { type: "button", class: "link", "aria-label": t("explore.remove"), on: { click: () => { remove(); draw(); } } }, "✕") : null));
}

function filterForm(events, filter, index, fields) {
  filter.values ??= [];
  const many = filter.is === "is" || filter.is === "is_not";
  const wanted = /set$/.test(filter.is) ? 0 : many ? Math.max(1, filter.values.length) : 1;
  filter.values.length = wanted;
  const inputs = Array.from({ length: wanted }, (_, at) => h("input", {
    value: filter.values[at] ??= "", size: "12", "aria-label": t("explore.value"), on: { input: event => { filter.values[at] = event.target.value; } },
  }));
  return h("span", { class: "filter" },
    h("select", { "aria-label": t("explore.field"), on: { change: event => { filter.field = event.target.value; draw(); } } }, fieldOptions(fields).map(([value, text]) => option(value, text, filter.field))),
    h("select", { "aria-label": t("explore.condition"), on: { change: event => { filter.is = event.target.value; draw(); } } }, conditions.map(each => option(each, t(`explore.is.${each}`), filter.is))),
    inputs, many ? h("button", { type: "button", class: "link", title: t("explore.or"), "aria-label": t("explore.or"), on: { click: () => { filter.values.push(""); draw(); } } }, "+") : null,
    h("button", { type: "button", class: "link", "aria-label": t("explore.remove"), on: { click: () => { events.filters.splice(index, 1); draw(); } } }, "✕"));
}

function stepsForm() {
  return [question.steps.map((step, index) => eventsForm(step, t("explore.step", index + 1), {
    remove: question.steps.length > 2 ? () => question.steps.splice(index, 1) : null,
  })), question.steps.length < 10 ? h("p", null, h("button", { type: "button", class: "link", on: { click: () => {
    question.steps.push({ log: question.steps.at(-1).log, filters: [] });
    draw();
  } } }, t("explore.step.add"))) : null];
}

function deedsForm() {
  question.deeds ??= [];
  return [question.deeds.map((deed, index) => eventsForm(deed, t("explore.deed"), {
    remove: () => question.deeds.splice(index, 1),
    extra: h("label", null, t("explore.times"), h("input", { type: "number", min: "0", size: "4", value: String(deed.times ?? 1), on: { input: event => { deed.times = event.target.value; } } })),
  })), question.deeds.length < 5 ? h("p", null, h("button", { type: "button", class: "link", on: { click: () => {
    question.deeds.push({ log: question.events.log, filters: [], times: 1 });
    draw();
  } } }, t("explore.deed.add"))) : null];
}

async function run() {
  if (running !== null || question === null) return;
  const sent = asked();
  history.replaceState(null, "", `#q=${encodeURIComponent(JSON.stringify(sent))}`);
  running = new AbortController();
  runButton.disabled = true;
  stopButton.disabled = false;
  result.classList.add("stale");
  await guard(result, async () => {
    const { sql: statement } = await send("POST", "/v1/explore", sent);
    show(sent, statement, await sql(statement, { signal: running.signal }));
  });
  running = null;
  runButton.disabled = false;
  stopButton.disabled = true;
  result.classList.remove("stale");
}

function show(sent, statement, answer) {
  taken?.();
  taken = null;
  const place = h("div", { class: "body" });
  fill(result,
    block(t(`explore.kind.${sent.kind}`), {
      sql: statement,
      rest: [h("span", { class: "soft" }, t("ask.rows", count(answer.row_count))), h("span", { class: "soft" }, t("ask.took", duration(answer.elapsed_ms))),
        h("a", { href: askAddress(statement), title: t("explore.keep.hint") }, t("explore.keep"))],
    }, place),
    block(t("explore.rows"), { flush: true }, answerGrid(answer)));
  if (answer.rows.length === 0) fill(place, h("p", { class: "faint" }, t("explore.empty")));
  else if (sent.kind === "funnel") fill(place, funnel(answer, Boolean(sent.by)));
  else if (sent.kind === "retention") fill(place, triangle(answer, sent.unit));
  else chart(place, answer, sent);
}

function chart(place, answer, sent) {
  const guess = guessChart(answer.columns);
  if (guess === null || (sent.kind === "segment" && !sent.by)) return sizes(place, answer);
  if (sent.kind === "segment") guess.kind = "bars";
  if (sent.kind === "trend" && sent.unit === "day") guess.kind = sent.by ? "line" : "area";
  taken = drawChart(place, answer, guess);
  return undefined;
}

function sizes(place, { columns, rows: [row] }) {
  fill(place, h("dl", { class: "numbers" }, columns.map((column, index) =>
    h("div", null, h("dt", null, t(`explore.size.${column.name}`)), h("dd", { class: "value", "data-figure": column.name }, count(row[index]))))));
}

/** A bar for each step; with a field, a group of bars for each of its values. */
function funnel({ rows }, split) {
  const at = split ? 1 : 0;
  return h("table", { class: "bars", "aria-label": t("explore.kind.funnel") }, h("tbody", null, rows.map(row => {
    const [step, log, users, whole, before] = row.slice(at);
    return h("tr", null, split ? h("th", { scope: "row" }, Number(step) === 1 ? cellText(row[0]) : "") : null,
      h("th", { scope: "row" }, `${step}. ${log}`), h("td", { class: "fill" }, h("i", { css: { width: `${Number(whole ?? 0)}%` } })),
      h("td", { class: "number" }, count(users)), h("td", { class: "number" }, whole === null ? "–" : `${whole}%`),
      h("td", { class: "number soft", title: t("explore.before") }, Number(step) === 1 || before === null ? "" : `↳ ${before}%`));
  })));
}

/** A line for each beginning, a column for each period after it. */
function triangle({ rows }, unit) {
  const cohorts = Map.groupBy(rows, row => row[0]);
  const most = Math.max(...rows.map(row => Number(row[2])));
  return h("div", { class: "scroll" }, h("table", { class: "triangle", "aria-label": t("explore.kind.retention") },
    h("thead", null, h("tr", null, h("th", { scope: "col" }, t(`explore.unit.${unit}`)), h("th", { scope: "col", class: "number" }, t("explore.users")),
      Array.from({ length: most + 1 }, (_, period) => h("th", { scope: "col", class: "number" }, String(period))))),
    h("tbody", null, [...cohorts].map(([cohort, periods]) => h("tr", null, h("th", { scope: "row" }, cohort), h("td", { class: "number" }, count(periods[0][1])),
      periods.map(row => h("td", { class: "number", title: count(row[3]), css: { background: `color-mix(in srgb, var(--c1) ${Math.round(Number(row[4]) * .7)}%, transparent)` } }, `${row[4]}%`)))))));
}

await guard(form, async () => {
  logs = (await get("/v1/explore")).logs;
  if (logs.length === 0) {
    fill(form, h("p", { class: "note" }, t("explore.none")));
    return;
  }
  question = fromAddress() ?? begin();
  draw();
});
