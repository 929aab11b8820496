// What is made from what, drawn from left to right. Each table is a link, so keys reach them in reading order.

import { svg } from "./dom.js";
import { count, named, t } from "./words.js";

const [wide, high, gapX, gapY] = [196, 46, 52, 12];

/** How a state is shown besides its colour. */
export const marks = { done: "✓", running: "▸", stale: "↻", missing: "○", waiting: "…", failed: "✕" };

const worstFirst = ["failed", "stale", "running", "missing", "waiting", "done"];

/** The state that matters most of those that a thing has; null where it has none. */
export const worst = counts => (counts ? worstFirst.find(state => counts[state] > 0) ?? null : null);

const pages = { log: "logs", aggregate: "aggregates", model: "models", export: "exports" };

/** Where a table is shown; null where no page shows it. */
export const addressOf = node => (pages[node.kind]
  ? `/console/${pages[node.kind]}/${encodeURIComponent(node.kind === "log" ? node.name : node.name.slice(node.name.search(/[./]/) + 1))}` : null);

const told = node => (node.intervals
  ? worstFirst.filter(state => node.intervals[state] > 0).map(state => `${marks[state]} ${count(node.intervals[state])}`).join(" · ") : "");

/** lineageGraph({nodes, edges}, chosen): a drawing; `chosen` is the name of the table that stands out. */
export function lineageGraph({ nodes, edges }, chosen) {
  const layers = layersOf(nodes, edges);
  const places = new Map();
  layers.forEach((layer, x) => layer.forEach((node, y) =>
    places.set(node.name, { x: x * (wide + gapX) + 1, y: y * (high + gapY) + 1 })));
  const width = layers.length * (wide + gapX) - gapX + 2;
  const height = Math.max(...layers.map(layer => layer.length)) * (high + gapY) - gapY + 2;
  const lines = edges.filter(edge => places.has(edge.from) && places.has(edge.to)).map(edge => {
    const [from, to] = [places.get(edge.from), places.get(edge.to)];
    const [x1, y1, x2, y2] = [from.x + wide, from.y + high / 2, to.x, to.y + high / 2];
    return svg("path", { class: edge.from === chosen || edge.to === chosen ? "near" : null, d: `M${x1},${y1} C${x1 + gapX / 2},${y1} ${x2 - gapX / 2},${y2} ${x2},${y2}` });
  });
  return svg("svg", { class: "lineage", width, height, viewBox: `0 0 ${width} ${height}`, role: "group", "aria-label": t("models.graph") },
    lines, layers.flat().map(node => box(node, places.get(node.name), node.name === chosen)));
}

function box(node, { x, y }, isChosen) {
  const state = worst(node.intervals);
  const label = [node.name, named("models.kind", node.kind), state ? `${named("models.state", state)}: ${told(node)}` : ""].filter(Boolean).join(", ");
  const drawn = [
    svg("title", null, [label, node.description].filter(Boolean).join("\n")),
    svg("rect", { x, y, width: wide, height: high, rx: 6 }),
    svg("text", { class: "name", x: x + 10, y: y + 19 }, shortened(node.name, 27)),
    svg("text", { class: "state", x: x + 10, y: y + 36 }, [named("models.kind", node.kind), told(node)].filter(Boolean).join(" · ")),
  ];
  const kind = { class: isChosen ? "node chosen" : "node", "data-state": state, "aria-label": label };
  const address = addressOf(node);
  return address ? svg("a", { ...kind, href: address }, drawn) : svg("g", { ...kind, tabindex: "0", role: "img" }, drawn);
}

const shortened = (text, most) => (text.length > most ? `${text.slice(0, most - 1)}…` : text);

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
