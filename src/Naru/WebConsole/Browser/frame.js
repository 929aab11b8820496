// What every page shares: keys, the language, blocks with their SQL, messages.

import { h, fill } from "./dom.js";
import { get, send } from "./ask-server.js";
import { named, t, time } from "./words.js";

export const content = document.getElementById("content");
export const mayAdminister = document.documentElement.dataset.administer === "true";

/** The part of the path after the page's name: "kr_ad.click" of /console/logs/kr_ad.click. */
export function subject() {
  return decodeURIComponent(location.pathname.split("/").slice(3).join("/"));
}

/** Where a statement opens on the page Ask. The fragment never leaves the browser. */
export const askAddress = statement => `/console/ask#sql=${encodeURIComponent(statement)}`;

/** Set by a link of the console, so that Ask runs at once what it opens; what others link to waits for its reader. */
export const runMark = "naru.ask.run";
document.addEventListener("click", event => {
  if (event.target.closest("a[href^='/console/ask#sql=']")) sessionStorage.setItem(runMark, "1");
});

/** A card with a heading; `sql` shows where its rows come from. */
export function block(title, { sql, rest = [], flush = false } = {}, ...children) {
  return h("section", { class: "block" },
    h("header", null, h("h2", null, title),
      h("span", { class: "rest" }, rest, sql ? h("a", { href: askAddress(sql), title: t("frame.sql.hint") }, "SQL") : null)),
    h("div", { class: flush ? "body flush" : "body" }, children));
}

/** A problem as text, with its hint. */
export function problem(error) {
  return h("p", { class: "problem", role: "alert" }, error.message,
    error.hint ? h("span", { class: "hint" }, error.hint) : null);
}

/** Shows what went wrong in a place, instead of what was there. */
export async function guard(place, work) {
  try {
    return await work();
  } catch (error) {
    if (error.name === "AbortError") return undefined;
    if (!("status" in error)) console.error(error);
    fill(place, problem(error));
    return undefined;
  }
}

/** A modal dialog; gives it. Escape and the button close it. */
export function dialog(title, ...children) {
  const element = h("dialog", { on: { close: () => element.remove() } },
    h("h2", null, title), children,
    h("form", { method: "dialog" }, h("button", null, t("frame.close"))));
  document.body.append(element);
  element.showModal();
  return element;
}

/** Asks for one line of text; gives null where it was not given. */
export function prompt(title, { label, action, value = "" }) {
  return new Promise(resolve => {
    const input = h("input", { name: "text", value, size: "44", required: true });
    const element = h("dialog", { on: { close: () => element.remove(), cancel: () => resolve(null) } },
      h("h2", null, title),
      h("form", { method: "dialog", on: { submit: () => resolve(input.value) } },
        h("p", null, h("label", null, label, input)),
        h("button", { class: "main" }, action), " ",
        h("button", { type: "button", on: { click: () => { resolve(null); element.close(); } } }, t("frame.cancel"))));
    document.body.append(element);
    element.showModal();
    input.focus();
  });
}

function help() {
  const pages = [...document.querySelectorAll("nav [data-shortcut]")].map(link => [
    h("dt", null, h("kbd", null, `g ${link.dataset.shortcut}`)), h("dd", null, link.firstElementChild.textContent)]);
  dialog(t("frame.help"), h("dl", null, pages,
    [["/", "help.search"], ["?", "help.help"], ["Ctrl+Enter", "help.run"], ["Esc", "help.stop"]].map(([key, word]) => [
      h("dt", null, h("kbd", null, key)), h("dd", null, t(word))])));
}

/** Who asks, what they may, and the way out. */
async function you() {
  const who = await get("/v1/session");
  const facts = [["you.kind", named("you.kind", who.kind)], ["you.roles", who.roles.join(", ")], ["you.read", who.read.join(", ")],
    ["you.secure", who.secure.join(", ")], ["you.write", who.write.join(", ")], ["you.ruled", who.ruled.join(", ")],
    ["you.administer", who.administer ? t("you.yes") : ""], ["you.ticket", who.ticket], ["you.until", who.until ? time(who.until) : ""],
    ["you.session", who.sessionUntil ? time(who.sessionUntil) : ""]];
  dialog(who.name, h("dl", null, facts.filter(([, value]) => value).map(([key, value]) => [h("dt", { class: "soft" }, t(key)), h("dd", null, value)])),
    document.documentElement.dataset.session === "true" ? h("p", null, h("button", {
      type: "button", class: "danger", on: { click: async () => { await send("DELETE", "/v1/session"); location.assign("/console/live"); } },
    }, t("you.out"))) : null);
}

let going = 0;
document.addEventListener("keydown", event => {
  if (event.ctrlKey || event.metaKey || event.altKey || event.target.closest("input, textarea, select, dialog")
    || event.target.isContentEditable) return;
  if (event.key === "?") {
    event.preventDefault();
    help();
  } else if (event.key === "/") {
    const search = document.querySelector("[data-search]");
    if (search === null) return;
    event.preventDefault();
    search.focus();
  } else if (event.key === "g") {
    going = Date.now();
  } else if (Date.now() - going < 1500) {
    going = 0;
    const link = document.querySelector(`nav [data-shortcut="${CSS.escape(event.key)}"]`);
    if (link !== null) location.assign(link.href);
  }
});
document.querySelector("[data-help]").addEventListener("click", help);
document.querySelector("[data-you]").addEventListener("click", you);
for (const button of document.querySelectorAll("[data-language]")) {
  button.addEventListener("click", () => {
    document.cookie = `naru_language=${button.dataset.language}; path=/; max-age=31536000; samesite=strict`;
    location.reload();
  });
}
