// Access: who may what, tickets and their use, and what was denied lately; each sees what is theirs, administrators all.

import { h, fill } from "./dom.js";
import { block, content, guard, mayAdminister, problem, prompt, subject } from "./frame.js";
import { get, objects, request, send, sql } from "./ask-server.js";
import { bytes, count, duration, named, t, time } from "./words.js";
import { meter } from "./draw.js";
import { table } from "./table.js";

const soon = 30 * 86_400_000;
const deniedSql = `SELECT recorded_at, who, what, outcome, tables, sql, detail
FROM naru.audit
WHERE recorded_at > now() - INTERVAL 7 DAY
  AND (what = 'denied' OR outcome IN ('refused', 'forbidden', 'unknown_table', 'ticket_used_up'))
ORDER BY recorded_at DESC
LIMIT 200`;

const said = h("div");
const detail = h("div");
const denied = h("div");
const ticketPlace = h("div");
const rolePlace = h("div");
const search = h("input", { type: "search", "data-search": true, placeholder: t("access.search"), "aria-label": t("access.search"), on: { input: () => show() } });
const people = table({
  caption: t("access.people"), open: row => open(row.name), empty: t("access.nobody"), columns: [
    { label: t("access.name"), cell: row => row.name, sort: row => row.name },
    { label: t("access.kind"), cell: row => t(`access.kind.${row.kind}`), sort: row => row.kind },
    { label: t("access.state"), class: "short", cell: row => chip(row), sort: row => row.state },
    { label: t("access.roles"), cell: row => row.roles.join(", "), sort: row => row.roles.join() },
    { label: t("access.tables"), number: true, cell: row => count(row.tables.length), sort: row => row.tables.length },
    { label: t("access.write"), cell: row => row.write.join(", "), sort: row => row.write.join() },
    { label: t("access.ticket"), cell: row => row.ticket ?? "", sort: row => row.ticket },
    { label: t("access.until"), class: "short", cell: row => until(row), sort: row => row.until },
    { label: t("access.used"), class: "short", cell: row => time(row.lastUsedAt), sort: row => row.lastUsedAt },
  ],
});
let all = [];

fill(content, said, h("div", { class: "bar" }, search), block(t("access.people"), { flush: true }, people), detail, ticketPlace, rolePlace, denied);

const ends = row => row.until && row.state === "valid" && Date.parse(row.until) - Date.now() < soon;

function chip(row) {
  const kind = row.state === "valid" ? (ends(row) ? "warn" : "good") : row.state === "not yet" ? "warn" : "bad";
  return [h("span", { class: `chip ${kind}` }, named("access.state", row.state.replace(" ", "_"))), row.administer ? [" ", h("span", { class: "chip" }, t("access.administers"))] : null];
}

const until = row => (row.until ? h("span", { class: ends(row) ? "warn" : null }, time(row.until), ends(row) ? [" · ", duration(Date.parse(row.until) - Date.now())] : null) : "");

function show() {
  const wanted = search.value.trim().toLowerCase();
  people.show(all.filter(row => wanted === "" || `${row.name} ${row.roles} ${row.ticket ?? ""} ${row.tables.map(each => each.table)}`.toLowerCase().includes(wanted))
    .sort((one, other) => Number(Boolean(ends(other))) - Number(Boolean(ends(one)))));
}

/** What one of them may read: each table with its condition and masked columns, as it is now. */
function open(name) {
  const row = all.find(each => each.name === name);
  history.replaceState(null, "", `/console/access/${encodeURIComponent(name)}`);
  if (row === undefined) {
    fill(detail, problem({ message: t("access.unknown", name) }));
    return;
  }
  const tables = table({
    caption: t("access.reads"), empty: t("access.reads.none"), rows: row.tables, columns: [
      { label: t("access.table"), cell: each => each.table, sort: each => each.table },
      { label: t("access.rows"), cell: each => (each.rows ? h("code", null, each.rows) : h("span", { class: "faint" }, t("access.rows.all"))), sort: each => each.rows },
      { label: t("access.masked"), cell: each => each.masked.join(", "), sort: each => each.masked.length },
    ],
  });
  const revoke = mayAdminister && row.id && row.state !== "revoked"
    ? h("button", { type: "button", class: "danger", on: { click: () => end(row) } }, t("access.revoke")) : null;
  fill(detail, block(t("access.reads.of", row.name), { flush: true, rest: revoke }, tables));
  detail.scrollIntoView({ block: "nearest" });
}

async function end(row) {
  const typed = await prompt(t("access.revoke.title", row.name), { label: t("access.revoke.sure", row.id), action: t("access.revoke") });
  if (typed !== row.id) return;
  await guard(said, async () => {
    await request(`/v1/keys/${encodeURIComponent(row.id)}`, { method: "DELETE" });
    fill(said, h("p", { class: "note" }, t("access.revoked", row.name)));
    await load();
    open(row.name);
  });
}

async function load() {
  const [{ grants }, { users }, { keys }] = await Promise.all([get("/v1/grants"),
    mayAdminister ? get("/v1/users") : { users: [] }, mayAdminister ? get("/v1/keys") : { keys: [] }]);
  const byUser = new Map(users.map(user => [user.name, user]));
  const byKey = new Map(keys.map(key => [`${key.name} (${key.id})`, key]));
  all = grants.map(grant => {
    const key = grant.kind === "key" ? byKey.get(grant.name) : undefined;
    return { ...grant, id: key?.id, ticket: key?.rights?.ticket ?? byUser.get(grant.name)?.ticket, lastUsedAt: key?.lastUsedAt };
  });
  show();
}

