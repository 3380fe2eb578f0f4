// The curve of a policy: what was (dashed), the present (marked), and what is to come (solid).
import { fill, h, setText, show } from "../dom.js";
import { formatCount, formatNumber } from "../numbers.js";
import { linearTicks, logTicks, tickTexts } from "../charts/lines/ticks.js";
import { thinned } from "./past.js";

const SIZE = { width: 372, height: 168 };
const BOX = { left: 50, right: 364, top: 8, bottom: 144 };
const POINTS = 400;

/** A drawing that follows its columns; the pointer reads it. */
export class PolicyCurve {
  #svg = h("svg:svg", { viewBox: `0 0 ${SIZE.width} ${SIZE.height}`, class: "bv-curve-drawing", role: "img" });
  #readout = h("p", { class: "bv-curve-readout bv-number" });
  #legend = h("p", { class: "bv-hint bv-curve-legend" });
  #shown = null;
  #cursor = h("svg:line", { class: "bv-curve-cursor", y1: BOX.top, y2: BOX.bottom });
  element = h("figure", { class: "bv-curve" }, this.#readout, this.#svg, this.#legend);

  constructor() {
    this.#svg.addEventListener("pointermove", (event) => this.#read(event));
    this.#svg.addEventListener("pointerleave", () => this.#read(null));
  }

  /**
   * @param {{past: Columns, coming?: Columns, dry?: Columns, now: number, name: string, log?: boolean, stale?: boolean}} what - `dry`: what the
   *   policy would have given over the past; `stale`: the text has an error, the curve is that of the last one without.
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
      lines.map(({ kind, path }) => h("svg:path", { class: `bv-curve-line bv-curve-${kind}`, d: path, fill: "none" })),
      this.#shown.dot && h("svg:circle", { class: "bv-curve-dot", cx: this.#shown.dot.x, cy: this.#shown.dot.y, r: 3.5 }),
      this.#cursor,
    );
    show(this.#cursor, false);
    this.#svg.setAttribute("aria-label", sentence(what));
    setText(this.#legend, legend(what));
    this.#read(null);
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

/** Everything drawn, in the drawing's own units. */
export function shapeOf({ past, coming, dry, now, log = false }) {
  const columns = [
    { kind: "past", word: "was", ...past },
    dry && { kind: "dry", word: "would have been", ...dry },
    coming && { kind: "coming", word: "will be", ...coming },
  ].filter((one) => one?.step.length);
  const steps = columns.flatMap(({ step }) => [step[0], step.at(-1)]);
  const finite = columns.flatMap(({ value }) => value.filter((one) => Number.isFinite(one) && (!log || one > 0)));
  const [first, last] = steps.length ? [Math.min(...steps, now), Math.max(...steps, now)] : [0, Math.max(1, now)];
  const [low, high] = rangeOf(finite, log);
  const toX = (step) => BOX.left + ((step - first) / Math.max(1, last - first)) * (BOX.right - BOX.left);
  const height = (value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const toY = (value) => BOX.bottom - height(value) * (BOX.bottom - BOX.top);
  const yTicks = (log ? logTicks : linearTicks)(low, high, 4);
  const xTicks = linearTicks(first, last, 4);
  const start = coming?.value.find(Number.isFinite);
  return {
    columns,
    lines: columns.map(({ kind, held, ...one }) => ({ kind, path: pathOf(thinned(one, POINTS), toX, toY, held, log) })),
    ticks: { y: placed(yTicks, tickTexts(yTicks, log), toY), x: placed(xTicks, tickTexts(xTicks), toX) },
    present: now > 0 || coming ? toX(now) : null,
    dot: start !== undefined && (!log || start > 0) ? { x: toX(now), y: toY(start) } : null,
    toStep: (x) => first + ((x - BOX.left) / (BOX.right - BOX.left)) * (last - first),
    words: summary(columns),
  };
}

function summary(columns) {
  const coming = columns.find(({ kind }) => kind === "coming") ?? columns.find(({ kind }) => kind === "dry");
  if (!coming) return "";
  const finite = coming.value.filter(Number.isFinite);
  if (!finite.length) return "no number comes of it";
  const [from, to] = [finite[0], finite.at(-1)];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const within = low < Math.min(from, to) || high > Math.max(from, to);
  return `${formatNumber(from)} → ${formatNumber(to)}${within ? ` · between ${formatNumber(low)} and ${formatNumber(high)}` : ""}`;
}

function placed(ticks, texts, place) {
  return ticks.map((tick, i) => ({ at: place(tick), text: texts[i] }));
}

function rangeOf(values, log) {
  if (!values.length) return log ? [0.1, 1] : [0, 1];
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (log) return high > low * 1.01 ? [low / 1.1, high * 1.1] : [low / 2, high * 2];
  if (high - low <= Math.abs(high) * 1e-9) {
    const around = Math.abs(high) * 0.2 || 1;
    return [low - around, high + around];
  }
  const more = (high - low) * 0.06;
  return [low >= 0 ? Math.max(0, low - more) : low - more, high + more];
}

function pathOf({ step, value }, toX, toY, held, log) {
  let path = "";
  let open = false;
  step.forEach((one, i) => {
    if (!Number.isFinite(value[i]) || (log && value[i] <= 0)) {
      open = false;
      return;
    }
    const [x, y] = [toX(one).toFixed(1), toY(value[i]).toFixed(1)];
    if (!open) path += `M${x} ${y}`;
    else path += held ? `H${x}V${y}` : `L${x} ${y}`;
    open = true;
  });
  return path;
}

function valueAt(steps, values, step) {
  if (!steps.length || step < steps[0] || step > steps.at(-1)) return undefined;
  let at = steps.findIndex((one) => one > step);
  if (at < 0) at = steps.length;
  return values[at - 1];
}

function legend({ coming, dry }) {
  return ["dashed: what was", "line: now", coming && "solid: what is to come", dry && "dotted: what it would have given"]
    .filter(Boolean)
    .join(" · ");
}

function sentence({ name, coming, dry, now }) {
  const parts = [coming && "to come", dry && "dry run"].filter(Boolean).join(" and ");
  return `${name} ${parts ? `${parts}, ` : ""}with its past; now is step ${formatCount(now)}`;
}
