/** Marks of changes in Plotly's view: a line a group and a head at the top that tells on hover who, what, why and when. */

import { headOf, headWidth, joinMarks, linesOf } from "../marks.js";

const WIDER = 1.4; // than in a tile: Plotly's heads are padded

/**
 * @param {{marks: object[], along: object, name: string, colour?: string}[]} runs whose changes are drawn; where there are several, `name`
 *   is said and `colour` is that of the run's line: an author's would look like that of another run.
 * @param {object} theme
 * @param {{range: ?[any, any], extent: any[], width: number, log: boolean}} sight what is in sight along x (all, if none), the ends of
 *   the curves, and on how many pixels.
 * @returns {{shapes: object[], annotations: object[]}} both empty where nobody changed anything.
 */
export function changesOf(runs, theme, { range, extent, width, log }) {
  const several = runs.length > 1;
  const placed = runs.flatMap(({ marks, along, name, colour }) =>
    marks.map((mark) => ({
      ...mark,
      author: mark.author ?? "",
      text: several ? `${name}: ${mark.text}` : mark.text,
      run: several && { name, colour },
      x: along.place(mark.step, mark.time),
    })),
  );
  if (!placed.length) return { shapes: [], annotations: [] };
  const number = (x) => (x instanceof Date ? x.getTime() : typeof x === "string" ? new Date(x).getTime() : log ? Math.log10(x) : x);
  // Plotly gives a logarithmic range as powers already.
  const ends = range ? range.map(log ? Number : number) : extent.map(number).filter(Number.isFinite);
  const [low, high] = [Math.min(...ends), Math.max(...ends)];
  const unit = ((high - low || 1) / Math.max(100, width)) * WIDER;
  const groups = joinMarks(placed, (mark) => number(mark.x), low, high, unit);
  const heads = groups.map((group) => ({ ...headOf(group, theme), ...(several && { colour: colourOfRuns(group, theme) }) }));
  const at = groups.map(({ marks }) => marks[0].x);
  const shape = (more) => ({ yref: "paper", y0: 0, y1: 1, layer: "below", ...more });
  const line = (x, colour) => shape({ type: "line", x0: x, x1: x, line: { color: colour, width: 1 }, opacity: 0.7 });
  const shapes = at.flatMap((x, i) => {
    const [colour, last] = [heads[i].colour, groups[i].marks.at(-1).x];
    if (groups[i].end === groups[i].x) return [line(x, colour)];
    const between = shape({ type: "rect", x0: x, x1: last, fillcolor: colour, line: { width: 0 }, opacity: 0.12 });
    return [between, line(x, colour), line(last, colour)]; // from the first of them to the last
  });
  // Words that hang from the frame: unlike points they do not widen what is in sight.
  // What would hang over the right edge, where it was cut, stands on the other side of its line.
  const side = (group) => (high - group.x < headWidth(group) * unit ? "right" : "left");
  const annotations = at.map((x, i) => ({
    x: log ? Math.log10(x) : x, y: 1, yref: "paper", xanchor: side(groups[i]), yanchor: "top", showarrow: false, text: heads[i].text, captureevents: true,
    font: { size: 10, color: theme.text }, bgcolor: theme.surface, bordercolor: heads[i].colour, borderpad: 2,
    hovertext: wordsOf(groups[i]), hoverlabel: { bgcolor: theme.raised, bordercolor: heads[i].colour, font: { color: theme.text, family: theme.font } },
  }));
  return { shapes, annotations };
}

function colourOfRuns({ marks: [first, ...others] }, theme) {
  return others.every(({ run }) => run.name === first.run.name) ? first.run.colour : theme.muted;
}

function wordsOf(group) {
  const { told, band, more } = linesOf(group);
  const runs = [...new Set(group.marks.map(({ run }) => run && `<b>${escaped(run.name)}</b>`).filter(Boolean))].join(", ");
  const lines = told.map(({ sign, kind, author, text, when, why }) => `<b>${sign}</b> ${kind ? `${kind}: ` : ""}${escaped(text)}${why ? ` <i>“${escaped(why)}”</i>` : ""} (${escaped(author)}, ${when})`);
  return [runs, band, more, ...lines].filter(Boolean).join("<br>");
}

/** What people wrote is words, not tags. */
function escaped(text) {
  return text.replaceAll("&", "&amp;").replaceAll("<", "&lt;");
}
