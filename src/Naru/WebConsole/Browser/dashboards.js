// Dashboards: answers of saved queries on one page, under fields that they share; and forms with one button.

import { h, fill } from "./dom.js";
import { askAddress, block, content, dialog, guard, problem, prompt, subject } from "./frame.js";
import { get, request, sql } from "./ask-server.js";
import { ago, count, duration, t } from "./words.js";
import { table } from "./table.js";
import { fault, initial, parametersOf, showFields, substitute } from "./parameters.js";
import { drawView } from "./view.js";
import { download, fileFormats } from "./download.js";
import { boardFields, boardText, emptyBoard, tileFields } from "./board-edit.js";

const name = subject();
const rowsMax = 5_000;
const rowHeight = 160;
const address = each => `/console/dashboards/${encodeURIComponent(each)}`;
const route = each => `/v1/dashboards/${encodeURIComponent(each)}`;

async function list() {
  const { dashboards, may_save: maySave } = await get("/v1/dashboards");
  const search = h("input", { type: "search", "data-search": true, placeholder: t("boards.search"), "aria-label": t("boards.search"), size: "40", on: { input: () => show() } });
  const rows = table({
    caption: t("page.dashboards"), empty: dashboards.length === 0 ? t("boards.none") : t("table.empty"), open: row => location.assign(address(row.name)),
    columns: [
      { label: t("archive.field.title"), cell: row => [h("a", { href: address(row.name) }, row.title), row.kind === "form" ? [" ", h("span", { class: "chip" }, t("boards.kind.form"))] : null,
        h("div", { class: "soft" }, row.description), row.problem ? h("div", { class: "bad" }, row.problem) : null], sort: row => row.title },
      { label: t("boards.name"), class: "short", cell: row => row.name, sort: row => row.name },
      { label: t("archive.field.tags"), cell: row => row.tags.map(each => h("span", { class: "chip" }, each)), sort: row => row.tags.join(" ") },
      { label: t("archive.field.owner"), class: "short", cell: row => row.owner, sort: row => row.owner },
      { label: t("archive.saved_at"), number: true, class: "short", cell: row => ago(row.saved_at), sort: row => row.saved_at },
    ],
  });
  const show = () => {
    const wanted = search.value.trim().toLowerCase();
    rows.show(dashboards.filter(row => `${row.name} ${row.title} ${row.description} ${row.owner} ${row.tags.join(" ")}`.toLowerCase().includes(wanted)));
  };
  const make = async () => {
    const made = await prompt(t("boards.new"), { label: t("boards.name"), action: t("boards.new.make"), value: "" });
    if (made !== null && made.trim() !== "") location.assign(`${address(made.trim().toLowerCase().replace(/[^a-z0-9_-]+/g, "-"))}#new`);
  };
  fill(content, h("div", { class: "bar" }, search, h("span", { class: "rest" },
    maySave ? h("button", { type: "button", on: { click: make } }, t("boards.new")) : null)), block(t("page.dashboards"), { flush: true }, rows));
  show();
  search.focus();
}

async function one() {
  const isNew = location.hash === "#new";
  const board = isNew ? emptyBoard(name) : await get(route(name));
  const { queries } = await get("/v1/archive");
  await new BoardPage(board, queries, isNew).show();
}

