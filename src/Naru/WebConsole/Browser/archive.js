// Archive: saved queries. The list with its search; one query with its parameters, answer, text and versions.

import { h, fill } from "./dom.js";
import { askAddress, block, content, guard, problem, subject } from "./frame.js";
import { get, request, sql } from "./ask-server.js";
import { ago, count, duration, t, time } from "./words.js";
import { table } from "./table.js";
import { differenceView } from "./difference.js";
import { editor } from "./editor.js";
import { fault, parametersOf, showFields, substitute } from "./parameters.js";
import { drawView } from "./view.js";
import { download, fileFormats } from "./download.js";
import { archivePath, headerOf, link, putQuery } from "./save.js";

const number = subject();
const rowsMax = 10_000;
const address = each => `/console/archive/${encodeURIComponent(each)}`;

async function list() {
  const { queries, may_save: maySave } = await get("/v1/archive");
  let tag = "";
  const search = h("input", { type: "search", "data-search": true, placeholder: t("archive.search"), "aria-label": t("archive.search"), size: "40", on: { input: () => show() } });
  const tags = [...new Set(queries.flatMap(query => query.tags))].sort();
  const chips = h("span", { class: "tags" }, tags.map(each => h("button", { type: "button", class: "chip", "data-tag": each, "aria-pressed": "false", on: { click: () => {
    tag = tag === each ? "" : each;
    for (const chip of chips.children) chip.setAttribute("aria-pressed", String(chip.dataset.tag === tag));
    show();
  } } }, each)));
  const rows = table({
    caption: t("page.archive"), empty: queries.length === 0 ? t("archive.none") : t("table.empty"), open: row => location.assign(address(row.number)),
    columns: [
      { label: t("archive.field.number"), class: "short", cell: row => h("a", { href: address(row.number) }, row.number), sort: row => row.number },
      { label: t("archive.field.title"), cell: row => [h("span", null, row.title), h("div", { class: "soft" }, row.description), row.problem ? h("div", { class: "bad" }, row.problem) : null], sort: row => row.title },
      { label: t("archive.field.tags"), cell: row => row.tags.map(each => h("span", { class: "chip" }, each)), sort: row => row.tags.join(" ") },
      { label: t("archive.field.owner"), class: "short", cell: row => row.owner, sort: row => row.owner },
      { label: t("archive.version"), number: true, cell: row => count(row.version), sort: row => row.version },
      { label: t("archive.saved_at"), number: true, class: "short", cell: row => ago(row.saved_at), sort: row => row.saved_at },
    ],
  });
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    rows.show(queries.filter(row => (tag === "" || row.tags.includes(tag))
      && `${row.number} ${row.title} ${row.description} ${row.owner} ${row.tags.join(" ")}`.toLowerCase().includes(wanted)));
  };
  fill(content, h("div", { class: "bar" }, search, chips, h("span", { class: "rest" },
    maySave ? h("a", { class: "button", href: "/console/ask" }, t("archive.new")) : null)), block(t("page.archive"), { flush: true }, rows));
  show();
  search.focus();
}

async function one() {
  const query = await get(archivePath(number));
  document.querySelector("h1").textContent = query.title;
  document.title = `${query.title} · Naru`;
  document.querySelector(".lead").textContent = query.description;
  const body = h("div");
  const tabs = ["answer", "text", "versions", ...(query.may_change ? ["edit"] : [])];
  const heads = h("div", { class: "tabs", role: "tablist" }, tabs.map(tab => h("button", {
    type: "button", role: "tab", "data-tab": tab, on: { click: () => { history.replaceState(null, "", `#${tab}`); show(tab); } },
  }, t(`archive.tab.${tab}`))));
  const show = tab => {
    for (const head of heads.children) head.setAttribute("aria-selected", String(head.dataset.tab === tab));
    fill(body, h("p", { class: "waiting" }, t("frame.waiting")));
    guard(body, async () => ({ answer, text, versions, edit })[tab](body, query));
  };
  fill(content, query.problem ? h("p", { class: "problem" }, query.problem) : null, facts(query), heads, body);
  show(tabs.includes(location.hash.slice(1)) ? location.hash.slice(1) : "answer");
}

function facts(query) {
  const place = `/archive/${encodeURIComponent(query.number)}`;
  return h("div", { class: "bar facts" }, h("b", { "data-number": true }, query.number),
    query.tracker ? h("a", { href: `${place}/ticket`, target: "_blank", rel: "noopener" }, t("archive.ticket")) : null,
    query.owner ? h("span", null, `${t("archive.field.owner")}: `, h("b", null, query.owner)) : null,
    query.tags.map(tag => h("span", { class: "chip" }, tag)),
    h("span", { class: "soft" }, t("archive.version.of", query.version, query.saved_by, time(query.saved_at))),
    h("span", { class: "rest" }, h("a", { href: `/console/ask#saved=${encodeURIComponent(query.number)}` }, t("archive.ask"))));
}

