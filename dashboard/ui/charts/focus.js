/**
 * A chart that is opened to be studied: drawn by Plotly from the whole history, each zoom from a resolution of its own.
 * What Plotly has nothing to add to (tables, texts, images) is the tile's own renderer, larger.
 */

import { fill, h, setText } from "../dom.js";
import { loadPlotly } from "../libraries.js";
import { readTheme } from "../theme.js";
import { chooseSpec, matchNames, patternsOf, shortNames } from "./choose.js";
import { blobOf, exportCSV } from "./export.js";
import { ALONG, alongOf } from "./focus/along.js";
import { changesOf } from "./focus/changes.js";
import { figureOf } from "./focus/figures.js";
import { levelRange, lineLayout, lineTraces } from "./focus/lines.js";
import { createPanel } from "./panel.js";

const POINTS = 2000; // entries a zoom asks for: more than any screen has pixels to tell apart
const SETTLE = 200; // ms a zoom must stand still before it is asked for
const DASHES = ["solid", "dash", "dot", "dashdot", "longdash"]; // one a run
const LIVE = 1000; // ms between two drawings while the run goes on

const CONFIG = {
  displaylogo: false,
  displayModeBar: true, // it has a row of its own (charts.css), and a finger hovers over nothing
  showSendToCloud: false,
  showEditInChartStudio: false,
  showLink: false,
  showTips: false, // its grey notices cover what stands at the right; how to zoom is said above the chart
  modeBarButtonsToRemove: ["sendDataToCloud", "lasso2d", "select2d", "sendChartToCloud"],
};

class Focus {
  #stops = [];
  #timer = null;
  #live = null;
  #panel = null;
  #drawn = false;
  #closed = false;
  #sized;

