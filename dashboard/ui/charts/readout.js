/** The latest value of a chart, large and at a fixed place; at the crosshair, the value there. */

import { fill, h, setText, setTitle } from "../dom.js";
import { formatCount, formatExact, formatNumber } from "../numbers.js";
import { readingOf } from "./age.js";
import { NEXT } from "./scheduler.js";

const ROOM = [96, 120]; // CSS pixels that a name with its value gets at the least, be it a short one or a long one
const VALUE = 80; // what stands beside the name: its colour, and its value
const GAP = 12; // between two of them
const LETTER = 7; // a letter of the unit beside them, about
const EDGE = 20; // "in " before it, and what keeps it apart
const LINED = ["Line", "Area", "Scatter"]; // kinds that do not name their series themselves

const LOOKED_AT = 64; // values of a series, the newest ones
const BEAT = 250; // ms between two writings: faster, nobody could read it
const AGEING = 2000; // ms between two looks at whether a value has become one of the past: nothing of its own tells of that

const shown = new Set();
let ageing = null;

/**
 * Readouts that have something new to say are written together, in one frame: text that changes makes the browser lay
 * the page out again, which would otherwise happen in each frame in which a chart is drawn. It is a frame in which the
 * charts are drawn anyway, of what comes next, unless nothing more comes.
 */
const waiting = new Set();
let written = -Infinity;
let frame = null;
let timer = null;

function writeSoon(readout) {
  waiting.add(readout);
  const since = performance.now() - written;
  if (since >= BEAT) writeNow();
  else timer ??= setTimeout(writeNow, BEAT + NEXT - since);
}

function writeNow() {
  clearTimeout(timer);
  timer = null;
  frame ??= requestAnimationFrame(writeAll);
}

function writeAll() {
  frame = null;
  written = performance.now();
  const due = [...waiting];
  waiting.clear();
  for (const readout of due) readout.update(readout.panel.crosshair.step);
}

