// Logs: the log centre. The list is naru.logs; one log shows its definition, rows, versions, and its file to be edited.

import { h, fill } from "./dom.js";
import { askAddress, block, content, guard, mayAdminister, problem, subject } from "./frame.js";
import { get, identifier, literal, objects, request, sql, parse } from "./ask-server.js";
import { ago, count, named, t, time } from "./words.js";
import { answerGrid, table } from "./table.js";
import { differenceView } from "./difference.js";
import { editor } from "./editor.js";

const name = subject();
const [schema, tableName] = name.split(".");

async function list() {
  const listSql = `SELECT log, version, state, problem, description, owner, fields, sensitive_fields, published_at, definition
FROM naru.logs
ORDER BY log`;
  const search = h("input", { type: "search", "data-search": true, placeholder: t("logs.search"), "aria-label": t("logs.search"), size: "40", on: { input: () => show() } });
  const rows = table({
    caption: t("page.logs"), empty: t("logs.none"), open: row => location.assign(address(row.log)),
    columns: [
      { label: t("logs.log"), cell: row => h("span", null, h("a", { href: address(row.log) }, row.log), h("div", { class: "soft" }, row.description)), sort: row => row.log },
      { label: t("logs.owner"), class: "short", cell: row => row.owner, sort: row => row.owner },
      { label: t("logs.version"), number: true, cell: row => count(row.version), sort: row => row.version },
      { label: t("logs.fields"), number: true, cell: row => count(row.fields), sort: row => row.fields },
      { label: t("logs.sensitive"), number: true, cell: row => count(row.sensitive_fields), sort: row => row.sensitive_fields },
      { label: t("logs.state"), cell: row => [state(row.state), row.problem ? h("div", { class: "bad" }, row.problem) : null], sort: row => row.state },
      { label: t("logs.published"), number: true, class: "short", cell: row => (row.published_at ? ago(row.published_at) : ""), sort: row => row.published_at },
      { label: t("logs.match"), cell: row => row.matched ?? "", sort: false },
    ],
  });
  const all = await known(listSql);
  // A search finds names, descriptions, owners, and the fields that a definition has.
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    rows.show(all.map(row => ({ ...row, matched: wanted === "" ? null : fieldsWith(row, wanted) }))
      .filter(row => wanted === "" || row.matched !== "" || `${row.log} ${row.description} ${row.owner}`.toLowerCase().includes(wanted)));
  };
  fill(content, h("div", { class: "bar" }, search), block(t("page.logs"), { sql: listSql, flush: true }, rows));
  show();
  search.focus();
}

/** Who may read logs but no system tables is told of those logs by the route. */
async function known(statement) {
  try {
    return objects(await sql(statement));
  } catch (error) {
    if (error.code !== "unknown_table") throw error;
    const { logs } = await get("/v1/definitions");
    return logs.map(log => ({
      ...log, lifetime_hot: log.definition.lifetime.hot, lifetime_warm: log.definition.lifetime.warm,
      lifetime_total: log.definition.lifetime.total, lifetime_secure: log.definition.lifetime.secure,
    }));
  }
}

const address = log => `/console/logs/${encodeURIComponent(log)}`;

const state = text => h("span", { class: `chip ${text === "published" ? "good" : text === "retired" ? "" : "bad"}` }, named("logs.state", text));

function fieldsWith(row, wanted) {
  const fields = Object.entries(definitionOf(row).fields ?? {});
  return fields.filter(([field, about]) => `${field} ${about.description ?? ""}`.toLowerCase().includes(wanted))
    .map(([field]) => field).slice(0, 6).join(", ");
}

/** JSON columns come as values or as text. */
const definitionOf = row => (typeof row.definition === "string" ? parse(row.definition) : row.definition ?? {});

