/** Plotly's figures for values that are no lines: one function a kind of chart, each from a panel-like `subject`. */

import { formatNumber } from "../../numbers.js";
import { matchNames } from "../choose.js";
import { binsOf } from "../renderers/HistogramChart.js";
import { plainLayout } from "./lines.js";

const MARKED = 500; // cells that are no number and get a sign

/** Rows of a flat array. */
function rowsOf({ data, shape }) {
  const width = data.length / shape[0];
  return Array.from({ length: shape[0] }, (_, row) => Array.from(data.subarray(row * width, (row + 1) * width)));
}

function heatmap({ value, view, theme }) {
  const names = (own, given, length) => (given?.length ? given : own?.length ? own : Array.from({ length }, (_, i) => i));
  const z = value.shape.length === 1 ? [Array.from(value.data)] : rowsOf(value);
  const trace = { type: "heatmap", z, x: names(value.columns, view.columns, z[0].length), y: names(value.rows, view.rows, z.length), colorscale: "Viridis" };
  return { data: [trace, ...signs(z, trace, theme)], layout: { ...plainLayout(theme), showlegend: false, yaxis: { autorange: "reversed", automargin: true, type: "category" }, xaxis: { automargin: true, type: "category" } } };
}

/** What is no number would be a hole in the colours: it gets a sign. */
function signs(z, { x, y }, theme) {
  const kinds = [[Number.isNaN, "diamond", "NaN"], [(one) => one === Infinity, "triangle-up", "+Inf"], [(one) => one === -Infinity, "triangle-down", "−Inf"]];
  return kinds.flatMap(([is, symbol, word]) => {
    const cells = z.flatMap((row, i) => row.flatMap((one, j) => (is(one) ? [[x[j], y[i]]] : []))).slice(0, MARKED);
    if (!cells.length) return [];
    const [across, down] = [cells.map(([one]) => one), cells.map(([, one]) => one)];
    return [{ type: "scatter", mode: "markers", x: across, y: down, marker: { symbol, size: 9, color: theme.bad }, name: word, hovertemplate: `%{y}, %{x}: ${word}<extra></extra>` }];
  });
}

function bars({ value, view, theme, lines }) {
  const labels = value ? (view.rows?.length ? view.rows : Array.from(value.data, (_, i) => i)) : lines.map(({ label }) => label);
  const heights = value ? Array.from(value.data) : lines.map(({ series }) => series.latest?.value);
  const yaxis = { type: view.y_scale === "log" ? "log" : "linear", gridcolor: theme.grid };
  // Zeros with a word on them: bars of no number would simply not be there.
  const text = heights.map((height) => (Number.isFinite(height) ? "" : formatNumber(height)));
  const shown = heights.map((height) => (Number.isFinite(height) ? height : 0));
  const trace = { type: "bar", x: labels, y: shown, text, textposition: "outside", textfont: { color: theme.bad }, cliponaxis: false };
  return { data: [trace], layout: { ...plainLayout(theme), yaxis } };
}

function histogram({ value, view, theme }) {
  const { counts, edges } = binsOf(value);
  const x = Array.from(counts, (_, i) => (edges[i] + edges[i + 1]) / 2);
  const width = Array.from(counts, (_, i) => edges[i + 1] - edges[i]);
  const yaxis = { type: view.y_scale === "log" ? "log" : "linear", gridcolor: theme.grid, title: { text: "count" } };
  return { data: [{ type: "bar", x, y: Array.from(counts), width, hovertemplate: "%{x:.4~g}: %{y}<extra></extra>" }], layout: { ...plainLayout(theme), yaxis, bargap: 0 } };
}

function scatter(dimensions) {
  return ({ value, theme }) => {
    const rows = rowsOf(value);
    const [x, y, z] = [0, 1, 2].map((column) => rows.map((row) => row[column]));
    const trace = dimensions === 3
      ? { type: "scatter3d", mode: "markers", x, y, z, marker: { size: 3, color: theme.series[0] } }
      : { type: "scatter", mode: "markers", x, y, marker: { size: 5, color: theme.series[0] } };
    return { data: [trace], layout: plainLayout(theme) };
  };
}

/** A figure of a spec's own, with the series' values where it names them. */
function ownFigure({ view, store, theme }) {
  const figure = withSeries(view.figure ?? {}, store);
  return { data: figure.data ?? [], layout: { ...plainLayout(theme), ...figure.layout } };
}

/**
 * Puts values where `{"$series": name}` stands; `"field"` picks the column (`value`, `step`, `time`, `low`, `high`).
 *
 * @param {any} spec JSON.
 * @param {object} store the run's series.
 * @returns {any} a copy; the latest value for array series, all that is held for scalar ones.
 */
export function withSeries(spec, store) {
  if (Array.isArray(spec)) return spec.map((inner) => withSeries(inner, store));
  if (spec === null || typeof spec !== "object") return spec;
  if (typeof spec.$series !== "string") {
    return Object.fromEntries(Object.entries(spec).map(([key, inner]) => [key, withSeries(inner, store)]));
  }
  const [name] = matchNames([spec.$series], store.names());
  const array = store.arrays.get(name)?.latest?.value;
  if (array) return array.data ? (array.shape.length > 1 ? rowsOf(array) : Array.from(array.data)) : Array.from(array[spec.field] ?? array.counts ?? []);
  const parts = store.scalars.get(name)?.parts(-Infinity, Infinity) ?? [];
  return parts.flatMap(({ columns, from, to }) => Array.from(columns[spec.field ?? "value"].subarray(from, to)));
}

const FIGURES = {
  Heatmap: heatmap,
  ConfusionMatrix: heatmap,
  Bar: bars,
  HistogramChart: histogram,
  Scatter: scatter(2),
  Scatter3D: scatter(3),
  PlotlyFigure: ownFigure,
};

/**
 * The figure of a chart, or `null` where Plotly has nothing to add (tables, texts, images) or there is no value yet.
 *
 * @param {string} kind the chart's kind.
 * @param {{value: ?object, view: object, theme: object, store: object, lines: object[]}} subject
 */
export function figureOf(kind, subject) {
  const make = FIGURES[kind];
  const fits = subject.value?.shape || subject.value?.counts || kind === "PlotlyFigure" || (kind === "Bar" && subject.lines.length);
  return make && fits ? make(subject) : null;
}
