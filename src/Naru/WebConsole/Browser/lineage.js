// What is made from what, drawn from left to right. Each table is a link, so keys reach them in reading order.

import { h, svg } from "./dom.js";
import { marks } from "./states.js";
import { count, named, t } from "./words.js";

const [high, gapX, gapY, pad] = [46, 52, 12, 10];
const [narrowest, widest] = [120, 290];

const worstFirst = ["failed", "stale", "running", "missing", "waiting", "done"];

/** The state that matters most of those that a thing has; null where it has none. */
export const worst = counts => (counts ? worstFirst.find(state => counts[state] > 0) ?? null : null);

const pages = { log: "logs", aggregate: "aggregates", model: "models", source: "models", export: "exports" };

/** Where a table is shown; null where no page shows it. */
export const addressOf = node => (pages[node.kind]
  ? `/console/${pages[node.kind]}/${encodeURIComponent(node.kind === "log" ? node.name : node.name.slice(node.name.search(/[./]/) + 1))}` : null);

/** What is scheduled, and all that it is made from or that is made from it. */
export function scheduled({ nodes, edges }) {
  const reach = (from, to) => {
    const seen = new Set(nodes.filter(node => node.thing !== null).map(node => node.name));
    for (const name of seen) for (const edge of edges) if (edge[from] === name) seen.add(edge[to]);
    return seen;
  };
  const [up, down] = [reach("to", "from"), reach("from", "to")];
  return { nodes: nodes.filter(node => up.has(node.name) || down.has(node.name)), edges };
}

/** lineageGraph({nodes, edges}, chosen): a drawing; `chosen` is the name of the table that stands out. */
export function lineageGraph({ nodes, edges }, chosen) {
  const layers = layersOf(nodes, edges);
  const widths = layers.map(layer => Math.min(widest, Math.max(narrowest, ...layer.map(node =>
    Math.ceil(2 * pad + Math.max(lengthOf(titleOf(node), 12), lengthOf(told(node), 11)))))));
  const lefts = widths.map((_, at) => 1 + widths.slice(0, at).reduce((sum, each) => sum + each + gapX, 0));
  const places = new Map();
  layers.forEach((layer, x) => layer.forEach((node, y) =>
    places.set(node.name, { x: lefts[x], y: y * (high + gapY) + 1, wide: widths[x] })));
  const width = lefts.at(-1) + widths.at(-1) + 1;
  const height = Math.max(...layers.map(layer => layer.length)) * (high + gapY) - gapY + 2;
  const lines = edges.filter(edge => places.has(edge.from) && places.has(edge.to)).map(edge => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    const [x1, y1, x2, y2] = [from.x + from.wide, from.y + high / 2, to.x, to.y + high / 2];
    return svg("path", { class: edge.from === chosen || edge.to === chosen ? "near" : null, d: `M${x1},${y1} C${x1 + gapX / 2},${y1} ${x2 - gapX / 2},${y2} ${x2},${y2}` });
  });
  return svg("svg", { class: "lineage", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("models.graph") },
    lines, layers.flat().map(node => box(node, places.get(node.name), node.name === chosen)));
}

/** As statements call it: without the schema that they need not say. */
const titleOf = node => node.name.replace(/^(mart\.|export\/)/, "");

/** How a thing's intervals stand, behind what it is. */
const told = node => [named("models.kind", node.kind), ...(node.intervals
  ? worstFirst.filter(state => node.intervals[state] > 0).map(state => `${marks[state]} ${count(node.intervals[state])}`) : [])].join(" · ");

const pen = h("canvas").getContext("2d");

function lengthOf(text, size) {
  pen.font = `${size}px ${getComputedStyle(document.body).fontFamily}`;
  return pen.measureText(text).width;
}

function shortened(text, size, most) {
  let end = text.length;
  while (end > 1 && lengthOf(end < text.length ? `${text.slice(0, end)}…` : text, size) > most) end--;
  return end < text.length ? `${text.slice(0, end)}…` : text;
}

function box(node, { x, y, wide }, isChosen) {
  const state = worst(node.intervals);
  const label = [node.name, state ? `${named("state", state)}: ${told(node)}` : told(node)].join(", ");
  const drawn = [
    svg("title", null, [label, node.description].filter(Boolean).join("\n")),
    svg("rect", { x, y, width: wide, height: high, rx: 6 }),
    svg("text", { class: "name", x: x + pad, y: y + 19 }, shortened(titleOf(node), 12, wide - 2 * pad)),
    svg("text", { class: "state", x: x + pad, y: y + 36 }, shortened(told(node), 11, wide - 2 * pad)),
  ];
  const kind = { class: isChosen ? "node chosen" : "node", "data-state": state, "aria-label": label };
  const address = addressOf(node);
  return address ? svg("a", { ...kind, href: address }, drawn) : svg("g", { ...kind, tabindex: "0", role: "img" }, drawn);
}

/** Each table one layer behind the furthest of those that it is made from; near those that it comes from. */
function layersOf(nodes, edges) {
  const inputs = new Map(nodes.map(node => [node.name, []]));
  for (const { from, to } of edges) inputs.get(to)?.push(from);
  const depths = new Map();
  const depth = (name, path) => {
    if (!depths.has(name) && !path.has(name)) {
      const next = new Set(path).add(name);
      depths.set(name, 1 + Math.max(-1, ...(inputs.get(name) ?? []).map(input => depth(input, next) ?? -1)));
    }
    return depths.get(name);
  };
  const layers = [];
  for (const node of nodes) (layers[depth(node.name, new Set())] ??= []).push(node);
  const rank = new Map();
  for (const layer of layers) {
    const wanted = new Map(layer.map((node, index) => {
      const of = inputs.get(node.name).map(input => rank.get(input)).filter(each => each !== undefined);
      return [node.name, of.length > 0 ? of.reduce((sum, each) => sum + each, 0) / of.length : index];
    }));
    layer.sort((one, other) => wanted.get(one.name) - wanted.get(other.name) || one.name.localeCompare(other.name));
    layer.forEach((node, index) => rank.set(node.name, index));
  }
  return layers;
}
