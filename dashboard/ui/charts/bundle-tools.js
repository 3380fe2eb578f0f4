/** What a bundle's renderer is handed beside its panel, so that its script imports nothing. Names stay; more may come. */

import { fill, h, setText, show } from "../dom.js";
import { loadPlotly, loadVega } from "../libraries.js";
import { formatCount, formatExact, formatNumber } from "../numbers.js";
import { Canvas } from "./canvas.js";
import { colourScale, finiteExtent, unpack } from "./colours.js";
import { columnOf, rowsFor } from "./grammar.js";
import { mapping } from "./lines/plot.js";
import { linearTicks, logTicks, tickTexts } from "./lines/ticks.js";

/**
 * The tools for one panel.
 *
 * @param {object} panel
 * @returns {object} `columns(reference)` and `rows(reference)` give the data of `{$series, field, last}` as Plotly and Vega-Lite get
 *   it; the rest are the page's own functions.
 */
export function toolsFor(panel) {
  const record = (name) => panel.record(name);
  const last = (name, count) => (count > 1 ? panel.over(name).slice(-count) : [record(name)].filter(Boolean));
  return {
    columns: (reference) => columnOf(panel.store, reference, panel.view.window ?? null, record),
    rows: (reference) => rowsFor(panel.store, reference, panel.view.window ?? null, last),
    ...SHARED,
  };
}

const SHARED = {
  Canvas, colourScale, fill, finiteExtent, formatCount, formatExact, formatNumber, h, linearTicks, loadPlotly, loadVega, logTicks, mapping,
  setText, show, tickTexts, unpack,
};
