// A small chart of a few short curves, drawn once: what a what-if gives. Axes with words, a click picks a point.
import { h } from "../dom.js";
import { linearTicks, logTicks, tickTexts } from "../charts/lines/ticks.js";
import { formatNumber, fromWire } from "../numbers.js";

const WIDTH = 440;
const HEIGHT = 220;
const ROOM = { left: 52, right: 18, top: 20, bottom: 34 };
const WIDE = 30; // a range of losses beyond this is drawn by the logarithm, or its bottom would be a line
const DASHES = ["", "6 3", "2 3"];

/**
 * Where numbers of a range lie in pixels.
 *
 * @param {[number, number]} range
 * @param {[number, number]} pixels
 * @param {boolean} log
 */
export function scaleOf([low, high], [from, to], log) {
  const place = log ? Math.log : (value) => value;
  const [first, last] = [place(low), place(high)];
  const span = last - first || 1;
  return (value) => from + ((place(value) - first) / span) * (to - from);
}

/** The least and the largest finite number of columns, with a little room; `[0, 1]` where there is none. */
export function boundsOf(columns, log = false) {
  const known = columns.flat().filter((value) => Number.isFinite(value) && (!log || value > 0));
  if (!known.length) return log ? [1e-3, 1] : [0, 1];
  const [low, high] = [Math.min(...known), Math.max(...known)];
  if (low < high) return [low, high];
  return log ? [low / 2, high * 2] : [low - Math.abs(low || 1) / 2, high + Math.abs(high || 1) / 2];
}

const RUNAWAY = 20; // times the first value

/**
 * Where a curve runs away: the first value after which nothing comes back below so many times the first one, or its length.
 *
 * @param {number[]} values - as they came over the wire.
 */
export function runsAwayAt(values) {
  const known = values.map(fromWire);
  const first = known.find((value) => Number.isFinite(value) && value > 0);
  if (first === undefined) return known.length;
  const last = known.findLastIndex((value) => Number.isFinite(value) && value <= RUNAWAY * first);
  return last + 1;
}

/** An SVG path through the finite points; it breaks where a value is none. */
export function pathOf(xs, ys, toX, toY) {
  let text = "";
  let open = false;
  xs.forEach((x, i) => {
    const fits = Number.isFinite(ys[i]) && Number.isFinite(toX(x));
    if (fits) text += `${open ? "L" : "M"}${toX(x).toFixed(1)} ${toY(ys[i]).toFixed(1)}`;
    open = fits;
  });
  return text;
}

/**
 * Draws curves.
 *
 * @param {{curves: {label: string, x: number[], y: number[], colour: string}[], xLog?: boolean, xTitle: string, yTitle: string,
 *   pick?: (x: number, y: number) => void}} options - `colour` is a variable of the theme; `pick` is told which point was clicked, or reached
 *   with the arrow keys.
 * @returns {SVGElement}
 */
export function curvesChart({ curves: given, xLog = false, xTitle, yTitle, pick }) {
  const curves = given.map((curve) => ({ ...curve, x: curve.x.map(fromWire), y: curve.y.map(fromWire) }));
  const xs = boundsOf(curves.map(({ x }) => x), xLog);
  const all = boundsOf(curves.map(({ y }) => y));
  const yLog = all[0] > 0 && all[1] / all[0] > WIDE;
  const ys = yLog ? boundsOf(curves.map(({ y }) => y), true) : all;
  const toX = scaleOf(xs, [ROOM.left, WIDTH - ROOM.right], xLog);
  const toY = scaleOf(ys, [HEIGHT - ROOM.bottom, ROOM.top], yLog);
  const words = curves.map(({ label, y }) => `${label} ends at ${formatNumber(y.at(-1))}`).join("; ");
  const svg = h("svg:svg", {
    viewBox: `0 0 ${WIDTH} ${HEIGHT}`,
    class: `bv-curves${pick ? " bv-curves-pick" : ""}`,
    role: "img",
    "aria-label": `${yTitle} over ${xTitle}: ${words}`,
  });
  svg.append(...axes({ xs, ys, toX, toY, xLog, yLog, xTitle, yTitle: yLog ? `${yTitle} (log)` : yTitle }));
  curves.forEach(({ x, y, colour }, i) => {
    svg.append(
      h("svg:path", {
        d: pathOf(x, y, toX, toY),
        fill: "none",
        stroke: `var(--bv-${colour})`,
        "stroke-width": "1.8",
        "stroke-dasharray": DASHES[i % DASHES.length] || null,
      }),
      ...lost(x, y, toX, colour),
    );
  });
  if (pick) makePickable(svg, curves[0], toX, toY, pick);
  return svg;
}

