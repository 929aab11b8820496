// Alerts: how each stands, what was told, a pause in telling; and alerts on a query, made from Ask or here.

import { h, fill } from "./dom.js";
import { askAddress, block, content, dialog, guard, mayAdminister, problem, subject } from "./frame.js";
import { get, repeat, send } from "./ask-server.js";
import { ago, count, named, t, time } from "./words.js";
import { table } from "./table.js";

const reader = document.documentElement.dataset.reader;
const rank = { firing: 0, pending: 2, resolved: 3, ok: 3 };
const conditions = ["above", "at_least", "below", "at_most", "is", "is_not"];
const said = h("div");
const over = h("div");
const detail = h("div");
const search = h("input", { type: "search", "data-search": true, placeholder: t("alerts.search"), "aria-label": t("alerts.search"), on: { input: () => show() } });
const list = table({
  caption: t("alerts.all"), open: row => open(row.name), empty: t("alerts.none"), columns: [
    { label: t("alerts.name"), cell: row => h("div", { class: "name" }, row.name, row.description ? h("div", { class: "soft" }, row.description) : null), sort: row => row.name },
    { label: t("alerts.kind"), cell: row => t(`alerts.kind.${row.kind}`), sort: row => row.kind },
    { label: t("alerts.state"), class: "short", cell: row => chip(row), sort: row => worst(row) },
    { label: t("alerts.seen"), cell: row => (row.instances.find(each => stateOf(each) === worst(row)) ?? row.instances[0])?.seen ?? "", sort: row => row.instances[0]?.seen },
    { label: t("alerts.told"), class: "short", cell: row => latest(row, "told_at"), sort: row => latest(row, "told_at") },
    { label: t("alerts.ran"), class: "short", cell: row => (row.instances[0]?.ran_at ? ago(row.instances[0].ran_at) : ""), sort: row => row.instances[0]?.ran_at },
    { label: t("alerts.next"), class: "short", cell: row => time(row.instances[0]?.next_at), sort: row => row.instances[0]?.next_at },
    { label: t("alerts.owner"), class: "owner", cell: row => h("span", { title: row.owner }, row.owner), sort: row => row.owner },
  ],
});
let all = [];
let chosen = null;

fill(content, said, h("div", { class: "bar" }, search, h("span", { class: "rest" },
  h("button", { type: "button", on: { click: () => make({}) } }, t("alerts.new")))),
block(t("alerts.all"), { flush: true }, list), detail, over);

const stateOf = instance => (instance.failure ? "failing" : instance.state);
const worst = row => row.instances.map(stateOf).sort((one, other) => (rank[one] ?? 1) - (rank[other] ?? 1))[0] ?? "ok";
const latest = (row, key) => time(row.instances.map(each => each[key]).filter(Boolean).sort().at(-1));

function chip(row) {
  const state = worst(row);
  return [h("span", { class: `chip ${{ firing: "bad", failing: "bad", pending: "warn" }[state] ?? "good"}` }, t(`alerts.state.${state}`)),
    row.muted_until ? [" ", h("span", { class: "chip warn", title: t("alerts.muted.until", time(row.muted_until), row.muted_by) }, t("alerts.muted"))] : null];
}

function show() {
  const wanted = search.value.trim().toLowerCase();
  list.show(all.filter(row => wanted === "" || `${row.name} ${row.kind} ${row.description} ${row.owner ?? ""} ${worst(row)}`.toLowerCase().includes(wanted))
    .sort((one, other) => (rank[worst(one)] ?? 1) - (rank[worst(other)] ?? 1)));
}

async function load() {
  const answer = await get("/v1/alerts");
  all = answer.alerts;
  fill(over, answer.over.length === 0 ? null : block(t("alerts.others"), { flush: true }, told(t("alerts.others"), answer.over, true)));
  if (!answer.told && said.childElementCount === 0) fill(said, h("p", { class: "note" }, t("alerts.nowhere")));
  show();
  if (chosen !== null && document.querySelector("dialog[open]") === null) draw();
}

/** The page of what an alarm is about: `model t3_spend late`. */
function about(name) {
  const [, kind, thing] = /^(model|source|export) (\S+) \w+$/.exec(name) ?? [];
  return thing ? h("a", { href: `/console/${kind === "export" ? "exports" : "models"}/${encodeURIComponent(thing)}` }, thing) : null;
}

