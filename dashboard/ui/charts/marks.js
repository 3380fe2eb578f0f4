/**
 * Marks of what somebody changed: thin vertical lines with a small head that bears the sign of its kind. Marks whose heads
 * would lie over each other are joined to one that says how many.
 */

import { formatCount, formatTime } from "../numbers.js";
import { KINDS } from "./mark-kinds.js";

const [HEAD, DIGIT, GAP] = [12, 4, 1]; // CSS pixels: a head with one sign, what each more takes, and between two heads
const TOLD = 4; // changes that a joined mark spells out
const KNOWN = { person: 0, policy: 1, script: 2, lease: 3, session: 4 };
const SHARED = [3, 5, 6]; // colours for everybody else

/**
 * The colour of an author, always the same.
 *
 * @param {string} author
 * @returns {number} its place in the theme's series.
 */
export function colourOf(author) {
  if (author in KNOWN) return KNOWN[author];
  let sum = 0;
  for (const sign of author) sum = (sum * 31 + sign.codePointAt(0)) >>> 0;
  return SHARED[sum % SHARED.length];
}

/** What stands in a head: the sign of one change, how many there are of several. */
function textOf(marks) {
  if (marks.length === 1) return KINDS[marks[0].kind ?? "other"][0];
  return marks.length > 99 ? "99+" : String(marks.length);
}

/** How wide a head is, in CSS pixels. */
export function headWidth({ marks }) {
  return HEAD + (textOf(marks).length - 1) * DIGIT;
}

/**
 * Joins marks whose heads would lie over each other, and no others.
 *
 * @param {object[]} marks in the order of their steps.
 * @param {(mark: object) => number} toPixel where each is, in CSS pixels or any other unit.
 * @param {number} low the left edge; what is outside is left out.
 * @param {number} high the right edge.
 * @param {number} [unit] a CSS pixel in that unit.
 * @returns {{x: number, end: number, marks: object[]}[]} from left to right; `x` is the first one's place.
 */
export function joinMarks(marks, toPixel, low, high, unit = 1) {
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
  const room = (group) => (headWidth(group) + GAP) * unit;
  for (const { x, mark } of seen) {
    const last = groups.at(-1);
    if (last && x - last.x < room(last)) {
      last.marks.push(mark);
      last.end = x;
    } else groups.push({ x, end: x, marks: [mark] });
  }
  // The heads at the right edge stand a little to the left of their lines, so as to stay inside.
  for (let [before, last] = groups.slice(-2); last; [before, last] = groups.slice(-2)) {
    if (high - headWidth(last) * unit - before.x >= room(before)) break;
    groups.pop();
    before.marks.push(...last.marks);
    before.end = last.end;
  }
  return groups;
}

/**
 * What stands in a head, and the colour of it: that of the author, where there is one.
 *
 * @param {{marks: object[]}} group
 * @param {{series: string[], muted: string}} theme
 */
export function headOf({ marks }, theme) {
  const [first, ...others] = marks.map(({ author }) => author ?? "");
  const same = others.every((author) => author === first);
  return { colour: same ? theme.series[colourOf(first) % theme.series.length] : theme.muted, text: textOf(marks) };
}

/**
 * What kind, who, what, why and when, one line a change; the last ones where there are many. What the text says already, its
 * kind or its reason, is left empty.
 */
export function linesOf({ marks }) {
  const told = marks.slice(-TOLD).map(({ kind = "other", text = "", reason = "", ...mark }) => ({
    sign: KINDS[kind][0],
    kind: text === KINDS[kind][1] ? "" : KINDS[kind][1],
    author: mark.who ?? mark.author ?? "",
    text,
    when: `step ${formatCount(mark.step)}${mark.time ? ` · ${formatTime(mark.time)}` : ""}`,
    why: text.includes(reason) ? "" : reason,
  }));
  const more = marks.length - told.length;
  const steps = marks.map(({ step }) => step);
  const [first, last] = [Math.min(...steps), Math.max(...steps)];
  // Side by side they are one mark, with a pale band from the first of them to the last: it is no state of the run.
  const band = marks.length > 1 && first < last ? `${marks.length} changes: the band is from step ${formatCount(first)} to ${formatCount(last)}` : "";
  return { told, band, more: more > 0 ? `and ${more} before: see the journal` : "" };
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

const EDGE = 0.5; // CSS pixels that a head keeps from the box's edges: half of its own border is outside it

/** The heads, to be painted over the series. */
export function paintMarkHeads(context, groups, theme, box, ratio) {
  if (!groups.length) return;
  const height = HEAD * ratio;
  context.font = `600 ${9 * ratio}px ${theme.font}`;
  context.textAlign = "center";
  context.textBaseline = "middle";
  for (const group of groups) {
    const { colour, text } = headOf(group, theme);
    const wide = headWidth(group) * ratio;
    const left = box.left + ratio * headLeft(group, wide / ratio, box.width / ratio - EDGE);
    context.beginPath();
    context.roundRect(left, box.top + EDGE * ratio, wide, height, group.marks.length > 1 ? height / 2 : 3 * ratio);
    context.fillStyle = theme.surface;
    context.fill();
    context.strokeStyle = colour;
    context.lineWidth = ratio;
    context.stroke();
    context.fillStyle = theme.text;
    context.fillText(text, left + wide / 2, box.top + EDGE * ratio + height / 2 + 0.5 * ratio);
  }
}
