/**
 * A chart that is opened to be studied: drawn by Plotly from the whole history, each zoom from a resolution of its own.
 * What Plotly has nothing to add to (tables, texts, images) is the tile's own renderer, larger.
 */

import { fill, h, setText } from "../dom.js";
import { loadPlotly } from "../plotly.js";
import { readTheme } from "../theme.js";
import { chooseSpec, matchNames, shortNames } from "./choose.js";
import { exportCSV } from "./export.js";
import { figureOf } from "./focus/figures.js";
import { lineLayout, lineTraces } from "./focus/lines.js";
import { createPanel } from "./panel.js";

const POINTS = 2000; // entries a zoom asks for: more than any screen has pixels to tell apart
const SETTLE = 200; // ms a zoom must stand still before it is asked for
const LIVE = 1000; // ms between two drawings while the run goes on

const CONFIG = {
  responsive: true,
  displaylogo: false,
  showSendToCloud: false,
  showEditInChartStudio: false,
  showLink: false,
  modeBarButtonsToRemove: ["sendDataToCloud", "lasso2d", "select2d", "sendChartToCloud"],
};

class Focus {
  #stops = [];
  #timer = null;
  #live = null;
  #zoom = null; // steps, or null for all
  #panel = null;
  #drawn = false;
  #closed = false;

  constructor(element, { spec = null, metric = null, store, view = {}, title = "", entries = [], onStep = null }) {
    Object.assign(this, { element, given: spec, metric, store, chosen: view, title, entries, onStep });
    this.plot = h("div", { class: "bvc-focus-plot" });
    this.status = h("span", { role: "status" });
    this.scale = h("button", { type: "button", class: "bv-button", onclick: () => this.#switchScale() });
    this.bar = h("div", { class: "bvc-focus-bar" }, this.scale, this.status);
    fill(element, h("div", { class: "bvc-focus" }, this.bar, this.plot));
    this.#settle();
    this.#stops.push(...this.names.map((name) => store.follow(name, () => this.#later())));
    this.#open();
  }

  #settle() {
    const { given, metric, store } = this;
    const patterns = given?.series?.length ? given.series : metric?.series?.length ? metric.series : [metric?.name].filter(Boolean);
    this.names = matchNames(patterns, store.names());
    this.labels = shortNames(this.names);
    const kind = this.names.length ? store.kind(this.names[0]) : "scalar";
    this.spec = chooseSpec(kind, given, store.latest(this.names[0])?.value);
    const { yScale = this.spec.y_scale, xScale = this.spec.x_scale, x = this.spec.x } = this.chosen;
    this.view = { ...this.spec, y_scale: yScale ?? "linear", x_scale: xScale, x };
    this.lined = ["Line", "Area"].includes(this.spec.kind);
    setText(this.scale, this.view.y_scale === "log" ? "Scale: logarithmic" : "Scale: linear");
    this.scale.hidden = !this.lined && !["Bar", "HistogramChart"].includes(this.spec.kind);
    store.need(this.names);
  }

  async #open() {
    setText(this.status, "Loading …");
    try {
      [this.plotly] = await Promise.all([loadPlotly(), this.lined && this.store.detailNow(this.names, -Infinity, Infinity, POINTS)]);
    } catch (error) {
      setText(this.status, `${error.message} The chart below is the tile's own.`);
      this.#fallBack();
      return;
    }
    if (!this.#closed) this.#draw();
  }

  #draw() {
    clearTimeout(this.#live);
    this.#live = null;
    if (this.#closed || !this.plotly) return;
    const figure = this.lined ? this.#lines() : this.#figure();
    if (!figure) {
      this.#fallBack();
      return;
    }
    setText(this.status, this.store.problem || figure.words || "");
    this.plotly.react(this.plot, figure.data, figure.layout, CONFIG);
    if (this.#drawn) return;
    this.#drawn = true;
    this.plot.on("plotly_relayout", (change) => this.#relayout(change));
    this.plot.on("plotly_click", ({ points }) => this.lined && points.length && this.#click(points[0].x));
  }

  #subject() {
    const theme = readTheme();
    const lines = this.names.flatMap((name, i) => {
      const series = this.store.scalars.get(name);
      return series ? [{ series, label: this.labels[i], colour: theme.series[i % theme.series.length] }] : [];
    });
    return { theme, lines, view: this.view, store: this.store, value: this.store.arrays.get(this.names[0])?.latest?.value };
  }

  #figure() {
    return figureOf(this.spec.kind, this.#subject());
  }

  #lines() {
    const { theme, lines } = this.#subject();
    const field = this.view.x === "time" ? "time" : "step";
    const steps = this.#zoom ?? [-Infinity, Infinity];
    const entries = [...this.store.marks, ...this.entries, ...(this.#pointed ? [{ ...this.#pointed, color: theme.text }] : [])];
    const data = lineTraces(lines, steps, { field, bad: theme.bad });
    const layout = lineLayout(theme, this.view, { entries, field, range: this.#range });
    const per = Math.max(0, ...lines.flatMap(({ series }) => series.parts(...steps).map((part) => part.per)));
    const words = per > 1 ? `Each point stands for about ${Math.round(per)} records: the band runs from the least to the largest. Drag to zoom in.` : "Every record is drawn. Drag to zoom in, double click to see all.";
    return { data, layout, words };
  }

  /** A zoom is drawn at once from what is here, and again when its own resolution has come. */
  #relayout(change) {
    const range = change["xaxis.range"] ?? (change["xaxis.range[0]"] !== undefined ? [change["xaxis.range[0]"], change["xaxis.range[1]"]] : null);
    if (range) {
      this.#range = range;
      this.#zoom = this.#steps(range);
    } else if (change["xaxis.autorange"]) {
      this.#range = null;
      this.#zoom = null;
    } else return;
    if (!this.lined) return;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      const [start, stop] = this.#zoom ?? [-Infinity, Infinity];
      setText(this.status, "Reading this stretch …");
      await this.store.detailNow(this.names, start, stop, POINTS);
      this.#draw();
    }, SETTLE);
  }

  #range = null;
  #pointed = null; // the step a person has chosen, and its time

  /** A click chooses a step: it is marked, and whoever opened the chart is told. */
  #click(x) {
    const time = this.view.x === "time" ? new Date(x).getTime() / 1000 : null;
    const step = time === null ? Math.round(Number(x)) : this.store.scalars.get(this.names[0]).stepAt(time);
    this.pointAt(step, time);
    this.onStep?.(step);
  }

  /** Marks a step, or with `null` none. */
  pointAt(step, time = null) {
    this.#pointed = step === null ? null : { step, time };
    this.#draw();
  }

  #steps(range) {
    if (this.view.x === "time") {
      const series = this.store.scalars.get(this.names[0]);
      return range.map((moment) => series.stepAt(new Date(moment).getTime() / 1000));
    }
    return this.view.x_scale === "log" ? range.map((power) => 10 ** power) : range.map(Number);
  }

  #switchScale() {
    this.chosen = { ...this.chosen, yScale: this.view.y_scale === "log" ? "linear" : "log" };
    this.#settle();
    this.#panel?.update({ view: this.chosen });
    this.#draw();
  }

  #later() {
    this.#live ??= setTimeout(() => (document.hidden ? (this.#live = null) : this.#draw()), LIVE);
  }

