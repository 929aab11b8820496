// Rejected: events that were received and did not land, by reason and version; one opened; all of a kind replayed.

import { h, fill } from "./dom.js";
import { block, content, guard, mayAdminister, problem } from "./frame.js";
import { literal, objects, send, sql } from "./ask-server.js";
import { ago, count, t, time } from "./words.js";
import { table } from "./table.js";

const open = new Map(new URLSearchParams(location.hash.slice(1)));
const days = h("select", { "aria-label": t("rejected.since"), on: { change: () => load() } },
  [1, 7, 30].map(each => h("option", { value: String(each), selected: each === 7 }, t("rejected.days", each))));
const search = h("input", { type: "search", "data-search": true, placeholder: t("rejected.search"), "aria-label": t("rejected.search"), on: { input: () => showReasons() } });
const reasonsPlace = h("div");
const eventsPlace = h("div");
const said = h("div", { role: "status" });
let reasons = [];
let chosen = null;

const groupSql = () => `SELECT log, reason, path, _log_version AS version, count(*) AS events, max(_received_at) AS last
FROM naru.rejected r
WHERE p_ymd > current_date - ${days.value} AND NOT EXISTS (FROM naru.replays p
  WHERE p.origin_partition = r._topic_partition AND p.origin_offset = r._topic_offset)
GROUP BY ALL
ORDER BY events DESC, last DESC`;

const eventsSql = row => `SELECT r._topic_partition, r._topic_offset, r._received_at, r._log_version, r._sender, r._id, r.path, r.message, r.bytes
FROM naru.rejected r
WHERE p_ymd > current_date - ${days.value} AND log ${is(row.log)} AND reason = ${literal(row.reason)} AND path ${is(row.path)}
  AND _log_version = ${row.version} AND NOT EXISTS (FROM naru.replays p
  WHERE p.origin_partition = r._topic_partition AND p.origin_offset = r._topic_offset)
ORDER BY r._received_at DESC
LIMIT 500`;

const rawSql = row => `SELECT encoding, raw
FROM naru."rejected$secure"
WHERE _topic_partition = ${row._topic_partition} AND _topic_offset = ${row._topic_offset}`;

const is = value => (value === null ? "IS NULL" : `= ${literal(value)}`);

const reasonsTable = table({
  caption: t("rejected.reasons"), empty: t("rejected.none"), open: row => choose(row),
  columns: [
    { label: t("rejected.log"), cell: row => row.log ?? h("i", { class: "faint" }, t("live.nolog")), sort: row => row.log },
    { label: t("rejected.version"), number: true, cell: row => count(row.version), sort: row => row.version },
    { label: t("rejected.reason"), cell: row => h("span", { class: "chip bad" }, row.reason), sort: row => row.reason },
    { label: t("rejected.path"), cell: row => h("span", { class: "mono" }, row.path ?? ""), sort: row => row.path },
    { label: t("rejected.events"), number: true, cell: row => count(row.events), sort: row => row.events },
    { label: t("rejected.last"), number: true, class: "short", cell: row => ago(row.last), sort: row => row.last },
    ...(mayAdminister ? [{ label: "", sort: false, cell: row => row.log === null ? null : h("button", { type: "button", on: { click: event => replay(event.currentTarget, row) } }, t("rejected.replay")) }] : []),
  ],
});

fill(content, said, h("div", { class: "bar" }, search, days), reasonsPlace, eventsPlace);
await load();

async function load() {
  await guard(reasonsPlace, async () => {
    reasons = objects(await sql(groupSql()));
    fill(reasonsPlace, block(t("rejected.reasons"), { sql: groupSql(), flush: true }, reasonsTable));
    if (open.get("log")) search.value = open.get("log");
    open.clear();
    showReasons();
    if (chosen !== null) await choose(chosen);
  });
}

function showReasons() {
  const wanted = search.value.trim().toLowerCase();
  reasonsTable.show(reasons.filter(row => `${row.log} ${row.reason} ${row.path}`.toLowerCase().includes(wanted)));
}

async function choose(row) {
  chosen = row;
  await guard(eventsPlace, async () => {
    const detail = h("div");
    const events = table({
      caption: t("rejected.list"), open: each => show(each, detail),
      columns: [
        { label: t("rejected.received"), class: "short", cell: each => time(each._received_at), sort: each => each._received_at },
        { label: t("rejected.message"), cell: each => each.message ?? "", sort: each => each.message },
        { label: t("rejected.sender"), cell: each => each._sender, sort: each => each._sender },
        { label: t("rejected.id"), class: "mono", cell: each => each._id ?? "", sort: each => each._id },
        { label: t("live.bytes"), number: true, cell: each => count(each.bytes), sort: each => each.bytes },
      ],
    });
    const rows = objects(await sql(eventsSql(row)));
    if (chosen !== row) return; // Another reason was clicked meanwhile.
    events.show(rows);
    fill(eventsPlace, h("div", { class: "row wide" },
      block(t("rejected.list.of", row.log ?? t("live.nolog"), row.reason), { sql: eventsSql(row), flush: true, rest: row.log ? [h("a", { href: `/console/logs/${encodeURIComponent(row.log)}` }, t("rejected.definition"))] : [] }, events),
      detail));
    eventsPlace.scrollIntoView({ block: "nearest" });
  });
}

async function show(row, place) {
  await guard(place, async () => {
    const facts = [["rejected.received", time(row._received_at)], ["rejected.message", row.message ?? ""], ["rejected.path", row.path ?? ""],
      ["rejected.sender", row._sender], ["rejected.version", count(row._log_version)], ["rejected.id", row._id ?? ""],
      ["rejected.offset", `${row._topic_partition} / ${row._topic_offset}`]];
    const raw = h("div");
    fill(place, block(t("rejected.event"), { sql: rawSql(row) },
      h("dl", { class: "facts" }, facts.map(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)])), h("h3", null, t("rejected.raw")), raw));
    await guard(raw, async () => {
      const [found] = objects(await sql(rawSql(row)));
      fill(raw, found === undefined ? h("p", { class: "faint" }, t("rejected.expired"))
        : [h("pre", { class: "raw" }, pretty(found.raw)), found.encoding === "utf8" ? null : h("p", { class: "faint" }, found.encoding)]);
    });
  });
}

/** JSON with line ends, anything else as it is. */
function pretty(raw) {
  try {
    return JSON.stringify(JSON.parse(raw), null, 2);
  } catch {
    return raw;
  }
}

async function replay(button, row) {
  button.disabled = true;
  try {
    const done = await send("POST", `/v1/rejected/replay?log=${encodeURIComponent(row.log)}&reason=${encodeURIComponent(row.reason)}`);
    fill(said, h("p", { class: "note" }, t("rejected.replayed", count(done.found), count(done.landed), count(done.rejected), count(done.duplicate), count(done.expired))));
    await load();
  } catch (error) {
    fill(said, problem(error));
  } finally {
    button.disabled = false;
  }
}
