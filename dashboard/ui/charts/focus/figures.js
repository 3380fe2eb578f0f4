/** Plotly's figures for values that are no lines: one function a kind of chart, each from a panel-like `subject`. */

import { formatCount, formatNumber } from "../../numbers.js";
import { readingOf } from "../age.js";
import { cellWords } from "../renderers/ConfusionMatrix.js";
import { binsOf } from "../renderers/HistogramChart.js";
import { lostWords, plotlyFigure } from "../renderers/PlotlyFigure.js";
import { emptinessOf } from "../values.js";
import { plainLayout } from "./lines.js";
import { logAxis, powersOf } from "./log-axis.js";

const MARKED = 500; // cells that are no number and get a sign
const NUMBERED = 24; // classes whose cells have room for their numbers
const SINGLE = ["Heatmap", "HistogramChart", "ConfusionMatrix", "Scatter3D"]; // kinds whose figure is of one series

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

function bars({ value, view, theme, lines, store, heights: sight, height: room }) {
  const labels = value ? (view.rows?.length ? view.rows : Array.from(value.data, (_, i) => i)) : lines.map(({ label }) => label);
  const readings = value ? [] : lines.map(({ series }) => readingOf(store, series.name, null));
  const heights = value ? Array.from(value.data) : readings.map((reading) => reading?.value);
  // Zeros with a word on them: bars of no number would simply not be there.
  const words = (height, i) => [!Number.isFinite(height) && formatNumber(height), readings[i]?.past && `step ${formatCount(readings[i].step)}`];
  const text = heights.map((height, i) => words(height, i).filter(Boolean).join(", "));
  const shown = heights.map((height) => (Number.isFinite(height) ? height : 0));
  const yaxis = valueAxis(view, theme, shown, sight, room);
  const trace = { type: "bar", x: labels, y: shown, text, textposition: "outside", textfont: { color: theme.bad }, cliponaxis: false };
  // What is not of now is grey, with its step over it.
  if (readings.some((reading) => reading?.past)) trace.marker = { color: readings.map((reading) => (reading?.past ? theme.line : theme.series[0])) };
  return { data: [trace], layout: { ...plainLayout(theme), yaxis } };
}

/** An axis of values; `sight`: what a person has zoomed to, `room`: its length. */
function valueAxis({ y_scale: scale }, theme, values, sight, room) {
  if (scale !== "log") return { type: "linear", gridcolor: theme.grid };
  return { type: "log", gridcolor: theme.grid, ...logAxis(sight ?? powersOf(values), "y", room) };
}

function histogram({ value, view, theme, heights, height }) {
  const bins = binsOf(value);
  if (!bins) return null;
  const { counts, edges } = bins;
  const x = Array.from(counts, (_, i) => (edges[i] + edges[i + 1]) / 2);
  const width = Array.from(counts, (_, i) => edges[i + 1] - edges[i]);
  const yaxis = { ...valueAxis(view, theme, counts, heights, height), title: { text: "count" } };
  return { data: [{ type: "bar", x, y: Array.from(counts), width, hovertemplate: "%{x:.4~g}: %{y}<extra></extra>" }], layout: { ...plainLayout(theme), yaxis, bargap: 0 } };
}

function scatter(dimensions) {
  return ({ value, view, theme }) => {
    const rows = value.shape.length === 2 && value.shape[1] >= dimensions ? rowsOf(value) : null;
    if (!rows) return null;
    const [x, y, z] = [0, 1, 2].map((column) => rows.map((row) => row[column]));
    const trace = dimensions === 3
      ? { type: "scatter3d", mode: "markers", x, y, z, marker: { size: 3, color: theme.series[0] } }
      : { type: "scatter", mode: "markers", x, y, marker: { size: 5, color: theme.series[0] } };
    const lost = rows.filter((row) => !row.slice(0, dimensions).every(Number.isFinite)).length;
    return { data: [trace], layout: { ...plainLayout(theme), ...(dimensions === 2 && titled(view.columns, theme)) }, words: lost ? `${lost} of ${rows.length} points are not finite, and not drawn.` : "" };
  };
}

/** The names that a spec gives to the axes of points. */
function titled(names, theme) {
  if (!names?.length) return {};
  const axis = (text) => ({ gridcolor: theme.grid, automargin: true, ...(text && { title: { text } }) });
  return { xaxis: axis(names[0]), yaxis: axis(names[1]) };
}

/** A figure of a spec's own, with the series' values where it names them. */
function ownFigure(subject) {
  const { data, layout, lost } = plotlyFigure(subject);
  return { data, layout, words: lostWords(lost) };
}

/** The matrix with its numbers, the classes on its sides, and each cell's share of the true class. */
function confusion({ value, view, theme }) {
  const z = rowsOf(value);
  const size = z.length;
  if (z[0].length !== size) return null;
  const names = [view.rows, value.rows, view.columns, value.columns].find((list) => list?.length) ?? z.map((_, i) => i);
  const words = z.map((row, i) => row.map((_, j) => cellWords(value.data, size, i, j, names)));
  const trace = { type: "heatmap", z, x: names, y: names, customdata: words, hovertemplate: "%{customdata}<extra></extra>", colorscale: "Viridis" };
  const numbers = size <= NUMBERED ? { text: z.map((row) => row.map(formatNumber)), texttemplate: "%{text}" } : {};
  const axis = (title) => ({ title: { text: title }, type: "category", automargin: true });
  return {
    data: [{ ...trace, ...numbers }, ...signs(z, trace, theme)],
    layout: { ...plainLayout(theme), showlegend: false, xaxis: axis("predicted"), yaxis: { ...axis("true"), autorange: "reversed" } },
  };
}

const FIGURES = {
  Heatmap: heatmap,
  ConfusionMatrix: confusion,
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
 * @param {{value: ?object, view: object, theme: object, store: object, lines: object[], names: string[],
 *   record: (name: string) => ?object}} subject
 */
export function figureOf(kind, subject) {
  const { value, lines, names, store, view } = subject;
  const make = FIGURES[kind];
  if (!make || (SINGLE.includes(kind) && names.length > 1)) return null;
  if (kind === "Scatter3D" && !hasWebGL()) return null;
  if (kind === "PlotlyFigure") return (names.length ? names.some((name) => store.latest(name)) : view.figure) ? make(subject) : null;
  // A vector as a heatmap is one over steps, which the tile's own renderer draws.
  const drawable = value && !emptinessOf(value) && (value.counts || (value.shape && (kind !== "Heatmap" || value.shape.length > 1)));
  return drawable || (kind === "Bar" && lines.length) ? make(subject) : null;
}

let webgl = null;

/** Whether Plotly can draw in space here. */
function hasWebGL() {
  webgl ??= Boolean(document.createElement("canvas").getContext("webgl"));
  return webgl;
}
