/**
 * Marks of what somebody changed: thin vertical lines with a small head that bears its author's letter. Marks that would
 * stand too near each other to be told apart are joined to one that says how many.
 */

import { formatCount, formatTime } from "../numbers.js";

const NEAR = 22; // CSS pixels: heads with two digits nearer than this would lie over each other
const TOLD = 4; // changes that a joined mark spells out
const KNOWN = { person: ["P", 0], policy: ["ƒ", 1], script: ["S", 2], lease: ["L", 3], session: ["!", 4] };
const SHARED = [3, 5, 6]; // colours for everybody else

/**
 * How an author is drawn: always the same, told apart by letter as well as by colour.
 *
 * @param {string} author
 * @returns {{letter: string, index: number}} `index` of the colour in the theme's series.
 */
export function lookOf(author) {
  if (KNOWN[author]) return { letter: KNOWN[author][0], index: KNOWN[author][1] };
  let sum = 0;
  for (const sign of author) sum = (sum * 31 + sign.codePointAt(0)) >>> 0;
  return { letter: ([...author][0] ?? "?").toUpperCase(), index: SHARED[sum % SHARED.length] };
}

/**
 * Joins marks that are near each other on the screen.
 *
 * @param {object[]} marks in the order of their steps.
 * @param {(mark: object) => number} toPixel where each is, in CSS pixels or any other unit.
 * @param {number} low the left edge; what is outside is left out.
 * @param {number} high the right edge.
 * @param {number} [near] the width that a head takes.
 * @returns {{x: number, end: number, marks: object[]}[]} from left to right; `x` is the first one's place.
 */
export function joinMarks(marks, toPixel, low, high, near = NEAR) {
  const seen = [];
  let ordered = true;
  for (const mark of marks) {
    const x = toPixel(mark);
    if (!(x >= low && x <= high)) continue;
    ordered &&= !(x < seen.at(-1)?.x);
    seen.push({ x, mark });
  }
  // By step they are in order; by time they are not, where a run was taken back.
  if (!ordered) seen.sort((one, other) => one.x - other.x);
  const groups = [];
  for (const { x, mark } of seen) {
    const last = groups.at(-1);
    if (last && x - last.x < near) {
      last.marks.push(mark);
      last.end = x;
    } else groups.push({ x, end: x, marks: [mark] });
  }
  return groups;
}

/**
 * What stands in a head, and the colour of it: a letter for one author, how many for several changes.
 *
 * @param {{marks: object[]}} group
 * @param {{series: string[], muted: string}} theme
 */
export function headOf({ marks }, theme) {
  const looks = marks.map(({ author }) => lookOf(author ?? ""));
  const same = looks.every(({ letter }) => letter === looks[0].letter);
  const colour = same ? theme.series[looks[0].index % theme.series.length] : theme.muted;
  const count = marks.length > 99 ? "99+" : String(marks.length);
  return { colour, text: marks.length === 1 ? looks[0].letter : count };
}

/** Who, what, why and when, one line a change; the last ones where there are many. */
export function linesOf({ marks }) {
  const told = marks.slice(-TOLD).map((mark) => ({
    letter: lookOf(mark.author ?? "").letter,
    author: mark.who ?? mark.author ?? "",
    text: mark.text ?? "",
    when: `step ${formatCount(mark.step)}${mark.time ? ` · ${formatTime(mark.time)}` : ""}`,
    why: mark.reason ?? "",
  }));
  const more = marks.length - told.length;
  return { told, more: more > 0 ? `and ${more} before: see the journal` : "" };
}

/** The group at a place, or nothing: within `reach` of its line. */
export function groupAt(groups, x, reach = 6) {
  let best = null;
  for (const group of groups) {
    const distance = x < group.x ? group.x - x : Math.max(0, x - group.end);
    if (distance <= reach && (!best || distance < best.distance)) best = { distance, group };
  }
  return best?.group ?? null;
}

/** The lines, to be painted before the series. All lengths are device pixels. */
export function paintMarkLines(context, groups, theme, box, ratio) {
  for (const group of groups) {
    const x = Math.round(group.x * ratio + box.left);
    context.fillStyle = headOf(group, theme).colour;
    if (group.end - group.x > 1) {
      // From the first of them to the last, whose line closes it.
      const end = Math.round(group.end * ratio + box.left);
      context.globalAlpha = 0.12;
      context.fillRect(x, box.top, end - x, box.height);
      context.globalAlpha = 0.7;
      context.fillRect(end, box.top, ratio, box.height);
    }
    context.globalAlpha = 0.7;
    context.fillRect(x, box.top, ratio, box.height);
  }
  context.globalAlpha = 1;
}

/**
 * Where a head stands: to the right of its first line, as a flag on a pole, so that nothing seems to begin before its first mark.
 *
 * @param {{x: number}} group
 * @param {number} width of the head, in the unit of `x`.
 * @param {number} high the right edge, over which none hangs.
 * @returns {number} its left edge.
 */
export function headLeft({ x }, width, high) {
  return Math.max(0, Math.min(x, high - width));
}

/** The heads, to be painted over the series. */
export function paintMarkHeads(context, groups, theme, box, ratio) {
  if (!groups.length) return;
  const [half, height] = [6 * ratio, 12 * ratio];
  context.font = `600 ${9 * ratio}px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const group of groups) {
    const { colour, text } = headOf(group, theme);
    const wide = half + Math.max(0, text.length - 1) * 2 * ratio;
    const x = box.left + wide + ratio * headLeft(group, (2 * wide) / ratio, box.width / ratio);
    context.beginPath();
    context.roundRect(x - wide, box.top, 2 * wide, height, group.marks.length > 1 ? half : 3 * ratio);
    context.fillStyle = theme.surface;
    context.fill();
    context.strokeStyle = colour;
    context.lineWidth = ratio;
    context.stroke();
    context.fillStyle = theme.text;
    context.fillText(text, x, box.top + height / 2 + 0.5 * ratio);
  }
}