function told(caption, rows, byName) {
  return table({
    caption, rows, columns: [
      { label: t("alerts.at"), class: "short", cell: each => time(each.at), sort: each => each.at },
      ...(byName ? [{ label: t("alerts.name"), cell: each => each.alert, sort: each => each.alert }] : []),
      { label: t("alerts.state"), class: "short", cell: each => t(`alerts.state.${each.what}`), sort: each => each.what },
      { label: t("alerts.log"), cell: each => each.log, sort: each => each.log },
      { label: t("alerts.seen"), cell: each => each.text, sort: each => each.text },
      { label: t("alerts.sent"), cell: each => (each.told ? "✓" : t("alerts.untold")), sort: each => each.told },
    ],
  });
}

function open(name) {
  chosen = name;
  history.replaceState(null, "", `/console/alerts/${encodeURIComponent(name)}`);
  draw();
}

function draw() {
  const row = all.find(each => each.name === chosen);
  if (row === undefined) {
    fill(detail, problem({ message: t("alerts.unknown", chosen) }));
    return;
  }
  const act = (word, work, kind) => h("button", { type: "button", class: kind, on: { click: () => guard(said, work) } }, t(word));
  const mute = length => async () => {
    await send("POST", `/v1/alerts/${encodeURIComponent(row.name)}/mute`, length ? { for: length } : {});
    await load();
  };
  const instances = table({
    caption: t("alerts.instances"), rows: row.instances, empty: t("alerts.notyet"), columns: [
      { label: t("alerts.log"), cell: each => each.log, sort: each => each.log },
      { label: t("alerts.state"), class: "short", cell: each => h("span", { class: `chip ${{ firing: "bad", failing: "bad", pending: "warn" }[stateOf(each)] ?? "good"}` }, t(`alerts.state.${stateOf(each)}`)), sort: stateOf },
      { label: t("alerts.since"), class: "short", cell: each => time(each.since), sort: each => each.since },
      { label: t("alerts.value"), number: true, cell: each => each.value ?? "", sort: each => Number(each.value) },
      { label: t("alerts.seen"), cell: each => each.seen, sort: each => each.seen },
      { label: t("alerts.told"), class: "short", cell: each => time(each.told_at), sort: each => each.told_at },
    ],
  });
  const isAlarm = row.kind === "alarm";
  fill(detail, block(row.name, {
    flush: true, sql: row.sql,
    rest: [row.muted_until ? act("alerts.unmute", mute(null)) : ["1h", "4h", "1d"].map(length => h("button", { type: "button", on: { click: () => guard(said, mute(length)) } }, t("alerts.mute", length))),
      row.kind === "query" ? act("alerts.try", () => tryNow(row.name, row.text, said)) : null,
      isAlarm ? about(row.name) : mayAdminister || row.owner === reader ? [act("alerts.edit", () => edit(row.name, row.text, row.sha256)), act("alerts.remove", () => remove(row), "danger")] : null],
  }, instances), block(t("alerts.history"), { flush: true }, told(t("alerts.history"), row.events, false)),
  row.text ? block(t("alerts.file"), {}, h("pre", { class: "raw" }, row.text)) : null);
}

async function tryNow(name, text, place) {
  fill(place, h("p", { class: "soft" }, t("alerts.trying")));
  await guard(place, async () => {
    const told = await send("POST", "/v1/alerts/try", { name, text });
    fill(place, told.failure ? problem({ message: told.failure })
      : h("p", { class: told.holds ? "note" : "done", "data-holds": String(told.holds) }, t(told.holds ? "alerts.holds" : "alerts.holds.not", told.seen)));
  });
}

async function remove(row) {
  const element = dialog(t("alerts.remove.title", row.name), h("p", null, h("button", { type: "button", class: "danger", on: { click: async () => {
    element.close();
    await guard(said, async () => {
      await send("DELETE", `/v1/alerts/${encodeURIComponent(row.name)}`);
      chosen = null;
      fill(detail);
      await load();
    });
  } } }, t("alerts.remove"))));
}

/** The file as text, tried and saved as it stands. */
function edit(name, text, seen) {
  const area = h("textarea", { rows: "18", spellcheck: "false", "aria-label": t("alerts.file"), value: text });
  const fault = h("div");
  editing(t("alerts.edit.title", name), [area], fault, () => ({ name, text: area.value, seen }));
  area.focus();
}