function axes({ xs, ys, toX, toY, xLog, yLog, xTitle, yTitle }) {
  const text = (x, y, anchor, words) => h("svg:text", { x: String(x), y: String(y), "text-anchor": anchor, text: words });
  const ticksX = (xLog ? logTicks : linearTicks)(...xs, 5);
  const ticksY = (yLog ? logTicks : linearTicks)(...ys, 5);
  const bottom = HEIGHT - ROOM.bottom;
  return [
    ...ticksY.map((tick) =>
      h("svg:path", { class: "bv-curves-grid", d: `M${ROOM.left} ${toY(tick)}H${WIDTH - ROOM.right}` }),
    ),
    ...tickTexts(ticksY, yLog).map((words, i) => text(ROOM.left - 6, toY(ticksY[i]) + 4, "end", words)),
    ...tickTexts(ticksX, xLog).map((words, i) => text(toX(ticksX[i]), bottom + 14, "middle", words)),
    text((ROOM.left + WIDTH - ROOM.right) / 2, HEIGHT - 4, "middle", xTitle),
    text(ROOM.left, ROOM.top - 9, "start", yTitle),
  ];
}

/** Losses that are no number: a mark at the edge, as on every chart. */
function lost(x, y, toX, colour) {
  return x.flatMap((place, i) => {
    if (Number.isFinite(y[i])) return [];
    const [at, edge] = [toX(place), y[i] === Infinity ? ROOM.top + 5 : HEIGHT - ROOM.bottom - 5];
    const shape = y[i] === Infinity ? `M${at - 4} ${edge + 4}h8L${at} ${edge - 4}Z` : `M${at - 4} ${edge}l4-4 4 4-4 4Z`;
    return [h("svg:path", { d: shape, fill: `var(--bv-${colour})` }, h("svg:title", { text: formatNumber(y[i]) }))];
  });
}

function makePickable(svg, { x, y }, toX, toY, pick) {
  const mark = h("svg:path", { class: "bv-curves-picked", d: "" });
  svg.append(mark);
  svg.setAttribute("tabindex", "0");
  svg.setAttribute("role", "slider");
  let at = -1;
  const choose = (index) => {
    at = Math.max(0, Math.min(x.length - 1, index));
    mark.setAttribute("d", `M${toX(x[at])} ${ROOM.top}V${HEIGHT - ROOM.bottom}`);
    svg.setAttribute("aria-valuenow", String(x[at]));
    svg.setAttribute("aria-valuetext", `${formatNumber(x[at])}: ${formatNumber(y[at])}`);
    pick(x[at], y[at]);
  };
  svg.addEventListener("click", (event) => {
    const box = svg.getBoundingClientRect();
    const place = ((event.clientX - box.left) / box.width) * WIDTH;
    choose(nearest(x.map(toX), place));
  });
  svg.addEventListener("keydown", (event) => {
    const by = { ArrowLeft: -1, ArrowDown: -1, ArrowRight: 1, ArrowUp: 1 }[event.key];
    if (!by) return;
    event.preventDefault();
    choose(at < 0 ? 0 : at + by);
  });
}

/** The index of the number that is nearest to another. */
export function nearest(numbers, wanted) {
  let best = 0;
  numbers.forEach((number, i) => {
    if (Math.abs(number - wanted) < Math.abs(numbers[best] - wanted)) best = i;
  });
  return best;
}