  #fallBack() {
    if (this.#panel || this.#closed) return;
    const { given: spec, metric, store, chosen: view, title } = this;
    if (this.plotly) setText(this.status, "");
    fill(this.plot);
    this.#panel = createPanel(this.plot, { spec, metric, store, view, title });
  }

  /** Takes over a changed spec, metric, view, title or journal. */
  update({ spec = this.given, metric = this.metric, view = this.chosen, title = this.title, entries = this.entries }) {
    Object.assign(this, { given: spec, metric, chosen: view, title, entries });
    this.#settle();
    this.#panel?.update({ spec, metric, view, title });
    this.#draw();
  }

  /** @returns {Promise<Blob>} a PNG of what is shown. */
  async exportPNG() {
    if (this.#panel) return this.#panel.exportPNG();
    const picture = await this.plotly.toImage(this.plot, { format: "png", scale: 2 });
    return (await fetch(picture)).blob();
  }

  /** @returns {Promise<string>} every record as comma-separated values. */
  exportCSV() {
    return exportCSV(this.store, this.names);
  }

  destroy() {
    this.#closed = true;
    clearTimeout(this.#timer);
    clearTimeout(this.#live);
    this.#stops.forEach((stop) => stop());
    this.#panel?.destroy();
    if (this.#drawn) this.plotly.purge(this.plot);
    fill(this.element);
  }
}

/**
 * Opens a chart to be studied.
 *
 * @param {Element} element an empty box, as large as there is room.
 * @param {{spec?: ?object, metric?: ?object, store: object, view?: object, title?: string, entries?: object[]}} options
 *   `entries`: the journal's, drawn as vertical lines; `onStep`: told the step of a point that was clicked.
 * @returns {{update: Function, pointAt: (step: ?number, time?: ?number) => void, destroy: Function, exportPNG: () => Promise<Blob>, exportCSV: () => Promise<string>}}
 */
export function openFocus(element, options) {
  return new Focus(element, options);
}