export class Readout {
  /** @param {object} panel */
  constructor(panel) {
    this.panel = panel;
    this.value = h("span", { class: "bvc-value" });
    this.unit = h("span", { class: "bvc-unit" });
    this.where = h("span", { class: "bvc-where" });
    this.legend = h("ul", { class: "bvc-legend" });
    this.element = h("div", { class: "bvc-readout", "aria-live": "off" }, this.value, this.unit, this.where, this.legend);
    this.items = [];
    this.broken = new Set(); // series that have had a number with digits after its point
    this.past = "";
    shown.add(this);
    ageing ??= setInterval(() => shown.forEach((one) => one.#age()), AGEING);
  }

  /** What has become a value of the past is written so, and drawn so. */
  #age() {
    const { names, store, crosshair } = this.panel;
    const past = names.filter((name) => readingOf(store, name, crosshair.step)?.past).join("\n");
    if (past === this.past) return;
    this.past = past;
    this.refresh();
    this.panel.redraw();
  }

  destroy() {
    shown.delete(this);
    waiting.delete(this);
    if (shown.size) return;
    clearInterval(ageing);
    ageing = null;
  }

  /** The names have changed. */
  settle() {
    const { names, labels, panel } = { ...this.panel, panel: this.panel };
    const several = names.length > 1 && panel.store.kind(names[0]) === "scalar";
    const listed = several && LINED.includes(panel.spec.kind);
    const unit = panel.spec.unit ?? "";
    setText(this.unit, listed && unit ? `in ${unit}` : unit);
    // All of them where they have room, or all but the place that says how many more there are.
    const room = Math.min(ROOM[1], Math.max(ROOM[0], VALUE + LETTER * Math.max(0, ...labels.map(({ length }) => length))));
    const columns = Math.max(1, Math.floor((panel.size.width - (listed && unit ? unit.length * LETTER + EDGE : 0) + GAP) / (room + GAP)));
    const places = columns === 1 ? 4 : 3 * columns;
    const named = names.length > places ? places - 1 : names.length;
    const key = [panel.theme.mode, panel.spec.kind, unit, named, room, ...names].join("\n");
    if (key === this.key) return;
    this.key = key;
    this.value.hidden = several;
    this.unit.hidden = several && !listed;
    this.unit.classList.toggle("bvc-unit-of-all", listed);
    this.items = listed ? names.slice(0, named).map((name, index) => this.#item(name, labels[index], index)) : [];
    const rest = names.slice(this.items.length);
    fill(this.legend, ...this.items.map(({ element }) => element), listed && rest.length > 0 && h("li", { class: "bvc-rest", title: rest.join("\n"), text: `+ ${rest.length} more` }));
    this.legend.style.setProperty("--bvc-room", `${room}px`);
    this.legend.hidden = !listed;
    this.element.hidden = several && !listed && panel.spec.kind !== "TableView"; // a table has a button in this line
  }

  #item(name, label, index) {
    const { series } = this.panel.theme;
    const value = h("b");
    const swatch = h("i", { style: { background: series[index % series.length] }, "data-dash": index >> 3 ? "" : null });
    return { name, value, element: h("li", { title: name }, swatch, h("span", { text: label }), value) };
  }

  /** Something new has come: it is written with the next beat. */
  refresh() {
    writeSoon(this);
  }

  /** @param {?number} step the crosshair's, or `null` for the latest. */
  update(step) {
    const { panel } = this;
    const [first] = panel.names;
    if (!first) return;
    const reading = (name) => readingOf(panel.store, name, step);
    if (panel.store.kind(first) !== "scalar") {
      const record = panel.record(first);
      setText(this.value, "");
      setText(this.where, record ? `step ${formatCount(record.step)}` : "");
      return;
    }
    if (panel.names.length > 1) {
      for (const { name, value } of this.items) this.#write(value, reading(name), this.#isWhole(name));
    } else {
      this.#write(this.value, reading(first), this.#isWhole(first));
    }
    const only = reading(first);
    const told = only && (step !== null || (only.past && panel.names.length === 1));
    setText(this.where, told ? `step ${formatCount(only.step)}` : "");
  }

  /** Whether a series has whole numbers alone: an accuracy of 1 among others is 1.000. */
  #isWhole(name) {
    if (this.broken.has(name)) return false;
    const series = this.panel.store.scalars.get(name);
    const parts = series?.parts(-Infinity, Infinity) ?? [];
    // The newest of them: what has been whole for so long is.
    const { columns, from, to } = parts.at(-1) ?? { from: 0, to: 0 };
    for (let i = to - 1; i >= Math.max(from, to - LOOKED_AT); i--) {
      if (Number.isFinite(columns.value[i]) && !Number.isInteger(columns.value[i])) this.broken.add(name);
    }
    return !this.broken.has(name);
  }

  #write(element, reading, whole) {
    // A bucket of NaN and numbers has a mean, but what a person must see is that there was a NaN.
    const part = reading?.nan > 0 && reading.nan < reading.count ? ` · ${formatCount(reading.nan)} NaN` : "";
    // Beside others that go on, a value that is over has to say so; one that stands alone has its step beside it.
    const was = reading?.past && element !== this.value ? "was " : "";
    setText(element, reading ? was + formatNumber(reading.value, { whole }) + part : "–");
    const many = reading?.count > 1 && reading.low !== reading.high;
    const told = !reading ? "" : many ? `mean of ${formatCount(Math.round(reading.count))} records, ${formatExact(reading.low)} to ${formatExact(reading.high)}` : formatExact(reading.value);
    const exact = reading?.past ? `${told}, of step ${formatCount(reading.step)}: no value is nearer` : told;
    setTitle(element, exact);
    element.classList.toggle("bvc-past", Boolean(reading?.past));
    element.classList.toggle("bvc-bad", reading !== undefined && reading !== null && !Number.isFinite(reading.value));
  }
}
