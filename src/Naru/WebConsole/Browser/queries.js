// Queries: what runs and what ran lately; the caller's own, or all for an administrator.

import { h, fill } from "./dom.js";
import { askAddress, block, content, guard, prompt, problem } from "./frame.js";
import { get, repeat, request } from "./ask-server.js";
import { bytes, count, duration, named, t, time } from "./words.js";
import { table } from "./table.js";

const over = new Set(["finished", "failed", "cancelled"]);
const search = h("input", { type: "search", "data-search": true, placeholder: t("queries.search"), "aria-label": t("queries.search"), on: { input: () => show() } });
const said = h("div");
const running = table({ caption: t("queries.running"), empty: t("queries.none"), columns: columns(true) });
const recent = table({ caption: t("queries.recent"), columns: columns(false) });
const detail = h("div");
let all = [];

fill(content, said, block(t("queries.running"), { flush: true }, running),
  h("div", { class: "bar" }, search), block(t("queries.recent"), { flush: true }, recent), detail);

function columns(runs) {
  return [
    { label: t("queries.started"), class: "short", cell: row => time(row.started_at), sort: row => row.started_at },
    { label: t("queries.state"), cell: row => h("span", { class: `chip ${{ failed: "bad", cancelled: "warn", running: "good" }[row.state] ?? ""}` }, named("queries.state", row.state)), sort: row => row.state },
    { label: t("queries.owner"), cell: row => row.owner, sort: row => row.owner },
    { label: t("queries.elapsed"), number: true, class: "short", cell: row => duration(elapsed(row)), sort: elapsed },
    ...(runs ? [] : [{ label: t("queries.rows"), number: true, cell: row => count(row.rows), sort: row => row.rows }]),
    { label: t("queries.sql"), cell: row => h("span", null,
      h("a", { class: "mono sql", href: askAddress(row.sql), title: row.sql.slice(0, 1000) }, row.sql.replace(/\s+/g, " ").slice(0, 160)),
      row.shared_with ? h("div", { class: "faint" }, t("queries.shared", row.shared_with)) : null,
      row.error ? h("div", { class: "bad", title: row.message }, row.error) : null), sort: row => row.sql },
    { label: t("queries.id"), class: "mono faint", cell: row => row.id, sort: row => row.id },
    { label: t("queries.pool"), cell: row => [row.pool, row.ticket].filter(Boolean).join(" · "), sort: row => row.pool },
    { label: t("queries.peak"), number: true, class: "short", cell: row => bytes(row.peak_memory_bytes ?? 0), sort: row => row.peak_memory_bytes },
    { label: t("queries.read"), number: true, class: "short", cell: row => bytes(row.read_bytes ?? 0), sort: row => row.read_bytes },
    ...(runs ? [{ label: "", sort: false, cell: row => h("button", { type: "button", class: "danger", on: { click: () => kill(row) } }, t("queries.kill")) }] : []),
  ];
}

function elapsed(row) {
  return row.elapsed_ms ?? Date.now() - Date.parse(row.started_at);
}

function show() {
  const wanted = search.value.trim().toLowerCase();
  running.show(all.filter(row => !over.has(row.state)));
  recent.show(all.filter(row => over.has(row.state)
    && (wanted === "" || `${row.sql} ${row.owner} ${row.id} ${row.error ?? ""}`.toLowerCase().includes(wanted))));
}

async function kill(row) {
  const reason = await prompt(t("queries.kill.title", row.id), { label: t("queries.reason"), action: t("queries.kill") });
  if (reason === null) return;
  try {
    await request(`/v1/queries/${encodeURIComponent(row.id)}?reason=${encodeURIComponent(reason)}`, { method: "DELETE" });
    fill(said, h("p", { class: "note" }, t("queries.killed", row.id)));
  } catch (error) {
    fill(said, problem(error));
  }
  await load();
}

async function load() {
  all = (await get("/v1/queries")).queries;
  show();
}

repeat(1500, () => guard(said, load));
