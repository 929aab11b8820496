// Sources: databases that tables are taken from. Lists and choices are /v1/sources; choosing writes the source's file.

import { h, fill } from "./dom.js";
import { block, content, dialog, guard, mayAdminister, problem, subject } from "./frame.js";
import { get, repeat, send } from "./ask-server.js";
import { bytes, count, named, t } from "./words.js";
import { table } from "./table.js";

const name = subject();
const place = shard => `${shard.shard === null ? "" : `${shard.shard}: `}${shard.place}`;
/** Keys that few sources need: behind a fold. */
const rare = ["tls_authorities", "connect_timeout", "statement_timeout", "zone"];
const sum = (source, status) => source.tables.reduce((all, each) => all + each.intervals[status], 0);
const route = (source, rest) => `/v1/sources/${encodeURIComponent(source)}${rest}`;

async function list() {
  const rows = table({
    caption: t("page.sources"), empty: t("sources.none"),
    open: row => location.assign(`/console/sources/${encodeURIComponent(row.source)}`),
    columns: [
      { label: t("sources.name"), cell: row => h("span", null, h("a", { href: `/console/sources/${encodeURIComponent(row.source)}` }, row.source), h("div", { class: "soft" }, row.description)), sort: row => row.source },
      { label: t("sources.kind"), cell: row => row.kind, sort: row => row.kind },
      { label: t("sources.place"), cell: row => row.shards.map(shard => h("div", null, place(shard))), sort: row => row.shards[0].place },
      { label: t("sources.owner"), cell: row => row.owner, sort: row => row.owner },
      { label: t("sources.taken"), number: true, cell: row => count(row.tables.length), sort: row => row.tables.length },
      { label: t("sources.failed"), number: true, cell: row => h("span", { class: sum(row, "failed") > 0 ? "warn" : "faint" }, count(sum(row, "failed"))), sort: row => sum(row, "failed") },
    ],
  });
  const problems = h("div");
  let kinds = [];
  const add = mayAdminister ? h("button", { type: "button", on: { click: () => create(kinds) } }, t("sources.new")) : null;
  fill(content, h("div", { class: "bar" }, add), problems, block(t("page.sources"), { flush: true }, rows));
  await repeat(3000, () => guard(problems, async () => {
    const found = await get("/v1/sources");
    kinds = found.kinds;
    rows.show(found.sources);
    fill(problems);
  }));
}

function field(key, input) {
  return h("p", null, h("label", null, named("sources", key), " ", input));
}

/** Writes the file of a new source: which fields there are, its kind says. */
function create(kinds) {
  const source = h("input", { name: "name", required: true });
  const owner = h("input", { name: "owner" });
  const kind = h("select", { name: "kind", on: { change: () => draw() } }, kinds.map(each => h("option", null, each.kind)));
  const own = h("div");
  let inputs = {};
  const draw = () => {
    const written = inputs;
    inputs = Object.fromEntries(kinds.find(each => each.kind === kind.value).keys.map(key => [key, written[key] ?? (key === "tls"
      ? h("select", { name: key }, ["verify", "require", "off"].map(each => h("option", null, each)))
      : h("input", { name: key }))]));
    const fields = which => Object.entries(inputs).filter(([key]) => which(key)).map(([key, input]) => field(key, input));
    const more = fields(key => rare.includes(key));
    fill(own, fields(key => !rare.includes(key)), more.length === 0 ? null : h("details", null, h("summary", null, t("sources.more")), more));
  };
  draw();
  const result = h("div", { role: "status" });
  const save = async () => {
    const fields = Object.fromEntries(Object.entries({ ...inputs, owner }).map(([key, input]) => [key, input.value.trim()]));
    await send("POST", route(source.value.trim(), ""), { ...fields, kind: kind.value });
    element.close();
  };
  const element = dialog(t("sources.new"), field("name", source), field("kind", kind), own, field("owner", owner),
    h("p", { class: "soft" }, t("sources.hint")), result,
    h("p", null, h("button", { type: "button", class: "main", on: { click: () => guard(result, save) } }, t("sources.add"))));
}

async function one() {
  document.querySelector("h1").textContent = name;
  const found = (await get("/v1/sources")).sources.find(each => each.source === name);
  if (found === undefined) {
    fill(content, problem({ message: t("sources.unknown", name) }), h("p", null, h("a", { href: "/console/sources" }, t("page.sources"))));
    return;
  }
  document.querySelector(".lead").textContent = found.description === "" ? found.shards.map(place).join(", ") : found.description;
  document.title = `${name} · Naru`;
  const fills = table({
    caption: t("sources.fills"), columns: [
      { label: t("sources.table"), cell: row => row.server_table, sort: row => row.server_table },
      { label: t("sources.target"), cell: row => row.table, sort: row => row.table },
      { label: t("sources.every"), class: "short", cell: row => t(`sources.${row.every}`), sort: row => row.every },
      { label: t("sources.schedule"), class: "short", cell: row => row.schedule ?? "–", sort: row => row.schedule },
      { label: t("sources.start"), class: "short", cell: row => row.start ?? "–", sort: row => row.start },
      { label: t("sources.done"), number: true, cell: row => count(row.intervals.done), sort: row => row.intervals.done },
      { label: t("sources.failed"), number: true, cell: row => h("span", { class: row.intervals.failed > 0 ? "warn" : "faint" }, count(row.intervals.failed)), sort: row => row.intervals.failed },
    ],
  });
  const server = await onServer(found);
  fill(content, block(t("sources.fills"), { flush: true }, fills), server.element);
  const problems = h("div");
  await Promise.all([server.show(), repeat(3000, () => guard(problems, async () =>
    fills.show((await get("/v1/sources")).sources.find(each => each.source === name)?.tables ?? [])))]);
}