async function one() {
  const logSql = `SELECT * FROM naru.logs WHERE log = ${literal(name)}`;
  const row = (await known(logSql)).find(each => each.log === name);
  document.querySelector("h1").textContent = name;
  document.title = `${name} · Naru`;
  if (row === undefined) {
    fill(content, problem({ message: t("logs.unknown", name) }), h("p", null, h("a", { href: "/console/logs" }, t("page.logs"))));
    return;
  }
  document.querySelector(".lead").textContent = row.description ?? "";
  const definition = definitionOf(row);
  const tabs = ["about", "rows", "send", "versions", ...(mayAdminister ? ["edit"] : [])];
  const body = h("div");
  const heads = h("div", { class: "tabs", role: "tablist" }, tabs.map(tab => h("button", {
    type: "button", role: "tab", "data-tab": tab, on: { click: () => { history.replaceState(null, "", `#${tab}`); show(tab); } },
  }, t(`logs.tab.${tab}`))));
  const show = tab => {
    for (const head of heads.children) head.setAttribute("aria-selected", String(head.dataset.tab === tab));
    fill(body, h("p", { class: "waiting" }, t("frame.waiting")));
    guard(body, () => ({ about, rows, send, versions, edit })[tab](body, row, definition, logSql));
  };
  fill(content, row.problem ? h("p", { class: "problem" }, row.problem) : null, heads, body);
  show(tabs.includes(location.hash.slice(1)) ? location.hash.slice(1) : "about");
}

async function about(body, row, definition, logSql) {
  const arrivedSql = `SELECT sum(received) AS received, sum(landed) AS landed, sum(rejected) AS rejected, sum(duplicate) AS duplicate, sum(late) AS late
FROM naru.volume
WHERE log = ${literal(name)} AND p_ymd >= current_date - 1 AND minute > now() - INTERVAL 24 HOUR`;
  const facts = [
    [t("logs.owner"), h("b", { "data-owner": true }, row.owner ?? "–")], [t("logs.state"), state(row.state)], [t("logs.version"), count(row.version)],
    [t("logs.published"), row.published_at ? `${time(row.published_at)} · ${ago(row.published_at)}` : "–"],
    [t("logs.table"), h("a", { class: "mono", href: askAddress(sampleSql()) }, `${identifier(schema)}.${identifier(tableName)}`)],
    [t("logs.time"), `${definition.time} · ${t("logs.time.late", definition.late_after)}`], [t("logs.idkeys"), (definition.id ?? []).join(", ")],
    [t("logs.unknown_fields"), definition.unknown_fields],
    [t("logs.lifetime"), t("logs.lifetime.text", row.lifetime_hot, row.lifetime_warm, row.lifetime_total, row.lifetime_secure)],
  ];
  const fields = table({
    caption: t("logs.fields"),
    columns: [
      { label: t("logs.field"), class: "mono", cell: each => each.name },
      { label: t("logs.type"), class: "mono", cell: each => each.type },
      { label: t("logs.about"), cell: each => [each.description ?? "", rules(each)] },
      { label: t("logs.marks"), cell: each => [each.required ? h("span", { class: "chip" }, t("logs.required")) : null, each.sensitive ? h("span", { class: "chip warn" }, t("logs.sensitive")) : null] },
      { label: t("logs.example"), class: "mono", cell: each => each.example ?? "" },
    ],
    rows: Object.entries(definition.fields ?? {}).map(([field, rest]) => ({ name: field, ...rest })),
  });
  const arrived = h("div");
  const readers = h("div");
  const picture = definition.screen ? h("figure", { class: "screen" }, h("img", {
    src: `/v1/definitions/${encodeURIComponent(name)}/screen`, alt: t("logs.screen", name),
  })) : null;
  fill(body, h("div", { class: "row" },
    block(t("logs.facts"), { sql: logSql }, h("dl", { class: "facts" }, facts.map(([key, value]) => [h("dt", null, key), h("dd", null, value)]))),
    h("div", null, block(t("logs.arrived"), { sql: arrivedSql, rest: [h("a", { href: `/console/rejected#log=${encodeURIComponent(name)}` }, t("page.rejected"))] }, arrived),
      mayAdminister ? block(t("logs.readers"), {}, readers) : null),
    picture),
  block(t("logs.fields"), { flush: true }, fields));
  guard(arrived, async () => {
    const [sums] = objects(await sql(arrivedSql));
    fill(arrived, h("dl", { class: "facts" }, ["received", "landed", "rejected", "duplicate", "late"].map(key => [
      h("dt", null, t(`live.${key === "landed" ? "landed.events" : key}`)), h("dd", { "data-figure": key }, count(sums[key] ?? 0))])));
  });
  if (mayAdminister) guard(readers, () => showReaders(readers));
}