  constructor(element, { spec = null, metric = null, store, view = {}, title = "", name = "", others = [], onStep = null }) {
    Object.assign(this, { element, given: spec, metric, store, chosen: view, title, name, others, onStep });
    this.plot = h("div", { class: "bvc-focus-plot" });
    this.status = h("span", { role: "status" });
    this.scale = h("button", { type: "button", class: "bv-button", onclick: () => this.#switchScale() });
    this.along = h(
      "select",
      { "aria-label": "x axis", onchange: () => this.#choose({ x: this.along.value }) },
      ALONG.map(([text, value]) => h("option", { value, text })),
    );
    this.marked = h("input", { type: "checkbox", onchange: () => this.#choose({ marks: this.marked.checked }) });
    this.smooth = h("input", { type: "range", min: "0", max: "0.99", step: "0.01", "aria-label": "Smoothing", oninput: () => this.#smoothen(Number(this.smooth.value)) });
    this.smoothed = h("output", { class: "bv-number" });
    this.onSmooth = h("label", { class: "bv-field" }, h("span", { text: "smooth" }), this.smooth, this.smoothed);
    this.onX = h("label", { class: "bv-field" }, h("span", { text: "x" }), this.along);
    this.onMarks = h("label", { class: "bv-field" }, this.marked, h("span", { text: "marks of changes" }));
    this.bar = h("div", { class: "bvc-focus-bar" }, this.scale, this.onX, this.onSmooth, this.onMarks, this.status);
    fill(element, h("div", { class: "bvc-focus" }, this.bar, this.plot));
    // Plotly follows the window alone; what stands below the chart makes it lower and higher as well.
    this.#sized = new ResizeObserver(() => this.#drawn && this.plot.clientWidth && this.plotly.Plots.resize(this.plot));
    this.#sized.observe(this.plot);
    this.#settle();
    this.#follow();
    this.#open();
  }

  #settle() {
    const { given, metric, store } = this;
    this.names = matchNames(patternsOf(given, metric), store.names());
    this.labels = shortNames(this.names);
    const kind = this.names.length ? store.kind(this.names[0]) : "scalar";
    this.spec = chooseSpec(kind, given, store.latest(this.names[0])?.value);
    const { yScale = this.spec.y_scale, xScale = this.spec.x_scale, x = this.spec.x } = this.chosen;
    const weight = this.chosen.smooth ?? this.spec.smooth ?? 0;
    this.view = { ...this.spec, y_scale: yScale ?? "linear", x_scale: xScale, x, smooth: weight };
    this.lined = ["Line", "Area"].includes(this.spec.kind);
    setText(this.scale, this.view.y_scale === "log" ? "Scale: logarithmic" : "Scale: linear");
    this.scale.hidden = !this.lined && !["Bar", "HistogramChart"].includes(this.spec.kind);
    this.along.value = x === "time" || x === "epoch" || x === "elapsed" ? x : "step";
    this.marked.checked = this.chosen.marks !== false;
    if (document.activeElement !== this.smooth) this.smooth.value = String(weight);
    setText(this.smoothed, weight ? weight.toFixed(2) : "off");
    this.onX.hidden = this.onMarks.hidden = this.onSmooth.hidden = !this.lined;
    for (const one of this.#stores()) one.need([...this.names, ...(this.lined ? ["epoch"] : [])].filter((name) => one.names().includes(name)));
  }

  /** The run's own store, and those of the runs that it is compared with. */
  #stores() {
    return [this.store, ...(this.lined ? this.others.map(({ store }) => store) : [])];
  }

  #follow() {
    this.#stops.forEach((stop) => stop());
    const later = () => this.#later();
    this.#stops = this.#stores().flatMap((store) => [
      ...this.names.map((name) => store.follow(name, later)),
      store.follow("epoch", later),
      store.listen(() => {
        if (this.#closed) return;
        this.#settle();
        later();
      }),
    ]);
  }

  #choose(change) {
    this.chosen = { ...this.chosen, ...change };
    this.#range = null;
    this.#settle();
    this.#draw();
  }

  /** What is in sight stays so: the same records are drawn in another way. */
  #smoothen(weight) {
    this.chosen = { ...this.chosen, smooth: weight };
    this.#settle();
    this.#draw();
  }

  /** Reads the stretch that is in sight, of every run, at its own resolution. */
  async #read() {
    await Promise.all(
      this.#stores().map((store) => store.detailNow(this.names.filter((name) => store.kind(name) === "scalar"), ...this.#stepsOf(store), POINTS)),
    );
  }

  async #open() {
    setText(this.status, "Loading …");
    try {
      [this.plotly] = await Promise.all([loadPlotly(), this.lined && this.#read()]);
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
    if (this.#panel) {
      this.#panel.destroy();
      this.#panel = null;
    }
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
    const record = (name) => this.store.arrays.get(name)?.latest;
    return { theme, lines, view: this.view, store: this.store, names: this.names, record, value: record(this.names[0])?.value, heights: this.#heights, height: this.#height() };
  }

  /** Of the plot without its margins. */
  #height() {
    return this.plot.clientHeight - 74;
  }

  #figure() {
    return figureOf(this.spec.kind, this.#subject());
  }

  #lines() {
    const { theme } = this.#subject();
    const stores = this.#stores();
    const runs = stores.map((store, run) => ({
      store,
      name: run ? this.others[run - 1].label : this.name,
      along: alongOf(this.along.value, store, this.names),
      steps: this.#stepsOf(store),
    }));
    const colourOf = (run, i) => theme.series[(run * this.names.length + i) % theme.series.length];
    const lines = runs.flatMap(({ store, name, along, steps }, run) =>
      this.names.flatMap((series, i) => {
        const held = store.scalars.get(series);
        if (!held) return [];
        const label = runs.length === 1 ? this.labels[i] : this.names.length === 1 ? name : `${name}: ${this.labels[i]}`;
        return [{ series: held, label, colour: colourOf(run, i), dash: DASHES[run % DASHES.length], along, steps }];
      }),
    );
    const data = lineTraces(lines, { bad: theme.bad, weight: this.view.smooth });
    const extent = data.flatMap(({ x }) => (x.length ? [x[0], x.at(-1) ?? x.at(-2)] : []));
    const log = this.view.x_scale === "log" && this.along.value !== "time";
    const sight = { range: this.#range, extent, width: this.plot.clientWidth - 76, log };
    const marks = this.chosen.marks === false ? [] : runs.map(({ store, along, name }, run) => ({ marks: store.marks, along, name, colour: colourOf(run, 0) }));
    const changes = changesOf(marks, theme, sight);
    changes.shapes.push(...this.#pointedShape(runs[0].along, theme));
    const size = [sight.width, this.#height()];
    const seen = { data, size, range: this.#range, heights: this.#heights, level: levelRange(data) };
    const layout = lineLayout(theme, this.view, { kind: runs[0].along.kind, ...seen, ...changes });
    if (runs.length > 1) layout.showlegend = true;
    const per = Math.max(0, ...lines.flatMap(({ series, steps }) => series.parts(...steps).map((part) => part.per)));
    const words = this.#words(per, runs);
    return { data, layout, words };
  }

  #words(per, runs) {
    const lacking = runs.slice(1).filter(({ store }) => !this.names.some((name) => store.names().includes(name)));
    if (lacking.length) return `${lacking.map(({ name }) => name).join(", ")} ${lacking.length === 1 ? "has" : "have"} no such series.`;
    const empty = runs.filter(({ store }) => this.names.every((name) => store.wanted.get(name) === "here" && !store.latest(name)));
    if (empty.length) return `${empty.map(({ name }) => name || "This run").join(", ")} ${empty.length === 1 ? "has" : "have"} recorded nothing of it.`;
    const counted = runs.filter(({ along }) => along.kind !== this.along.value);
    if (counted.length) return `Nothing counts the epochs of ${counted.map(({ name }) => name || "this run").join(", ")}: steps are shown.`;
    const share = per < 10 ? Math.max(1.1, Math.round(per * 10) / 10) : Math.round(per); // "about 1" would be every one
    if (per > 1) return `Each point stands for about ${share} records: the band runs from the least to the largest. Drag to zoom in.`;
    return "Every record is drawn. Drag to zoom in, double click to see all.";
  }

  /** A zoom is drawn at once from what is here, and again when its own resolution has come. */
  #relayout(change) {
    const zoomed = (axis) => change[`${axis}.range`] ?? (change[`${axis}.range[0]`] !== undefined ? [change[`${axis}.range[0]`], change[`${axis}.range[1]`]] : null);
    const [range, heights] = [zoomed("xaxis"), zoomed("yaxis")];
    if (heights) this.#heights = heights;
    else if (change["yaxis.autorange"]) this.#heights = null;
    const along = range || change["xaxis.autorange"];
    if (along) this.#range = range;
    if (!this.lined || !along) {
      // Other ticks fit what is in sight now.
      if (this.view.y_scale === "log" && (heights || change["yaxis.autorange"])) setTimeout(() => this.#draw());
      return;
    }
    clearTimeout(this.#timer);
    this.#timer = setTimeout(async () => {
      setText(this.status, "Reading this stretch …");
      await this.#read();
      this.#draw();
    }, SETTLE);
  }

  #heights = null; // what is in sight along y, in the same way
  #range = null; // what is in sight along x, as Plotly says it, or null for all
  #pointed = null; // the step a person has chosen, and its time

  /** A click chooses a step of this run: it is marked, and whoever opened the chart is told. */
  #click(x) {
    const step = Math.round(alongOf(this.along.value, this.store, this.names).step(x));
    this.pointAt(step, this.store.scalars.get(this.names[0])?.at(step)?.time ?? null);
    this.onStep?.(step);
  }

  /** Marks a step, or with `null` none. */
  pointAt(step, time = null) {
    this.#pointed = step === null ? null : { step, time };
    this.#draw();
  }

  #pointedShape(along, theme) {
    if (!this.#pointed || (this.#pointed.time === null && ["time", "elapsed"].includes(along.kind))) return [];
    const x = along.place(this.#pointed.step, this.#pointed.time);
    return [{ type: "line", x0: x, x1: x, yref: "paper", y0: 0, y1: 1, line: { color: theme.text, width: 1, dash: "dot" } }];
  }

  /** The steps of a run that are in sight. */
  #stepsOf(store) {
    if (!this.#range) return [-Infinity, Infinity];
    const kind = this.along.value;
    const along = alongOf(kind, store, this.names);
    const log = this.view.x_scale === "log" && kind !== "time";
    const steps = this.#range.map((place) => along.step(log ? 10 ** place : place));
    return steps.every(Number.isFinite) ? steps : [-Infinity, Infinity];
  }

  #switchScale() {
    this.#heights = null;
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
    if (this.#drawn) this.plotly.purge(this.plot);
    this.#drawn = false;
    fill(this.plot);
    this.#panel = createPanel(this.plot, { spec, metric, store, view, title });
  }

  /** Takes over a changed spec, metric, view or title, the run's name, and the runs it is compared with. */
  update({ spec = this.given, metric = this.metric, view = this.chosen, title = this.title, name = this.name, others = this.others }) {
    const fresh = others !== this.others;
    Object.assign(this, { given: spec, metric, chosen: view, title, name, others });
    this.#settle();
    this.#follow();
    if (fresh && this.lined) this.#read().then(() => this.#draw());
    this.#panel?.update({ spec, metric, view, title });
    this.#draw();
  }

  /** @returns {Promise<Blob>} a PNG of what is shown. */
  async exportPNG() {
    if (this.#panel) return this.#panel.exportPNG();
    return blobOf(await this.plotly.toImage(this.plot, { format: "png", scale: 2 }));
  }

  /** @returns {Promise<string>} every record as comma-separated values. */
  exportCSV() {
    return exportCSV(this.store, this.names);
  }

  destroy() {
    this.#closed = true;
    this.#sized.disconnect();
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
 * @param {{spec?: ?object, metric?: ?object, store: object, view?: object, title?: string, name?: string,
 *   others?: {label: string, store: object}[], onStep?: (step: number) => void}} options `name` is the run's; `others` are runs to
 *   compare with; `onStep` is told the step of a point that was clicked.
 * @returns {{update: Function, pointAt: (step: ?number, time?: ?number) => void, destroy: Function, exportPNG: () => Promise<Blob>, exportCSV: () => Promise<string>}}
 */
export function openFocus(element, options) {
  return new Focus(element, options);
}
