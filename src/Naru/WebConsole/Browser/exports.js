// Exports: what goes out. The list is GET /v1/exports; one shows its intervals, runs and rows that did not fit.

import { h, fill } from "./dom.js";
import { block, content, guard, mayAdminister, problem, subject } from "./frame.js";
import { get, literal, objects, parse, repeat, request, sql } from "./ask-server.js";
import { ago, bytes, count, t, time } from "./words.js";
import { table } from "./table.js";
import { asker, chip, stateColumns } from "./states.js";

const name = subject();
const runsShown = 50;
const address = export_ => `/console/exports/${encodeURIComponent(export_)}`;

/** A table that is filled has its page; a log's name leads to its. */
const reading = each => h("a", { href: each.startsWith("mart.") ? `/console/models/${encodeURIComponent(each.slice(5))}` : `/console/logs/${encodeURIComponent(each)}` }, each);
const own = export_ => export_.targets.find(target => target.target === "default");

async function list() {
  const search = h("input", { type: "search", "data-search": true, placeholder: t("exports.search"), "aria-label": t("exports.search"), on: { input: () => show() } });
  const rows = table({
    caption: t("page.exports"), empty: t("exports.none"), open: row => location.assign(address(row.export)),
    columns: [
      { label: t("exports.name"), cell: row => h("div", { class: "name" }, h("a", { href: address(row.export) }, row.export), h("div", { class: "soft" }, row.description)), sort: row => row.export },
      { label: t("exports.to"), cell: row => `${own(row).kind} ${own(row).place}`, sort: row => own(row).place },
      { label: t("exports.mode"), class: "short", cell: row => row.mode, sort: row => row.mode },
      ...stateColumns(),
      { label: t("exports.owner"), class: "owner", cell: row => h("span", { title: row.owner }, row.owner), sort: row => row.owner },
    ],
  });
  const problems = h("div");
  let all = [];
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    rows.show(all.filter(row => `${row.export} ${row.description} ${row.owner}`.toLowerCase().includes(wanted)));
  };
  fill(content, h("div", { class: "bar" }, search), problems, block(t("page.exports"), { flush: true }, rows));
  await repeat(5000, () => guard(problems, async () => {
    all = (await get("/v1/exports")).exports;
    show();
    fill(problems);
  }));
}

