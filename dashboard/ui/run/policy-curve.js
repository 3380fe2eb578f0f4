// The curve of a policy: what was (dashed), the present (marked), and what is to come (solid).
import { fill, h, setText, show } from "../dom.js";
import { formatCount, formatNumber } from "../numbers.js";
import { BOX, shapeOf, SIZE } from "./policy-curve-shape.js";

const READOUT =
  "The value at the first and at the last of these steps; where it leaves what lies between the two, also the least and the greatest on the way. " +
  "Point at the curve to read it at any step.";

const FRAME = { x: BOX.left, y: BOX.top - 2, width: BOX.right - BOX.left + 2, height: BOX.bottom - BOX.top + 4 };

/** A drawing that follows its columns; the pointer reads it. */
export class PolicyCurve {
  #svg = h("svg:svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, class: "bv-curve-drawing", role: "img" });
  #readout = h("p", { class: "bv-curve-readout bv-number", title: READOUT });
  #legend = h("p", { class: "bv-hint bv-curve-legend" });
  #shown = null;
  #pointer = null; // where it rests, so that a curve drawn anew beneath it is read at once
  #cursor = h("svg:line", { class: "bv-curve-cursor", y1: BOX.top, y2: BOX.bottom });
  element = h("figure", { class: "bv-curve" }, this.#readout, this.#svg, this.#legend);

  constructor() {
    this.#svg.addEventListener("pointermove", (event) => this.#read((this.#pointer = event)));
    this.#svg.addEventListener("pointerleave", () => this.#read((this.#pointer = null)));
  }

  /**
   * @param {{past: Columns, coming?: Columns, dry?: Columns, now: number, ahead?: number, name: string, log?: boolean, stale?: boolean}} what - `dry`: what
   *   the policy would have given over the past; `ahead`: so many steps of what is to come are drawn; `stale`: the text
   *   has an error, the curve is that of the last one without.
   *
   * @typedef {{step: number[], value: number[], held?: boolean}} Columns
   */
  draw(what) {
    this.#shown = shapeOf(what);
    this.element.classList.toggle("bv-curve-stale", Boolean(what.stale));
    const { lines, ticks, present } = this.#shown;
    fill(
      this.#svg,
      ticks.y.map(({ at, text }) => [
        h("svg:line", { class: "bv-curve-grid", x1: BOX.left, x2: BOX.right, y1: at, y2: at }),
        h("svg:text", { class: "bv-curve-tick", x: BOX.left - 6, y: at + 4, "text-anchor": "end" }, text),
      ]),
      ticks.x.map(({ at, text }) =>
        h("svg:text", { class: "bv-curve-tick", x: at, y: BOX.bottom + 17, "text-anchor": "middle" }, text),
      ),
      present !== null && [
        h("svg:line", { class: "bv-curve-now", x1: present, x2: present, y1: BOX.top, y2: BOX.bottom }),
      ],
      // What runs out of the frame is cut there.
      h(
        "svg:svg",
        { ...FRAME, viewBox: `${FRAME.x} ${FRAME.y} ${FRAME.width} ${FRAME.height}` },
        lines.map(({ kind, path }) => h("svg:path", { class: `bv-curve-line bv-curve-${kind}`, d: path, fill: "none" })),
      ),
      this.#shown.dot && h("svg:circle", { class: "bv-curve-dot", cx: this.#shown.dot.x, cy: this.#shown.dot.y, r: 3.5 }),
      this.#cursor,
    );
    show(this.#cursor, false);
    this.#svg.setAttribute("aria-label", sentence(what));
    setText(this.#legend, legend(what, this.#shown.beyond));
    this.#read(this.#pointer);
  }

  #read(event) {
    const shown = this.#shown;
    if (!shown) return;
    if (!event) {
      this.#cursor.style.display = "none";
      setText(this.#readout, shown.words);
      return;
    }
    const box = this.#svg.getBoundingClientRect();
    const x = ((event.clientX - box.left) / box.width) * SIZE.width;
    const step = Math.round(shown.toStep(Math.min(BOX.right, Math.max(BOX.left, x))));
    const values = shown.columns
      .map(({ word, step: steps, value }) => [word, valueAt(steps, value, step)])
      .filter(([, value]) => value !== undefined);
    this.#cursor.style.display = "";
    this.#cursor.setAttribute("x1", x);
    this.#cursor.setAttribute("x2", x);
    const texts = values.map(([word, value]) => `${word} ${formatNumber(value)}`);
    setText(this.#readout, [`step ${formatCount(step)}`, ...texts].join(" · "));
  }
}

function valueAt(steps, values, step) {
  if (!steps.length || step < steps[0] || step > steps.at(-1)) return undefined;
  let at = steps.findIndex((one) => one > step);
  if (at < 0) at = steps.length;
  return values[at - 1];
}

function legend({ coming, dry }, beyond) {
  return [beyond ? "dashed: what was, a few values beyond the frame" : "dashed: what was", "line: now", coming && "solid: what is to come", dry && "dotted: what it would have given"]
    .filter(Boolean)
    .join(" · ");
}

function sentence({ name, coming, dry, now }) {
  const parts = [coming && "to come", dry && "dry run"].filter(Boolean).join(" and ");
  return `${name} ${parts ? `${parts}, ` : ""}with its past; now is step ${formatCount(now)}`;
}