function rules(field) {
  const parts = [];
  if (field.enum) parts.push(field.enum.join(" | "));
  if (field.min !== undefined || field.max !== undefined) parts.push(`${field.min ?? "…"} – ${field.max ?? "…"}`);
  if (field.pattern) parts.push(`/${field.pattern}/`);
  if (field.length) parts.push(t("logs.length", count(field.length)));
  if (field.from) parts.push(t("logs.from", field.from));
  return parts.length === 0 ? null : h("div", { class: "faint mono" }, parts.join(" · "));
}

async function showReaders(place) {
  const { keys } = await get("/v1/keys");
  const reads = patterns => (patterns ?? []).some(pattern => pattern === "*" || pattern === name || (pattern.endsWith(".*") && name.startsWith(pattern.slice(0, -1))));
  const found = keys.filter(key => !key.revoked_at && reads(key.rights?.read ?? key.read));
  fill(place, keys.length === 0 ? h("p", { class: "soft" }, t("logs.readers.open"))
    : found.length === 0 ? h("p", { class: "soft" }, t("logs.readers.none"))
      : h("ul", { class: "plain" }, found.map(key => h("li", null, h("b", null, key.name), " ",
        reads(key.rights?.secure ?? key.secure) ? h("span", { class: "chip warn" }, t("logs.sensitive")) : null))));
}

const sampleSql = () => `SELECT *
FROM ${identifier(schema)}.${identifier(tableName)}
WHERE p_ymd >= current_date - 1
ORDER BY _received_at DESC
LIMIT 100`;

async function rows(body) {
  const answer = await sql(sampleSql());
  fill(body, block(t("logs.sample"), { sql: sampleSql(), flush: true },
    answer.rows.length === 0 ? h("p", { class: "faint" }, t("logs.sample.none")) : answerGrid(answer, { height: 520 })));
}

async function send(body, row, definition) {
  const fields = Object.entries(definition.fields ?? {});
  const value = ([, field]) => {
    const text = field.example ?? field.enum?.[0];
    if (/^(int|double|float|decimal|uint)/.test(field.type)) return Number(text ?? field.min ?? 1);
    if (field.type === "bool" || field.type === "boolean") return text === undefined ? true : text === "true";
    return text ?? "…";
  };
  const event = Object.fromEntries(fields.map(([key, field]) => [field.from ?? key, value([key, field])]));
  if (definition.time) event[definition.time] ??= new Date().toISOString();
  const curl = `curl -s ${location.origin}/v1/events/${name} \\
  -H 'Authorization: Bearer nk_…' \\
  -d '${JSON.stringify(event, null, 2).replaceAll("'", "'\\''")}'`;
  const said = h("span", { class: "soft" });
  fill(body, block(t("logs.send"), { rest: [said, h("button", { type: "button", class: "link", on: { click: async () => {
    await navigator.clipboard.writeText(curl);
    fill(said, t("logs.copied"));
  } } }, t("logs.copy"))] }, h("p", { class: "soft" }, t("logs.send.text")), h("pre", { "data-curl": true }, curl)));
}

async function versions(body) {
  const { versions: all } = await get(`/v1/definitions/${encodeURIComponent(name)}/versions`);
  fill(body, all.map((version, index) => block(t("logs.version.of", version.version, version.revision), {
    rest: [h("span", { class: "soft" }, time(version.published_at))],
  }, version.reason ? h("p", { class: "warn" }, t("logs.breaks", version.reason)) : null,
  index + 1 < all.length ? differenceView(all[index + 1].text ?? "", version.text ?? "") : h("pre", null, version.text))));
}

