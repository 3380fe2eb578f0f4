// A value's course in the height of a line of text.
import { isConstant } from "../charts/range.js";
import { h } from "../dom.js";
import { reaches, thinned } from "./past.js";

const WIDTH = 72;
const HIGH = 18;
export const POINTS = 72;

/** Give it columns again and again; it changes only what differs. */
export class Sparkline {
  #line = h("svg:path", { class: "bv-spark-line", fill: "none" });
  #dot = h("svg:circle", { class: "bv-spark-dot", r: "1.8" });
  element = h(
    "svg:svg",
    { class: "bv-spark", viewBox: `0 0 ${WIDTH} ${HIGH}`, "aria-hidden": "true", preserveAspectRatio: "none" },
    this.#line,
    this.#dot,
  );

  /** @param {{step: number[], value: number[], held?: boolean}} columns - `held`: a value stays until the next. */
  draw(columns, end) {
    const path = sparkPath(columns, end ?? columns.step.at(-1) ?? 0);
    if (this.#line.getAttribute("d") === path.line) return;
    this.#line.setAttribute("d", path.line);
    this.#dot.setAttribute("cx", path.x);
    this.#dot.setAttribute("cy", path.y);
    this.#dot.style.display = path.line ? "" : "none";
  }
}

/** @returns {{line: string, x: number, y: number}} */
export function sparkPath(columns, end) {
  const { step, value } = thinned(columns, POINTS);
  const finite = value.filter(Number.isFinite);
  if (!finite.length) return { line: "", x: 0, y: 0 };
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const [first, last] = [step[0], Math.max(end, step.at(-1))];
  const toX = (one) => round(1 + (last > first ? (one - first) / (last - first) : 1) * (WIDTH - 4));
  const toY = (one) => round(isConstant(low, high) ? HIGH / 2 : HIGH - 3 - ((one - low) / (high - low)) * (HIGH - 6));
  let line = "";
  let y = 0;
  for (let i = 0; i < step.length; i++) {
    if (!Number.isFinite(value[i])) continue;
    const x = toX(step[i]);
    if (!line) line = `M${x} ${toY(value[i])}`;
    else line += columns.held ? `H${x}V${toY(value[i])}` : `L${x} ${toY(value[i])}`;
    y = toY(value[i]);
  }
  // The dot stands at the last value that is known: where that is long ago, nothing is drawn up to the present.
  const x = toX(reaches(columns, last) ? last : columns.step.at(-1));
  return { line: `${line}H${x}`, x, y };
}

function round(value) {
  return Math.round(value * 10) / 10;
}
