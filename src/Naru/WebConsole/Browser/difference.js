// Two texts beside each other by lines: what went, what came, what stayed.

import { h } from "./dom.js";

/** [{kind: "same" | "gone" | "new", text}]: the longest common lines stay. Texts of definitions are short. */
export function differences(before, after) {
  const [old, next] = [before.replace(/\n$/, "").split("\n"), after.replace(/\n$/, "").split("\n")];
  const longest = Array.from({ length: old.length + 1 }, () => new Uint16Array(next.length + 1));
  for (let i = old.length - 1; i >= 0; i--) {
    for (let j = next.length - 1; j >= 0; j--) {
      longest[i][j] = old[i] === next[j] ? longest[i + 1][j + 1] + 1 : Math.max(longest[i + 1][j], longest[i][j + 1]);
    }
  }
  const lines = [];
  let [i, j] = [0, 0];
  while (i < old.length || j < next.length) {
    if (i < old.length && j < next.length && old[i] === next[j]) {
      lines.push({ kind: "same", text: old[i] });
      i++;
      j++;
    } else if (i < old.length && (j >= next.length || longest[i + 1][j] >= longest[i][j + 1])) {
      lines.push({ kind: "gone", text: old[i++] });
    } else {
      lines.push({ kind: "new", text: next[j++] });
    }
  }
  return lines;
}

/** Changed lines with three of what stands around them. */
export function differenceView(before, after) {
  const lines = differences(before, after);
  const near = index => lines.slice(Math.max(0, index - 3), index + 4).some(line => line.kind !== "same");
  let left = false;
  return h("pre", { class: "difference" }, lines.map((line, index) => {
    if (!near(index)) {
      const first = !left;
      left = true;
      return first ? h("span", { class: "left" }, "⋯\n") : null;
    }
    left = false;
    return h("span", { class: line.kind }, { same: "  ", gone: "− ", new: "+ " }[line.kind], line.text, "\n");
  }));
}
