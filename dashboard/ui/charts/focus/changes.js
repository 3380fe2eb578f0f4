/** Marks of changes in Plotly's view: a line a group and a head at the top that tells on hover who, what, why and when. */

import { headOf, joinMarks, linesOf } from "../marks.js";

const HEAD = 18; // CSS pixels a head takes along x
const TOP = 0.985; // where heads stand, as a part of the chart's height

/**
 * @param {{marks: object[], along: object, name: string}[]} runs whose changes are drawn; `name` is said where there are several.
 * @param {object} theme
 * @param {{range: ?[any, any], width: number, log: boolean}} sight what is in sight along x (all, if none), on how many pixels.
 * @returns {{traces: object[], shapes: object[]}} both empty where nobody changed anything.
 */
export function changeTraces(runs, theme, { range, width, log }) {
  const placed = runs.flatMap(({ marks, along, name }) =>
    marks.map((mark) => ({ ...mark, author: mark.author ?? "", text: runs.length > 1 ? `${name}: ${mark.text}` : mark.text, x: along.place(mark.step, mark.time) })),
  );
  if (!placed.length) return { traces: [], shapes: [] };
  const number = (x) => (x instanceof Date ? x.getTime() : typeof x === "string" ? new Date(x).getTime() : log ? Math.log10(x) : x);
  placed.sort((one, other) => number(one.x) - number(other.x));
  // Plotly gives a logarithmic range as powers already.
  const bounds = range ? (log ? range.map(Number) : range.map(number)) : null;
  const [low, high] = bounds ?? [number(placed[0].x), number(placed.at(-1).x)];
  const near = ((high - low || 1) / Math.max(100, width)) * HEAD;
  const groups = joinMarks(placed, (mark) => number(mark.x), bounds ? low : -Infinity, bounds ? high : Infinity, near);
  const heads = groups.map((group) => headOf(group, theme));
  const at = groups.map(({ marks }) => marks[0].x);
  const shapes = at.map((x, i) => ({
    type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: heads[i].colour, width: 1 }, opacity: 0.7, layer: "below",
  }));
  const trace = {
    x: at,
    y: at.map(() => TOP),
    yaxis: "y2",
    mode: "markers+text",
    marker: { symbol: "square", size: 15, color: theme.surface, line: { width: 1, color: heads.map(({ colour }) => colour) } },
    text: heads.map(({ text }) => text),
    textfont: { size: 10, color: theme.text },
    hovertext: groups.map(wordsOf),
    hovertemplate: "%{hovertext}<extra></extra>",
    name: "changes",
    showlegend: false,
    cliponaxis: false,
  };
  return { traces: [trace], shapes };
}

function wordsOf(group) {
  const { told, more } = linesOf(group);
  const lines = told.map(({ letter, author, text, when, why }) => `<b>${letter}</b> ${escaped(text)}${why ? ` <i>“${escaped(why)}”</i>` : ""} (${escaped(author)}, ${when})`);
  return [...(more ? [more] : []), ...lines].join("<br>");
}

/** What people wrote is words, not tags. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
