// Small drawings without a library.

import { h, svg } from "./dom.js";

/** A line of values, oldest first; the area below it is shaded. */
export function spark(values, label) {
  const [width, height] = [150, 24];
  const most = Math.max(1, ...values);
  const step = width / Math.max(1, values.length - 1);
  const points = values.map((value, index) =>
    `${(index * step).toFixed(1)},${(height - 1 - (value / most) * (height - 3)).toFixed(1)}`);
  return svg("svg", { class: "spark", viewBox: `0 0 ${width} ${height}`, role: "img", "aria-label": label },
    svg("title", null, label),
    svg("path", { class: "area", d: `M0,${height} L${points.join(" L")} L${width},${height} Z` }),
    svg("path", { d: `M${points.join(" L")}` }));
}

/** How much of a whole is used. */
export function meter(share, label) {
  return h("span", { class: "meter", role: "img", "aria-label": label },
    h("i", { css: { width: `${Math.round(Math.min(1, Math.max(0, share)) * 100)}%` } }));
}