function answer(body, query) {
  const values = {};
  const place = h("div", { "data-result": true });
  const fields = h("div", { class: "bar fields" });
  const button = h("button", { type: "button", class: "main", on: { click: () => run() } }, t("ask.run"), " ", h("kbd", null, "Ctrl+⏎"));
  const stop = h("button", { type: "button", class: "danger", disabled: true, on: { click: () => running?.abort() } }, t("ask.stop"));
  const files = h("select", { "aria-label": t("ask.download"), on: { change: () => {
    const statement = fillIn();
    const format = files.value;
    files.value = "";
    if (statement !== null) guard(place, () => download(statement, format));
  } } }, h("option", { value: "" }, t("ask.download")), fileFormats.map(([value, name]) => h("option", { value }, name)));
  let running = null;
  let taken = null;
  fill(body, fields, h("div", { class: "bar" }, button, stop, h("span", { class: "rest" }, files)), place);
  showFields(fields, parametersOf(query.text), values, () => run());
  document.onkeydown = event => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) run();
    else if (event.key === "Escape") running?.abort();
  };

  function fillIn() {
    try {
      return substitute(query.text, values).sql;
    } catch (problemOfValue) {
      if (!problemOfValue.parameter) throw problemOfValue;
      fill(place, problem(fault(problemOfValue, fields)));
      return null;
    }
  }

  async function run() {
    const statement = running === null ? fillIn() : null;
    if (statement === null) return;
    running = new AbortController();
    button.disabled = true;
    stop.disabled = false;
    place.classList.add("stale");
    try {
      const rows = await sql(statement, { rowsMax, signal: running.signal });
      taken?.();
      const drawing = h("div", { class: "body" });
      fill(place, block(query.title, {
        sql: statement,
        rest: [h("span", { class: "soft" }, t("ask.rows", count(rows.row_count))), rows.truncated ? h("span", { class: "warn" }, t("ask.truncated", count(rowsMax))) : null,
          h("span", { class: "soft" }, t("ask.took", duration(rows.elapsed_ms)))],
      }, drawing));
      taken = drawView(drawing, rows, query.chart);
      if (query.chart && query.chart.kind !== "table") drawView(place.appendChild(h("section", { class: "block" })), rows, null);
    } catch (error) {
      fill(place, error.name === "AbortError" ? h("p", { class: "note" }, t("ask.stopped")) : problem(error));
    } finally {
      place.classList.remove("stale");
      running = null;
      button.disabled = false;
      stop.disabled = true;
    }
  }
}

function text(body, query) {
  fill(body, h("pre", { "data-text": true }, query.text), h("p", null, h("a", { href: askAddress(query.text) }, t("archive.ask"))), link(query.number));
}

async function versions(body, query) {
  const { versions: all } = await get(`${archivePath(query.number)}/versions`);
  fill(body, all.map((version, index) => block(t("archive.version.of", version.version, version.saved_by, time(version.saved_at)), {},
    version.text === null ? h("p", { class: "faint" }, t("archive.version.hidden"))
      : all[index + 1]?.text ? differenceView(all[index + 1].text, version.text) : h("pre", null, version.text))));
}

function edit(body, query) {
  const place = h("div", { class: "editor" });
  const verdict = h("div", { role: "status" });
  const save = h("button", { type: "button", class: "main", disabled: true, on: { click: () => guard(verdict, put) } }, t("archive.save"));
  const remove = h("button", { type: "button", class: "danger", on: { click: () => guard(verdict, take) } }, t("archive.remove"));
  let waiting = 0;
  let sure = false;
  fill(body, h("p", { class: "soft" }, t("archive.edit.intro", `queries/${query.number}.sql`)), h("section", { class: "block" }, place),
    h("div", { class: "bar" }, save, h("span", { class: "rest" }, remove)), verdict);
  const pane = editor(place, {
    mode: "sql", text: query.text, label: t("archive.tab.edit"), linesMax: 32, changed: () => {
      save.disabled = true;
      clearTimeout(waiting);
      waiting = setTimeout(() => guard(verdict, check), 400);
    },
  });

  async function check() {
    const now = pane.text;
    const { mistakes } = await (await request(`${archivePath(query.number)}/check`, {
      method: "POST", body: new Blob([now]), headers: { "Content-Type": "application/sql" },
    })).json();
    if (now !== pane.text) return;
    pane.mark(mistakes, { move: false });
    save.disabled = now === query.text || mistakes.length > 0;
    fill(verdict, mistakes.map(mistake => h("p", { class: "problem" }, h("b", null, mistake.line > 0 ? `${mistake.line}:${mistake.column} ` : ""), mistake.message,
      mistake.hint ? h("span", { class: "hint" }, mistake.hint) : null)), mistakes.length === 0 && now !== query.text ? differenceView(query.text, now) : null);
  }

  async function put() {
    const now = pane.text;
    Object.assign(query, await putQuery(query.number, now, query.sha256));
    save.disabled = true;
    document.querySelector("h1").textContent = headerOf(now).title ?? query.number;
    fill(verdict, h("p", { class: "done" }, t("archive.saved", query.number, query.version)));
  }

  /** The second press of the button takes it away. */
  async function take() {
    if (!sure) {
      sure = true;
      fill(remove, t("archive.remove.sure"));
      return;
    }
    await request(archivePath(query.number), { method: "DELETE", headers: { "If-Match": `"${query.sha256}"` } });
    location.assign("/console/archive");
  }
}

await guard(content, () => (number === "" ? list() : one()));