async function one() {
  const found = (await get("/v1/exports")).exports.find(each => each.export === name);
  document.querySelector("h1").textContent = name;
  if (found === undefined) {
    fill(content, problem({ message: t("exports.unknown", name) }), h("p", null, h("a", { href: "/console/exports" }, t("page.exports"))));
    return;
  }
  document.querySelector(".lead").textContent = found.description;
  document.title = `${name} · Naru`;
  const result = h("div", { role: "status" });
  const problems = h("div");
  const runsSql = `SELECT interval, target, state, started_at, ended_at, rows, inserted, updated, deleted, failed, bytes, error, who
FROM naru.exports
WHERE export = ${literal(name)}
ORDER BY ended_at DESC
LIMIT ${runsShown}`;
  const badSql = `SELECT interval, target, reason, tries, tried_at, row
FROM naru.export_failures
WHERE export = ${literal(name)}
ORDER BY tried_at DESC
LIMIT 200`;
  const due = h("button", { type: "button", on: { click: () => run("") } }, t("exports.send"));
  const run = async range => {
    due.disabled = true;
    result.scrollIntoView({ block: "nearest" });
    await act(result, `/v1/exports/${encodeURIComponent(name)}/runs?${range}`);
    due.disabled = false;
    await guard(problems, load);
  };
  const again = row => h("button", { type: "button", class: "nowrap", on: { click: () => run(`from=${encodeURIComponent(row.interval)}&to=${encodeURIComponent(row.next)}&all=true`) } }, t("exports.again"));
  const intervals = table({
    caption: t("exports.intervals"), empty: t("exports.intervals.none"),
    columns: [
      { label: t("exports.interval"), class: "short", cell: row => row.interval, sort: row => row.interval },
      { label: t("exports.status"), cell: row => chip(row.status), sort: row => row.status },
      { label: t("exports.rows"), number: true, cell: row => count(row.rows), sort: row => row.rows },
      { label: t("exports.at"), cell: row => (row.filled_at ? h("span", { class: "nowrap", title: time(row.filled_at) }, ago(row.filled_at)) : ""), sort: row => row.filled_at },
      { label: t("exports.why"), cell: row => row.why },
      ...(mayAdminister ? [{ label: "", cell: row => again(row) }] : []),
    ],
  });
  const runs = table({
    caption: t("exports.runs"), empty: t("exports.runs.none"),
    columns: [
      { label: t("exports.at"), cell: row => h("span", { class: "nowrap", title: time(row.ended_at) }, ago(row.ended_at)), sort: row => row.ended_at },
      { label: t("exports.interval"), class: "short", cell: row => row.interval, sort: row => row.interval },
      { label: t("exports.target"), cell: row => row.target, sort: row => row.target },
      { label: t("exports.status"), cell: row => chip(row.state), sort: row => row.state },
      ...["rows", "inserted", "updated", "deleted", "failed"].map(key => ({ label: t(`exports.${key}`), number: true, cell: row => count(row[key]), sort: row => row[key] })),
      { label: t("exports.bytes"), number: true, class: "short", cell: row => bytes(row.bytes), sort: row => row.bytes },
      { label: t("exports.why"), cell: row => row.error ?? "" },
      { label: t("exports.who"), cell: row => asker(row.who), sort: row => row.who },
    ],
  });
  const bad = table({
    caption: t("exports.bad"), empty: t("exports.bad.none"),
    columns: [
      { label: t("exports.interval"), class: "short", cell: row => row.interval, sort: row => row.interval },
      { label: t("exports.target"), cell: row => row.target, sort: row => row.target },
      { label: t("exports.why"), cell: row => row.reason, sort: row => row.reason },
      { label: t("exports.tries"), number: true, cell: row => count(row.tries), sort: row => row.tries },
      { label: t("exports.row"), cell: row => h("code", null, typeof row.row === "string" ? row.row : JSON.stringify(row.row)) },
    ],
  });
  const facts = [
    ["exports.to", found.targets.map(target => h("div", null, `${target.target}: ${target.kind} ${target.place}`))],
    ["exports.mode", [found.mode, ...(found.key.length > 0 ? [` (${found.key.join(", ")})`] : [])]],
    ["exports.reads", found.reads.map((each, index) => [index > 0 ? ", " : "", reading(each)])], ["exports.every", t(`models.every.${found.every}`)], ["exports.schedule", found.schedule ?? t("models.schedule.none")],
    ["exports.start", found.start ?? "–"], ["exports.owner", found.owner || "–"],
  ];
  fill(content, problems,
    h("div", { class: "row" }, block(t("exports.facts"), {}, h("dl", { class: "facts" }, facts.map(([key, value]) => [h("dt", null, t(key)), h("dd", null, value)]))),
      mayAdminister ? block(t("exports.send"), {}, h("p", { class: "soft" }, t("exports.send.text")),
        h("p", null, due), result) : null),
    block(t("exports.intervals"), { flush: true }, intervals),
    block(t("exports.runs"), { sql: runsSql, flush: true }, runs),
    block(t("exports.bad"), { sql: badSql, flush: true }, bad));
  const load = async () => {
    intervals.show((await get(`/v1/exports/${encodeURIComponent(name)}/intervals`)).intervals.reverse());
    runs.show(objects(await sql(runsSql)));
    bad.show(objects(await sql(badSql)));
    fill(problems);
  };
  await repeat(5000, () => guard(problems, load));
}

/** Lines of JSON as the server goes on: steps, what ended, and at last a summary. */
async function act(result, path) {
  const told = [];
  try {
    fill(result, h("p", { class: "soft" }, t("exports.sending")));
    const response = await request(path, { method: "POST" });
    const reader = response.body.pipeThrough(new TextDecoderStream()).getReader();
    let rest = "";
    let steps = 0;
    for (;;) {
      const { value, done } = await reader.read();
      const lines = (rest + (value ?? "")).split("\n");
      rest = lines.pop();
      for (const line of lines.filter(each => each !== "").map(parse)) {
        steps += line.step?.runs ? 1 : 0;
        if (line.ended) {
          const { first, done: sent, rows, why } = line.ended;
          told.unshift(h("p", { class: sent ? "done" : "bad" }, sent ? t("exports.sent", first, count(rows)) : `${first}: ${why}`));
        } else if (line.error) {
          told.unshift(problem({ message: line.error }));
        } else if (line.summary && steps === 0) {
          told.unshift(h("p", { class: "soft" }, t("exports.nothing")));
        }
      }
      fill(result, done ? null : h("p", { class: "soft" }, t("exports.sending")), told.slice(0, 200));
      if (done) break;
    }
  } catch (error) {
    fill(result, problem(error), told);
  }
}

await guard(content, () => (name === "" ? list() : one()));
