// Saving a statement to the archive: its header is asked for, its text stays.

import { h, fill } from "./dom.js";
import { dialog, problem } from "./frame.js";
import { get, request } from "./ask-server.js";
import { t } from "./words.js";

const reader = document.documentElement.dataset.reader;
const asked = ["title", "description", "owner", "tags"];

export const archivePath = number => `/v1/archive/${encodeURIComponent(number)}`;

/** The settings in a text's header: {title, description, owner, tags, …}. */
export function headerOf(text) {
  const found = {};
  for (const line of headerLines(text)) {
    const [, key, value] = /^\s*--+\s*([A-Za-z_-]+):(?:[ \t]+(.*?))?\s*$/.exec(line) ?? [];
    if (key) found[key] ??= value ?? "";
  }
  return found;
}

function headerLines(text) {
  const lines = text.split("\n");
  const end = lines.findIndex(line => line.trim() !== "" && !line.trimStart().startsWith("--"));
  return end < 0 ? lines : lines.slice(0, end);
}

/** A text whose header says this of what is asked for; the rest of it stays. */
export function withHeader(text, values) {
  const header = headerLines(text);
  const rest = text.split("\n").slice(header.length);
  const kept = header.filter(line => !new RegExp(`^\\s*--+\\s*(${asked.join("|")}):`).test(line));
  const said = asked.filter(key => values[key]?.trim()).map(key => `-- ${key}: ${values[key].replace(/\s+/g, " ").trim()}`);
  return `${[...said, ...kept, ...rest].join("\n").trimEnd()}\n`;
}

/** Puts a text; `seen` is the hash that was read, or null for a new one. Gives what is there now. */
export const putQuery = async (number, text, seen) => (await request(archivePath(number), {
  method: "PUT", body: new Blob([text]),
  headers: { "Content-Type": "application/sql", ...(seen === null ? { "If-None-Match": "*" } : { "If-Match": `"${seen}"` }) },
})).json();

/** Asks for number and header, and saves. `opened` is {number, sha256} of what the text was opened from, or null. */
export function saveDialog(text, opened, saved) {
  const header = headerOf(text);
  const said = h("div", { role: "status" });
  const fields = {
    number: h("input", { name: "number", value: opened?.number ?? "", required: true, size: "24", placeholder: "DATA-1042", pattern: "[A-Za-z0-9][A-Za-z0-9_\\-]*" }),
    title: h("input", { name: "title", value: header.title ?? "", required: true, size: "44" }),
    description: h("input", { name: "description", value: header.description ?? "", size: "44" }),
    owner: h("input", { name: "owner", value: header.owner ?? reader, size: "24" }),
    tags: h("input", { name: "tags", value: header.tags ?? "", size: "24" }),
  };
  const button = h("button", { class: "main" }, t("archive.save"));
  const form = h("form", { class: "sheet", on: { submit: event => {
    event.preventDefault();
    save();
  } } }, Object.entries(fields).map(([key, field]) => h("label", null, h("span", null, t(`archive.field.${key}`)), field)),
  h("p", { class: "soft" }, t("archive.field.hint")), h("p", null, button), said);
  const box = dialog(t("archive.save.title"), form);
  (opened ? fields.title : fields.number).focus();

  async function save() {
    button.disabled = true;
    const number = fields.number.value.trim();
    const whole = withHeader(text, Object.fromEntries(asked.map(key => [key, fields[key].value])));
    try {
      const now = await putQuery(number, whole, opened?.number === number ? opened.sha256 : null);
      saved({ number, sha256: now.sha256 }, whole);
      fill(box.querySelector("form.sheet"), h("p", { class: "done" }, t("archive.saved", number, now.version)),
        h("p", null, h("a", { href: `/console/archive/${encodeURIComponent(number)}` }, now.title)), link(number));
    } catch (error) {
      button.disabled = false;
      fill(said, problem(error), error.status === 412 && opened?.number !== number
        ? h("p", null, h("button", { type: "button", on: { click: () => replace(number) } }, t("archive.replace", number))) : null);
    }
  }

  /** The number is taken: whoever says so puts this in its place. */
  async function replace(number) {
    try {
      opened = { number, sha256: (await get(archivePath(number))).sha256 };
      await save();
    } catch (error) {
      fill(said, problem(error));
    }
  }
}

/** The link to paste into the ticket. */
export function link(number) {
  const address = `${location.origin}/archive/${encodeURIComponent(number)}`;
  const said = h("span", { class: "soft", role: "status" });
  return h("p", null, h("label", null, t("archive.link"), " ", h("input", { value: address, size: "44", readonly: true })), " ",
    h("button", { type: "button", on: { click: async () => {
      await navigator.clipboard.writeText(address);
      fill(said, t("archive.copied"));
    } } }, t("archive.copy")), " ", said);
}
