// Live: what is arriving. Counts of the last minutes are rows of naru.volume; the rate now, lag and disk are the status.

import { h, fill } from "./dom.js";
import { block, content, guard } from "./frame.js";
import { get, objects, repeat, sql } from "./ask-server.js";
import { ago, bytes, count, decimal, duration, t } from "./words.js";
import { meter, spark } from "./draw.js";
import { table } from "./table.js";

const minutes = 15;
const volumeSql = `SELECT log, minute, sum(received) AS received, sum(landed) AS landed, sum(rejected) AS rejected,
  sum(duplicate) AS duplicate, sum(late) AS late
FROM naru.volume
WHERE p_ymd >= current_date - 1 AND minute > now() - INTERVAL ${minutes} MINUTE
GROUP BY log, minute
ORDER BY log, minute`;
const topicsSql = "SELECT * FROM naru.topics ORDER BY topic, partition";

const figures = h("dl", { class: "numbers" });
const logs = table({
  caption: t("live.logs"),
  open: row => location.assign(`/console/logs/${encodeURIComponent(row.log)}`),
  columns: [
    { label: t("live.log"), cell: row => (row.log === "" ? h("i", { class: "faint" }, t("live.nolog")) : row.log), sort: row => row.log },
    { label: t("live.rate"), number: true, hint: t("live.rate.hint"), cell: row => decimal(row.rate), sort: row => row.rate },
    { label: t("live.minutes", minutes), cell: row => spark(row.line, t("live.minutes", minutes)), class: "spark", sort: row => row.received },
    { label: t("live.received"), number: true, cell: row => count(row.received), sort: row => row.received },
    { label: t("live.rejected"), number: true, cell: row => mark(row.rejected, "bad"), sort: row => row.rejected },
    { label: t("live.duplicate"), number: true, cell: row => mark(row.duplicate, ""), sort: row => row.duplicate },
    { label: t("live.late"), number: true, cell: row => mark(row.late, "warn"), sort: row => row.late },
    { label: t("live.last"), number: true, cell: row => (row.last ? h("span", { class: "nowrap" }, ago(row.last)) : ""), sort: row => row.last },
  ],
});
const topics = table({
  caption: t("live.topics"),
  columns: [
    { label: t("live.partition"), class: "short", cell: row => `${row.topic} · ${row.partition}`, sort: row => row.partition },
    { label: t("live.state"), cell: row => h("span", { class: row.state === "serving" ? "good" : "bad" }, row.state, row.detail ? `: ${row.detail}` : "") },
    { label: t("live.first"), number: true, cell: row => count(row.first_offset), sort: row => row.first_offset },
    { label: t("live.durable"), number: true, cell: row => count(row.durable_offset), sort: row => row.durable_offset },
    { label: t("live.landed"), number: true, cell: row => count(row.landed_offset), sort: row => row.landed_offset },
    { label: t("live.bytes"), number: true, class: "short", cell: row => bytes(row.bytes), sort: row => row.bytes },
    { label: t("live.segments"), number: true, cell: row => count(row.segments), sort: row => row.segments },
  ],
});
const disk = h("p");
const stopped = h("div");
const missing = h("div");
let volume = new Map();
const seen = [];

fill(content, missing, stopped, figures,
  block(t("live.logs"), { sql: volumeSql, flush: true }, logs),
  h("div", { class: "row" },
    block(t("live.topics"), { sql: topicsSql, flush: true }, topics),
    block(t("live.disk"), {}, disk)));

function mark(value, kind) {
  return Number(value) === 0 ? h("span", { class: "faint" }, "0") : h("span", { class: kind }, count(value));
}

/** Per second, from how the counts of the status grew over the last ten seconds. */
function rate(log) {
  const [first, last] = [seen[0], seen.at(-1)];
  if (seen.length < 2 || !first.counts.has(log)) return 0;
  return (last.counts.get(log) - first.counts.get(log)) / ((last.at - first.at) / 1000);
}

function rows(status) {
  const now = Math.floor(Date.now() / 60_000);
  const known = new Map(status.logs.map(log => [log.log, log]));
  return [...new Set([...known.keys(), ...volume.keys()])].sort().map(log => {
    const counted = volume.get(log) ?? [];
    const line = Array.from({ length: minutes }, (_, index) => {
      // Whole minutes: the one that runs would always look like a fall.
      const found = counted.find(row => Math.floor(Date.parse(row.minute) / 60_000) === now - minutes + index);
      return found ? Number(found.received) : 0;
    });
    const sum = name => counted.reduce((total, row) => total + Number(row[name]), 0);
    return {
      log, line, rate: rate(log), received: sum("received"), rejected: sum("rejected"), duplicate: sum("duplicate"),
      late: sum("late"), last: known.get(log)?.lastReceivedAt,
    };
  });
}

function figure(name, value, unit) {
  return h("div", null, h("dt", null, t(name)), h("dd", { class: "value", "data-figure": name }, value, unit ? h("small", null, ` ${unit}`) : null));
}

async function showStatus() {
  const status = await get("/v1/status");
  seen.push({ at: performance.now(), counts: new Map(status.logs.map(log => [log.log, log.received])) });
  while (seen.length > 6) seen.shift();
  const all = rows(status);
  logs.show(all);
  const total = name => all.reduce((sum, row) => sum + row[name], 0);
  fill(figures,
    figure("live.rate.all", decimal(total("rate")), t("unit.per_second")),
    figure("live.received.all", count(total("received"))),
    figure("live.rejected.all", count(total("rejected"))),
    figure("live.lag", count(status.stream.lagRecords), t("unit.events")),
    figure("live.pending", count(status.stream.pendingRecords), t("unit.events")),
    figure("live.landing", status.stream.landedAt ? ago(status.stream.landedAt) : "–"));
  fill(stopped, status.stream.failure ? h("p", { class: "problem" }, t("live.stopped", status.stream.failure)) : null);
  const used = status.disk.totalBytes - status.disk.freeBytes;
  fill(disk, meter(used / status.disk.totalBytes, t("live.disk")),
    t("live.disk.text", bytes(status.disk.freeBytes), bytes(status.disk.totalBytes)));
}

async function showVolume() {
  const answer = objects(await sql(volumeSql));
  volume = Map.groupBy(answer, row => row.log);
  topics.show(objects(await sql(topicsSql)));
}

// Whoever may not read naru.volume still sees what the status tells.
await guard(missing, showVolume);
repeat(2000, () => guard(stopped, showStatus));
setTimeout(() => repeat(10_000, () => guard(missing, showVolume)), 10_000);