async function edit(body) {
  const path = `/v1/definitions/${encodeURIComponent(name)}`;
  const file = await get(`${path}/file`);
  const place = h("div", { class: "editor" });
  const verdict = h("div", { role: "status" });
  const impact = h("div", { role: "status" });
  const tryButton = h("button", { type: "button", disabled: true, on: { click: () => guard(impact, tryIt) } }, t("logs.edit.try"));
  const saveButton = h("button", { type: "button", class: "main", disabled: true, on: { click: () => guard(verdict, save) } }, t("logs.edit.save"));
  fill(body, h("p", { class: "soft" }, t("logs.edit.intro", `logs/${name}.yaml`)), h("section", { class: "block" }, place),
    h("div", { class: "bar" }, saveButton, tryButton), h("div", { class: "row" }, h("div", null, verdict), h("div", null, impact)));
  let seen = file.sha256;
  let published = file.text;
  let waiting = 0;
  const pane = editor(place, {
    mode: "yaml", text: file.text, label: t("logs.tab.edit"), linesMax: 32, changed: () => {
      saveButton.disabled = tryButton.disabled = true;
      clearTimeout(waiting);
      waiting = setTimeout(() => guard(verdict, check), 350);
    },
  });

  const put = (method, where, headers = {}) => request(`${path}/${where}`, {
    method, body: new Blob([pane.text]), headers: { "Content-Type": "application/yaml", ...headers },
  });

  async function check() {
    const text = pane.text;
    const found = await (await put("POST", "check")).json();
    if (text !== pane.text) return;
    pane.mark(found.mistakes.filter(mistake => mistake.file === `logs/${name}.yaml`), { move: false });
    const changed = text !== published;
    saveButton.disabled = !changed || found.mistakes.length > 0;
    tryButton.disabled = !changed || found.mistakes.length > 0;
    fill(impact);
    fill(verdict, found.mistakes.map(mistake => h("p", { class: "problem" },
      h("b", null, mistake.line > 0 ? `${mistake.file}:${mistake.line}:${mistake.column} ` : `${mistake.file} `), mistake.message, mistake.hint ? h("span", { class: "hint" }, mistake.hint) : null)),
    found.mistakes.length === 0 ? h("p", { class: changed ? "note" : "faint" }, t(`logs.edit.${found.action ?? "none"}`, found.version)) : null,
    found.changes.length > 0 ? h("ul", null, found.changes.map(change => h("li", { class: change.kind === "breaking" || change.kind === "impossible" ? "bad" : null },
      h("span", { class: "chip" }, named("logs.change", change.kind)), " ", change.message))) : null,
    changed ? differenceView(published, text) : null);
  }

  async function tryIt() {
    fill(impact, h("p", { class: "waiting" }, t("frame.waiting")));
    const report = await (await put("POST", "impact")).json();
    fill(impact, h("p", { class: report.rejected > report.rejectedNow ? "problem" : "done", "data-impact": report.rejected },
      t("logs.impact", count(report.events), count(report.rejected), count(report.rejectedNow)), report.complete ? "" : ` ${t("logs.impact.newest")}`),
    report.reasons.map(reason => h("div", null, h("p", null, h("span", { class: "chip bad" }, reason.reason), " ", h("span", { class: "mono" }, reason.path), " ", count(reason.events)),
      h("ul", { class: "soft" }, reason.examples.map(example => h("li", null, example))))));
  }

  async function save() {
    const done = await (await put("PUT", "file", { "If-Match": `"${seen}"` })).json();
    seen = done.sha256;
    published = pane.text;
    saveButton.disabled = tryButton.disabled = true;
    fill(verdict, h("p", { class: "done" }, t("logs.edit.saved", done.version)));
  }

  await check();
}

await guard(content, () => (name === "" ? list() : one()));