const amount = (limit, value) => (limit === "scanned_per_day" ? bytes(value) : limit === "cpu_per_day" ? duration(Number(value)) : count(value));

async function showTickets() {
  const [{ tickets }, you] = await Promise.all([get("/v1/tickets"), get("/v1/session")]);
  const rows = tickets.flatMap(ticket => ticket.limits.map(limit => ({ ...limit, ticket })));
  const shown = table({
    caption: t("access.tickets"), empty: t("access.tickets.none"), rows, columns: [
      { label: t("access.ticket"), cell: row => h("span", { title: row.ticket.description }, row.ticket.name), sort: row => row.ticket.name },
      { label: t("access.owner"), cell: row => row.ticket.owner ?? "", sort: row => row.ticket.owner },
      { label: t("access.pools"), cell: row => row.ticket.pools.join(", "), sort: row => row.ticket.pools.join() },
      { label: t("access.limit"), cell: row => named("access.limit", row.limit), sort: row => row.limit },
      { label: t("access.use"), class: "nowrap", cell: row => [meter(row.value > 0 ? row.used / row.value : 1, t("access.use.of", amount(row.limit, row.used), amount(row.limit, row.value))), t("access.use.of", amount(row.limit, row.used), amount(row.limit, row.value))], sort: row => row.used / row.value },
      { label: t("access.raised"), cell: row => (row.raisedUntil ? h("span", { title: row.why ?? "" }, t("access.raised.until", time(row.raisedUntil), row.raisedBy)) : ""), sort: row => row.raisedUntil },
      { label: "", sort: false, cell: row => (mayAdminister || row.ticket.owner === you.name ? h("button", { type: "button", on: { click: () => raise(row) } }, t("access.raise")) : null) },
    ],
  });
  fill(ticketPlace, block(t("access.tickets"), { flush: true }, shown));
}

/** Asks for the new limit, for how long, and why. */
function raise(row) {
  const to = h("input", { name: "to", required: true, value: row.shown, size: "10" });
  const hours = h("select", { name: "for" }, ["1h", "4h", "1d", "7d"].map(each => h("option", { value: each }, each)));
  const why = h("input", { name: "why", required: true, size: "40" });
  const fault = h("div");
  const element = h("dialog", { on: { close: () => element.remove() } }, h("h2", null, t("access.raise.title", row.ticket.name, named("access.limit", row.limit))),
    h("form", { on: { submit: async event => {
      event.preventDefault();
      await guard(fault, async () => {
        await send("POST", `/v1/tickets/${encodeURIComponent(row.ticket.name)}/raise`, { limit: row.limit, to: to.value, for: hours.value, why: why.value });
        element.close();
        fill(said, h("p", { class: "note" }, t("access.raised.done", row.ticket.name)));
        await showTickets();
      });
    } } }, h("p", null, h("label", null, t("access.raise.to"), to), " ", h("label", null, t("access.raise.for"), hours)), h("p", null, h("label", null, t("access.why"), why)), fault,
    h("button", { class: "main" }, t("access.raise")), " ", h("button", { type: "button", on: { click: () => element.close() } }, t("frame.cancel"))));
  document.body.append(element);
  element.showModal();
  to.select();
}

async function showRoles() {
  const { roles } = await get("/v1/roles");
  const listed = rules => Object.entries(rules).map(([name, text]) => h("div", null, h("span", { class: "soft" }, name, ": "), h("code", null, text)));
  fill(rolePlace, block(t("access.roles"), { flush: true }, table({
    caption: t("access.roles"), rows: roles, columns: [
      { label: t("access.role"), cell: row => h("div", null, row.name, row.description ? h("div", { class: "soft" }, row.description) : null), sort: row => row.name },
      { label: t("access.read"), cell: row => row.read.join(", "), sort: row => row.read.join() },
      { label: t("access.secure"), cell: row => row.secure.join(", "), sort: row => row.secure.join() },
      { label: t("access.write"), cell: row => [row.write.join(", "), row.administer ? h("span", { class: "chip" }, t("access.administers")) : null], sort: row => row.write.join() },
      { label: t("access.rows"), cell: row => listed(row.rows), sort: row => Object.keys(row.rows).length },
      { label: t("access.masked"), cell: row => listed(row.masks), sort: row => Object.keys(row.masks).length },
    ],
  })));
}

async function showDenied() {
  const rows = objects(await sql(deniedSql));
  fill(denied, block(t("access.denied"), { sql: deniedSql, flush: true }, table({
    caption: t("access.denied"), rows, columns: [
      { label: t("access.at"), class: "short", cell: row => time(row.recorded_at), sort: row => row.recorded_at },
      { label: t("access.who"), cell: row => row.who, sort: row => row.who },
      { label: t("access.what"), cell: row => [row.what, row.outcome].filter(Boolean).join(" · "), sort: row => row.what },
      { label: t("access.table"), cell: row => row.tables ?? "", sort: row => row.tables },
      { label: t("access.detail"), cell: row => h("code", { title: row.detail }, (row.sql ?? row.detail).slice(0, 160)), sort: row => row.sql },
    ],
  })));
}

await guard(said, load);
guard(ticketPlace, showTickets);
guard(rolePlace, showRoles);
if (mayAdminister) guard(denied, showDenied);
if (subject() !== "") open(subject());
else if (all.length === 1) open(all[0].name);