/** What is on the server: its databases, and the tables of one. */
async function onServer(source) {
  const shard = h("select", { name: "shard" }, source.shards.map(each => h("option", { value: each.shard ?? "" }, each.shard ?? place(each))));
  const database = h("select", { name: "database" });
  const search = h("input", { type: "search", "data-search": true, placeholder: t("sources.search"), "aria-label": t("sources.search"), on: { input: () => draw() } });
  const problems = h("div");
  let all = [];
  const rows = table({
    caption: t("sources.server"), open: row => choose(source, row, where()),
    columns: [
      { label: t("sources.table"), cell: row => h("span", null, row.table, row.view ? h("span", { class: "chip" }, t("sources.view")) : null), sort: row => row.table },
      { label: t("sources.rows"), number: true, cell: row => row.rows === null ? "–" : count(row.rows), sort: row => row.rows },
      { label: t("sources.bytes"), number: true, cell: row => row.bytes === null ? "–" : bytes(row.bytes), sort: row => row.bytes },
      { label: t("sources.target"), cell: row => row.fills.join(", "), sort: row => row.fills.join() },
    ],
  });
  const where = () => `?shard=${encodeURIComponent(shard.value)}&database=${encodeURIComponent(database.value)}`;
  const draw = () => rows.show(all.filter(row => row.table.toLowerCase().includes(search.value.trim().toLowerCase())));
  const show = () => guard(problems, async () => {
    all = (await get(route(name, `/tables${where()}`))).tables;
    fill(problems);
    draw();
  });
  const databases = () => guard(problems, async () => {
    const own = source.shards.find(each => (each.shard ?? "") === shard.value).database;
    const names = (await get(route(name, `/databases?shard=${encodeURIComponent(shard.value)}`))).databases;
    fill(database, names.map(each => h("option", { selected: each === own }, each)));
  });
  database.addEventListener("change", show);
  shard.addEventListener("change", async () => {
    await databases();
    await show();
  });
  await databases();
  const element = block(t("sources.server"), { flush: true, rest: [source.shards.length > 1 ? h("label", null, t("sources.shard"), shard) : null, h("label", null, t("sources.database"), database), search] }, problems, rows);
  return { element, show };
}

/** The columns of one table, and what it takes to take it. */
async function choose(source, row, where) {
  const result = h("div", { role: "status" });
  const body = h("div");
  dialog(row.table, body, result);
  await guard(body, async () => {
    const about = await get(route(name, `/tables/${encodeURIComponent(row.table)}${where}`));
    const boxes = new Map(about.columns.map(column => [column.column, h("input", { type: "checkbox", checked: true, "aria-label": column.column })]));
    const every = h("select", { name: "every" }, ["day", "hour"].map(each => h("option", { value: each }, t(`sources.${each}`))));
    const schedule = h("input", { name: "schedule", size: "14", placeholder: "30 1 * * *" });
    const start = h("input", { name: "start", type: "date", value: new Date(Date.now() - 86_400_000).toISOString().slice(0, 10) });
    const cursor = h("select", { name: "cursor" }, h("option", { value: "" }, t("sources.all")), about.key.length === 0 ? null : about.columns.map(column => h("option", null, column.column)));
    const columns = table({
      caption: row.table, rows: about.columns, columns: [
        { label: t("sources.column"), cell: column => h("label", null, boxes.get(column.column), " ", column.column, about.key.includes(column.column) ? h("span", { class: "chip" }, t("sources.key")) : null), sort: false },
        { label: t("sources.type"), cell: column => column.server_type, sort: false },
        { label: t("sources.lake"), cell: column => column.type, sort: false },
        { label: t("sources.note"), cell: column => column.note ?? "", sort: false },
      ],
    });
    const take = async () => {
      const chosen = about.columns.map(column => column.column).filter(each => boxes.get(each).checked);
      await send("POST", route(name, "/tables"), {
        table: row.table, every: every.value, schedule: schedule.value.trim(), start: start.value, cursor: cursor.value,
        columns: chosen.length === about.columns.length ? [] : chosen,
      });
      fill(result, h("p", null, t("sources.took", name)));
    };
    const foreign = new URLSearchParams(where.slice(1)).get("database");
    const may = mayAdminister && source.shards.every(shard => shard.database === foreign || source.shards.length > 1);
    fill(body, columns, may ? [
      field("every", every), field("schedule", schedule), field("start", start), field("cursor", cursor),
      h("p", null, h("button", { type: "button", class: "main", on: { click: () => guard(result, take) } }, t("sources.takes", row.table))),
    ] : null);
  });
}

await guard(content, name === "" || name === null || name === undefined ? list : one);
