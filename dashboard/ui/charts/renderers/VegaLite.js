/** A chart in Vega-Lite's grammar, drawn by vega-embed, which is loaded when the first of them comes. */

import { lostNumbers, rowsFor, withSeries } from "../grammar.js";
import { h, setText } from "../../dom.js";
import { loadVega } from "../../libraries.js";
import { lostWords } from "./PlotlyFigure.js";

const COMPOSED = ["facet", "concat", "hconcat", "vconcat", "repeat"];
const PREFIX = "bidviz:"; // of the data sets that are ours

/** A spec whose `{"values": {"$series": …}}` are named data sets, and what those are to hold. */
export function namedSets(spec) {
  const sets = new Map();
  const turned = (inner) => {
    if (Array.isArray(inner)) return inner.map(turned);
    if (inner === null || typeof inner !== "object") return inner;
    if (typeof inner.values?.$series !== "string") return Object.fromEntries(Object.entries(inner).map(([key, one]) => [key, turned(one)]));
    const name = PREFIX + JSON.stringify(inner.values);
    sets.set(name, inner.values);
    const { values, ...rest } = inner;
    return { ...rest, name };
  };
  return { spec: turned(spec), sets };
}

/** Vega's words for the page's colours; what the spec says itself goes before. */
function configOf(theme) {
  const words = { labelColor: theme.muted, titleColor: theme.text, labelFont: theme.font, titleFont: theme.font };
  const axis = { ...words, gridColor: theme.grid, domainColor: theme.line, tickColor: theme.line };
  return {
    background: "transparent",
    view: { stroke: theme.line },
    axis,
    legend: words,
    header: words,
    title: { color: theme.text, font: theme.font, fontSize: 12 },
    text: { color: theme.text },
    rule: { color: theme.muted },
    boxplot: { rule: { color: theme.muted }, ticks: { color: theme.muted }, median: { color: theme.surface } },
    errorbar: { rule: { color: theme.muted } },
    range: { category: theme.series },
    mark: { color: theme.series[0] },
  };
}

class VegaChart {
  #key = "";
  #result = null;

  constructor(host, panel) {
    this.panel = panel;
    this.place = h("div", { class: "bvc-vega" });
    host.append(this.place);
  }

  /** One drawing after the other: what comes meanwhile is drawn next. */
  draw() {
    if (!Object.keys(this.panel.view.spec ?? {}).length) {
      this.panel.say("The spec has no chart: a VegaLite's spec has a mark and an encoding.");
      return null;
    }
    this.queue = (this.queue ?? Promise.resolve()).catch(() => {}).then(() => this.gone || this.#draw());
    return this.queue;
  }

  async #draw() {
    const vega = await loadVega();
    if (this.gone) return;
    const { panel } = this;
    const { view, theme, size } = panel;
    const { $schema, usermeta, ...given } = view.spec ?? {};
    const { spec, sets } = namedSets(given);
    const rows = new Map([...sets].map(([name, reference]) => [name, this.#rows(reference)]));
    const lost = this.#lost([...rows.values()]);
    const key = JSON.stringify([view.spec, theme.mode, size]);
    if (key !== this.#key) await this.#embed(vega, spec, rows, key);
    else {
      for (const [name, values] of rows) this.#result.view.data(name, values);
      await this.#result.view.runAsync();
    }
    if (this.gone) return;
    if (lost) panel.warn(lostWords(lost));
    this.place.dataset.rows = String([...rows.values()].reduce((sum, { length }) => sum + length, 0));
  }

  #rows(reference) {
    const { panel } = this;
    const last = (name, count) => (count > 1 ? panel.over(name).slice(-count) : [panel.record(name)].filter(Boolean));
    return rowsFor(panel.store, reference, panel.view.window ?? null, last);
  }

  #lost(sets) {
    return sets.reduce((sum, rows) => sum + lostNumbers(rows.map(({ value, count }) => value ?? count ?? null)), 0);
  }

  async #embed(vega, spec, rows, key) {
    const { panel, place } = this;
    const { width, height } = panel.size;
    const composed = COMPOSED.some((word) => word in spec) || ["row", "column", "facet"].some((channel) => spec.encoding?.[channel]);
    const room = composed ? {} : { width: width - 4, height: height - 4, autosize: { type: "fit", contains: "padding" } };
    // What is left of references, where Vega-Lite takes no data set, is put there as it is now.
    const whole = withSeries(spec, (reference) => this.#rows(reference));
    const datasets = { ...spec.datasets, ...Object.fromEntries(rows) };
    const before = this.#result;
    this.#result = null;
    this.#key = "";
    before?.finalize();
    place.classList.toggle("bvc-scroll", composed);
    this.#result = await vega.draw(place, { ...room, ...whole, datasets, config: vega.mergeConfig(configOf(panel.theme), whole.config ?? {}) });
    this.#key = key;
    if (this.gone) this.#result.finalize();
  }

  /** A canvas with what is shown, for a picture that a person takes away. */
  png() {
    return this.#result.view.toCanvas(devicePixelRatio);
  }

  destroy() {
    this.gone = true;
    this.#result?.finalize();
    setText(this.place, "");
  }
}

export default { light: false, create: (host, panel) => new VegaChart(host, panel) };