function editing(title, fields, fault, made) {
  const element = h("dialog", { class: "wide", on: { close: () => element.remove() } }, h("h2", null, title), fields, fault,
    h("p", { class: "bar" }, h("button", { type: "button", class: "main", on: { click: () => guard(fault, async () => {
      const { name, text, seen } = made();
      await send("PUT", `/v1/alerts/${encodeURIComponent(name)}`, { text, ...(seen ? { seen } : {}) });
      element.close();
      fill(said, h("p", { class: "done" }, t("alerts.saved", name)));
      chosen = name;
      await load();
    }) } }, t("alerts.save")), h("button", { type: "button", on: { click: () => guard(fault, async () => {
      const { name, text } = made();
      await tryNow(name, text, fault);
    }) } }, t("alerts.try")), h("button", { type: "button", on: { click: () => element.close() } }, t("frame.cancel"))));
  document.body.append(element);
  element.showModal();
}

/** A form for a new alert on a query; the file that it makes is shown, and is what is saved. */
function make({ sql = "SELECT count(*) AS n\nFROM kr_shop.\"order\"\nWHERE _event_time > now() - INTERVAL 1 HOUR", columns = ["n"] }) {
  const field = (name, value, more = {}) => h("input", { name, value, ...more, on: { input: () => renew() } });
  const pick = (name, values, label = value => value) => h("select", { name, on: { change: () => renew() } }, values.map(value => h("option", { value }, label(value))));
  const fields = {
    name: field("name", "", { placeholder: "orders_fell", size: "20", required: true }), description: field("description", "", { size: "44" }),
    column: columns.length > 0 ? pick("column", columns) : field("column", "", { size: "12" }), over: pick("over", ["first", "min", "max", "any"], value => t(`alerts.over.${value}`)),
    condition: pick("condition", conditions, value => t(`alerts.condition.${value}`)), value: field("value", "0", { size: "10", inputmode: "decimal" }),
    every: field("every", "10m", { size: "14" }), rearm: pick("rearm", ["back", "30m", "4h", "always"], value => t(`alerts.rearm.${value}`)), severity: pick("severity", ["warning", "critical"]),
    owner: field("owner", reader, { size: "14", disabled: !mayAdminister }),
  };
  const statement = h("textarea", { rows: "6", spellcheck: "false", "aria-label": t("alerts.sql"), value: sql, on: { input: () => renew() } });
  const preview = h("pre", { class: "raw" });
  const quoted = text => JSON.stringify(String(text));
  const text = () => [`alert: ${fields.name.value.trim()}`, "kind: query",
    fields.description.value ? `description: ${quoted(fields.description.value)}` : null, `severity: ${fields.severity.value}`, `owner: ${quoted(fields.owner.value)}`,
    `sql: ${quoted(statement.value)}`, `column: ${quoted(fields.column.value)}`, `over: ${fields.over.value}`, `condition: ${fields.condition.value}`, `value: ${quoted(fields.value.value)}`,
    /\s|^@/.test(fields.every.value.trim()) ? `cron: ${quoted(fields.every.value.trim())}` : `every: ${fields.every.value.trim()}`, `rearm: ${fields.rearm.value}`, ""].filter(line => line !== null).join("\n");
  const renew = () => fill(preview, text());
  const row = (...names) => h("p", { class: "bar" }, names.map(name => h("label", null, t(`alerts.field.${name}`), fields[name])));
  const fault = h("div");
  renew();
  editing(t("alerts.new"), [row("name", "severity", "owner"), row("description"), statement, row("over", "column", "condition", "value"), row("every", "rearm"),
    h("details", null, h("summary", null, t("alerts.file")), preview)], fault, () => ({ name: fields.name.value.trim(), text: text() }));
  fields.name.focus();
}

if (subject() !== "") chosen = subject();
await guard(said, load);
// #sql=…&column=…: from "Alert on this" in Ask. It is shown, not saved.
const given = new URLSearchParams(location.hash.slice(1));
if (given.get("sql") !== null) make({ sql: given.get("sql"), columns: given.getAll("column") });
repeat(5000, () => guard(said, load));