class BoardPage {
  constructor(board, queries, isNew) {
    this.board = board;
    this.queries = queries;
    this.editing = isNew;
    this.changed = isNew;
    this.values = {};
    for (const [key, value] of new URLSearchParams(location.hash.slice(1))) if (key.startsWith("p.")) this.values[key.slice(2)] = value;
    this.fields = h("div", { class: "bar fields" });
    this.grid = h("div", { class: "board" });
    this.said = h("div", { role: "status" });
    this.turn = 0;
    document.addEventListener("keydown", event => {
      if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) this.run();
    });
  }

  /** Everything anew, from what the board says now. */
  async show() {
    const { board } = this;
    document.querySelector("h1").textContent = board.title;
    document.title = `${board.title} · Naru`;
    document.querySelector(".lead").textContent = board.description;
    const isForm = board.kind === "form";
    this.button = h("button", { type: "button", class: "main", "data-run": true, on: { click: () => this.run() } }, t(isForm ? "boards.show" : "boards.renew"));
    this.renewed = h("span", { class: "soft nowrap", role: "status" });
    fill(content, board.problem ? h("p", { class: "problem" }, board.problem) : null,
      h("div", { class: "board-page" },
        h("div", { class: isForm ? "ask-form" : "bar board-bar" }, this.fields, this.button, this.renewed,
          h("span", { class: "rest" },
            board.refresh && !this.editing ? h("span", { class: "soft" }, t("boards.every", duration(board.refresh * 1000))) : null,
            h("button", { type: "button", on: { click: () => content.firstElementChild.requestFullscreen() } }, t("boards.full")),
            board.may_change && !this.editing ? h("button", { type: "button", "data-edit": true, on: { click: () => this.edit() } }, t("boards.edit")) : null)),
        this.editing ? this.tools() : null, this.said, this.grid));
    for (const each of this.tiles ?? []) each.taken?.();
    this.fields.dataset.shown = "";
    showFields(this.fields, this.parameters(), this.values, () => this.run());
    this.tiles = board.tiles.map((tile, index) => this.tile(tile, index));
    fill(this.grid, this.tiles.map(({ element }) => element));
    if (isForm && !this.editing) this.grid.hidden = true;
    else await this.run({ quiet: true });
  }

  edit() {
    this.editing = true;
    this.show();
  }

  /** The fields on top: those that the board names, then what else its tiles ask for. */
  parameters() {
    const asked = new Map();
    for (const tile of this.board.tiles) {
      for (const parameter of parametersOf(tile.sql ?? "")) {
        const known = asked.get(parameter.name);
        asked.set(parameter.name, known ? { ...known, given: known.given ?? parameter.given } : parameter);
      }
    }
    const named = this.board.parameters.map(({ name: key, type, default: given, label, choices }) => ({
      name: key, type: type ?? asked.get(key)?.type ?? "text", given: given ?? asked.get(key)?.given, label: label ?? undefined,
      choices: choices.length > 0 ? choices : undefined,
    }));
    return [...named, ...[...asked.values()].filter(({ name: key }) => named.every(each => each.name !== key))];
  }

  tile(tile, index) {
    const body = h("div", { class: "body" });
    const note = h("span", { class: "soft" });
    const link = h("a", { href: "#", title: t("frame.sql.hint"), hidden: true }, "SQL");
    const files = h("select", { class: "quiet", "aria-label": `${t("ask.download")}: ${tile.title}`, on: { change: () => this.save(tile, body, files) } },
      h("option", { value: "" }, t("ask.download")), fileFormats.map(([value, label]) => h("option", { value }, label)));
    const act = (word, work) => h("button", { type: "button", class: "link", on: { click: work } }, t(word));
    const heading = tile.title || tile.query_title || (tile.query ?? t("boards.statement"));
    const element = h("section", {
      class: "block tile", "data-tile": index,
      css: { "grid-column": `span ${tile.width}`, "grid-row": `span ${tile.height}` },
    }, h("header", null, h("h2", null, tile.query ? h("a", { href: `/console/archive/${encodeURIComponent(tile.query)}`, title: tile.query }, heading) : heading),
      h("span", { class: "rest" }, note, this.editing ? [
        act("boards.tile.back", () => this.move(index, -1)), act("boards.tile.forth", () => this.move(index, 1)),
        act("boards.tile.edit", () => this.editTile(index)), act("archive.remove", () => this.changedTo(this.board.tiles.toSpliced(index, 1)))] : [link, files])), body);
    return { tile, element, body, note, link, height: tile.height * rowHeight - 64 };
  }

  fillIn(tile, values = this.values) {
    return substitute(tile.sql, values).sql;
  }

  /** Runs every tile; equal statements are asked once. */
  async run({ quiet = false } = {}) {
    clearTimeout(this.timer);
    const turn = ++this.turn;
    this.grid.hidden = false;
    this.button.disabled = true;
    fill(this.said);
    this.remember();
    const asked = new Map();
    try {
      await Promise.all(this.tiles.map(each => this.runTile(each, asked, quiet)));
      fill(this.renewed, new Date().toLocaleTimeString());
    } finally {
      if (turn === this.turn) this.button.disabled = false;
      if (turn === this.turn && this.board.refresh && !this.editing) this.timer = setTimeout(() => this.again(), this.board.refresh * 1000);
    }
  }

  /** Nobody asks for what nobody sees. */
  again() {
    if (document.hidden) document.addEventListener("visibilitychange", () => this.again(), { once: true });
    else this.run({ quiet: true });
  }

  async runTile(each, asked, quiet) {
    const { tile, body, note, link } = each;
    if (tile.problem) {
      fill(body, problem({ message: tile.problem }));
      return;
    }
    let statement;
    try {
      statement = this.fillIn(tile);
    } catch (found) {
      if (!found.parameter) throw found;
      fill(body, h("p", { class: quiet ? "faint" : "problem" }, fault(found, quiet ? document.createDocumentFragment() : this.fields).message));
      return;
    }
    link.setAttribute("href", askAddress(statement));
    link.hidden = false;
    body.classList.add("stale");
    try {
      if (!asked.has(statement)) asked.set(statement, sql(statement, { rowsMax }));
      const answer = await asked.get(statement);
      each.taken?.();
      fill(note, answer.truncated ? t("ask.truncated", count(rowsMax)) : "");
      each.taken = drawView(body, answer, tile.chart ?? tile.query_chart ?? null, { height: each.height });
      tile.columns = answer.columns.map(column => column.name);
    } catch (error) {
      if (!("status" in error)) throw error;
      each.taken?.();
      each.taken = null;
      fill(body, problem(error));
    } finally {
      body.classList.remove("stale");
    }
  }

  save(tile, body, files) {
    const format = files.value;
    files.value = "";
    guard(body, () => download(this.fillIn(tile), format));
  }

  /** Values stand in the address, behind the #: a link opens the same. */
  remember() {
    const parts = this.parameters().filter(parameter => this.values[parameter.name] !== initial(parameter) && this.values[parameter.name] !== undefined)
      .map(({ name: key }) => `p.${key}=${encodeURIComponent(this.values[key])}`);
    if (!this.editing) history.replaceState(null, "", parts.length > 0 ? `#${parts.join("&")}` : location.pathname);
  }

  tools() {
    const { board } = this;
    const save = h("button", { type: "button", class: "main", "data-save": true, disabled: !this.changed, on: { click: () => guard(this.said, () => this.put()) } }, t("archive.save"));
    return h("div", { class: "bar tools" },
      h("button", { type: "button", "data-add": true, on: { click: () => this.editTile(board.tiles.length) } }, t("boards.tile.add")),
      h("button", { type: "button", "data-settings": true, on: { click: () => this.editBoard() } }, t("boards.settings")),
      save, h("button", { type: "button", on: { click: () => location.assign(board.sha256 ? address(board.name) : "/console/dashboards") } }, t("frame.cancel")),
      h("span", { class: "rest soft" }, t("boards.file", `dashboards/${board.name}.yaml`),
        board.sha256 ? h("button", { type: "button", class: "danger", on: { click: event => guard(this.said, () => this.remove(event.target)) } }, t("archive.remove")) : null));
  }

  changedTo(tiles) {
    this.board.tiles = tiles;
    this.changed = true;
    this.show();
  }

  move(index, by) {
    const tiles = [...this.board.tiles];
    const [tile] = tiles.splice(index, 1);
    tiles.splice(Math.max(0, Math.min(tiles.length, index + by)), 0, tile);
    this.changedTo(tiles);
  }

  editTile(index) {
    const form = tileFields(this.board.tiles[index] ?? {}, this.queries);
    const box = dialog(t(index < this.board.tiles.length ? "boards.tile.edit" : "boards.tile.add"), h("form", { class: "sheet", on: { submit: event => {
      event.preventDefault();
      guard(form.said, async () => {
        const tile = form.read();
        if (tile.query) {
          const query = await get(`/v1/archive/${encodeURIComponent(tile.query)}`);
          Object.assign(tile, { sql: query.text, query_title: query.title, query_chart: query.chart });
        }
        box.close();
        this.changedTo(this.board.tiles.toSpliced(index, 1, tile));
      });
    } } }, form.elements, h("p", null, h("button", { class: "main" }, t("boards.tile.take"))), form.said));
  }

  editBoard() {
    const form = boardFields(this.board);
    const box = dialog(t("boards.settings"), h("form", { class: "sheet", on: { submit: event => {
      event.preventDefault();
      Object.assign(this.board, form.read());
      box.close();
      this.changedTo(this.board.tiles);
    } } }, form.elements, h("p", null, h("button", { class: "main" }, t("boards.tile.take")))));
  }

  async put() {
    const { board } = this;
    await request(route(board.name), {
      method: "PUT", body: new Blob([boardText(board)]),
      headers: { "Content-Type": "application/yaml", ...(board.sha256 ? { "If-Match": `"${board.sha256}"` } : { "If-None-Match": "*" }) },
    });
    this.board = await get(route(board.name));
    this.editing = this.changed = false;
    history.replaceState(null, "", address(board.name));
    await this.show();
    fill(this.said, h("p", { class: "done" }, t("archive.saved", board.name, this.board.version)));
  }

  /** The second press of the button takes it away. */
  async remove(button) {
    if (button.dataset.sure === undefined) {
      button.dataset.sure = "1";
      fill(button, t("archive.remove.sure"));
      return;
    }
    await request(route(this.board.name), { method: "DELETE", headers: { "If-Match": `"${this.board.sha256}"` } });
    location.assign("/console/dashboards");
  }
}

await guard(content, () => (name === "" ? list() : one()));
