// Sources: databases that tables are taken from. Lists and choices are /v1/sources; choosing writes the source's file.

import { h, fill } from "./dom.js";
import { block, content, dialog, guard, mayAdminister, problem, subject } from "./frame.js";
import { get, repeat, send } from "./ask-server.js";
import { bytes, count, named, t, time } from "./words.js";
import { table } from "./table.js";
import { stateColumns } from "./states.js";

const name = subject();
const place = shard => `${shard.shard === null ? "" : `${shard.shard}: `}${shard.place}`;
/** Keys that few sources need: behind a fold. */
const rare = ["tls_authorities", "connect_timeout", "statement_timeout", "zone"];
const sum = (source, status) => source.tables.reduce((all, each) => all + each.intervals[status], 0);
/** Where a table that is filled has its intervals, runs and what failed. */
const filled = table => `/console/models/${encodeURIComponent(table)}`;
const route = (source, rest) => `/v1/sources/${encodeURIComponent(source)}${rest}`;

async function list() {
  const rows = table({
    caption: t("page.sources"), empty: t("sources.none"),
    open: row => location.assign(`/console/sources/${encodeURIComponent(row.source)}`),
    columns: [
      { label: t("sources.name"), cell: row => h("div", { class: "name" }, h("a", { href: `/console/sources/${encodeURIComponent(row.source)}` }, row.source), h("div", { class: "soft" }, row.description)), sort: row => row.source },
      { label: t("sources.kind"), cell: row => row.kind, sort: row => row.kind },
      { label: t("sources.place"), cell: row => row.shards.map(shard => h("div", null, place(shard))), sort: row => row.shards[0].place },
      { label: t("sources.owner"), class: "owner", cell: row => h("span", { title: row.owner }, row.owner), sort: row => row.owner },
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
  return h("label", null, h("span", null, named("sources", key)), input);
}

/** Writes the file of a new source: which fields there are, its kind says. */
function create(kinds) {
  const source = h("input", { name: "name", required: true, pattern: "[a-z][a-z0-9_]*", title: t("sources.name.rule"), autofocus: true });
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
    fill(own, fields(key => !rare.includes(key)), more.length === 0 ? null : h("details", null, h("summary", { class: "soft" }, t("sources.more")), more));
  };
  draw();
  const result = h("div", { role: "status" });
  const save = async () => {
    const fields = Object.fromEntries(Object.entries({ ...inputs, owner }).map(([key, input]) => [key, input.value.trim()]));
    await send("POST", route(source.value.trim(), ""), { ...fields, kind: kind.value });
    fill(result, h("p", { class: "soft" }, t("sources.added")));
    await here(source.value.trim());
    location.assign(`/console/sources/${encodeURIComponent(source.value.trim())}`);
  };
  const add = h("button", { class: "main" }, t("sources.add"));
  const submit = async event => {
    event.preventDefault();
    add.disabled = true;
    await guard(result, save);
    add.disabled = false;
  };
  dialog(t("sources.new"), h("form", { class: "sheet", on: { submit } },
    field("name", source), field("kind", kind), own, field("owner", owner),
    h("p", { class: "soft" }, t("sources.hint")), result, h("p", null, add)));
  source.focus();
}

/** The server takes a new file within seconds; what is not there by then, its page says. */
async function here(source) {
  for (let tries = 0; tries < 40; tries++) {
    if ((await get("/v1/sources")).sources.some(each => each.source === source)) return;
    await new Promise(resolve => setTimeout(resolve, 250));
  }
}

async function one() {
  document.querySelector("h1").textContent = name;
  const { sources, kinds } = await get("/v1/sources");
  const found = sources.find(each => each.source === name);
  if (found === undefined) {
    fill(content, problem({ message: t("sources.unknown", name) }), h("p", null, h("a", { href: "/console/sources" }, t("page.sources"))));
    return;
  }
  document.querySelector(".lead").textContent = found.description === "" ? found.shards.map(place).join(", ") : found.description;
  document.title = `${name} · Naru`;
  const accepted = h("div", { role: "status" });
  const accept = row => guard(accepted, async () => {
    const { accepted: [{ changes }] } = await send("POST", route(name, `/accept?table=${encodeURIComponent(row.name)}`));
    fill(accepted, h("p", { class: "done" }, changes.length === 0 ? t("sources.accepted.none", row.name) : `${row.name}: ${changes.join(", ")}`));
  });
  const fills = table({
    caption: t("sources.fills"), empty: t("sources.fills.none"), open: row => location.assign(filled(row.name)), columns: [
      { label: t("sources.table"), cell: row => row.server_table, sort: row => row.server_table },
      { label: t("sources.target"), cell: row => h("a", { href: filled(row.name) }, row.table), sort: row => row.table },
      { label: t("sources.every"), class: "short", cell: row => t(`models.every.${row.every}`), sort: row => row.every },
      { label: t("sources.schedule"), class: "short", cell: row => row.schedule ?? "–", sort: row => row.schedule },
      { label: t("sources.start"), class: "short", cell: row => row.start ?? "–", sort: row => row.start },
      ...stateColumns(),
      ...(found.schema_changes === "follow" || !mayAdminister ? [] : [{ label: "", cell: row => h("button", { type: "button", on: { click: () => accept(row) } }, t("sources.accept")) }]),
    ],
  });
  const server = onServer({ ...found, cursor: kinds.find(each => each.kind === found.kind)?.cursor });
  const problems = h("div");
  fill(content, problems, block(t("sources.fills"), { flush: true }, fills), accepted, server.element);
  await Promise.all([server.ask(), repeat(3000, () => guard(problems, async () => {
    fills.show((await get("/v1/sources")).sources.find(each => each.source === name)?.tables ?? []);
    fill(problems);
  }))]);
}

/** What is on the server: its databases, and the tables of one. */
function onServer(source) {
  const shard = h("select", { name: "shard" }, source.shards.map(each => h("option", { value: each.shard ?? "" }, each.shard ?? place(each))));
  const database = h("select", { name: "database" });
  const databases = h("label", null, t("sources.database"), database);
  const search = h("input", { type: "search", "data-search": true, placeholder: t("sources.search"), "aria-label": t("sources.search"), on: { input: () => draw() } });
  const problems = h("div", { class: "padded", role: "status" });
  let all = [];
  const rows = table({
    caption: t("sources.server"), empty: t("sources.server.none"), open: row => choose(source, row, where()),
    columns: [
      { label: t("sources.table"), cell: row => h("span", null, row.table, row.view ? h("span", { class: "chip" }, t("sources.view")) : null), sort: row => row.table },
      { label: t("sources.rows"), number: true, cell: row => row.rows === null ? "–" : count(row.rows), sort: row => row.rows },
      { label: t("sources.bytes"), number: true, cell: row => row.bytes === null ? "–" : bytes(row.bytes), sort: row => row.bytes },
      { label: t("sources.target"), cell: row => row.fills.join(", "), sort: row => row.fills.join() },
    ],
  });
  const where = () => `?shard=${encodeURIComponent(shard.value)}&database=${encodeURIComponent(database.value)}`;
  const draw = () => rows.show(all.filter(row => row.table.toLowerCase().includes(search.value.trim().toLowerCase())));
  const again = h("button", { type: "button", on: { click: () => ask() } }, t("sources.again"));

  /** A server that is far or gone takes its time: what is asked is said meanwhile, and what came is not mixed up. */
  async function asked(work) {
    rows.hidden = true;
    fill(problems, h("p", { class: "soft" }, t("sources.asking", place(source.shards.find(each => (each.shard ?? "") === shard.value)))));
    try {
      await work();
      fill(problems);
      rows.hidden = false;
    } catch (error) {
      fill(problems, problem(error), h("p", { class: "soft" }, t("sources.mend", name)), h("p", null, again));
    }
  }

  const tables = async () => {
    all = (await get(route(name, `/tables${where()}`))).tables;
    draw();
  };
  const show = () => asked(tables);
  const ask = () => asked(async () => {
    const own = source.shards.find(each => (each.shard ?? "") === shard.value).database;
    const names = (await get(route(name, `/databases?shard=${encodeURIComponent(shard.value)}`))).databases;
    fill(database, own === "" ? h("option", { value: "" }, t("sources.databases")) : null, names.map(each => h("option", { selected: each === own }, each)));
    databases.hidden = own === "" && names.length === 0;
    await tables();
  });
  database.addEventListener("change", show);
  shard.addEventListener("change", ask);
  const element = block(t("sources.server"), { flush: true, rest: [source.shards.length > 1 ? h("label", null, t("sources.shard"), shard) : null, databases, search] }, problems, rows);
  return { element, ask };
}

/** The columns of one table, and what it takes to take it. */
async function choose(source, row, where) {
  const result = h("div", { role: "status" });
  const body = h("div");
  dialog(row.table, fill(body, h("p", { class: "soft" }, t("sources.asking", row.table)))).classList.add("wide");
  await guard(body, async () => {
    const about = await get(route(name, `/tables/${encodeURIComponent(row.table)}${where}`));
    const boxes = new Map(about.columns.map(column => [column.column, h("input", { type: "checkbox", checked: true, "aria-label": column.column })]));
    const every = h("select", { name: "every" }, ["day", "hour"].map(each => h("option", { value: each }, t(`models.every.${each}`))));
    const schedule = h("input", { name: "schedule", size: "14", placeholder: "30 1 * * *" });
    const start = h("input", { name: "start", type: "date", value: time(Date.now() - 86_400_000).slice(0, 10) });
    const cursor = h("select", { name: "cursor" }, h("option", { value: "" }, t("sources.all")), about.key.length === 0 || source.cursor === false ? null : about.columns.map(column => h("option", null, column.column)));
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
      fill(result, h("p", { class: "done" }, t("sources.took", name)));
    };
    const foreign = new URLSearchParams(where.slice(1)).get("database");
    const may = mayAdminister && source.shards.every(shard => shard.database === foreign || source.shards.length > 1);
    const run = h("button", { class: "main" }, t("sources.takes", row.table));
    const submit = async event => {
      event.preventDefault();
      run.disabled = true;
      fill(result);
      await guard(result, take);
      run.disabled = false;
    };
    fill(body, may ? h("form", { class: "sheet", on: { submit } },
      field("every", every), field("schedule", schedule), field("start", start), field("cursor", cursor), h("p", null, run), result)
      : mayAdminister ? h("p", { class: "note" }, t("sources.foreign")) : null, columns);
  });
}

await guard(content, name === "" ? list : one);
