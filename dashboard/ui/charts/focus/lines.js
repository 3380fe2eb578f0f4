/** Plotly's traces and layout for series over steps: mean, band from least to largest, and marks for what is not finite. */

import { Columns } from "../columns.js";
import { smooth } from "../pixels.js";
import { isConstant } from "../range.js";
import { logAxis, powersIn } from "./log-axis.js";

const TITLES = { step: "step", epoch: "epoch", time: "time", elapsed: "seconds since start" };
const LOG_TICKS = ".4~g"; // without it Plotly writes the digit alone between two powers: 2 for 0.2
const AT = { nan: 0.02, below: 0.055, above: 0.98 }; // heights of the marks, as parts of the chart

/**
 * @param {{series: object, label: string, colour: string, dash?: string, along: object, steps: [number, number]}[]} lines `along`: see
 *   `along.js`; `steps`: the range in sight; `dash` tells other runs apart.
 * @param {{bad: string, weight?: number}} look `weight`: of what was, where the lines are smoothed; the records then lie pale beneath.
 * @returns {object[]} traces.
 */
export function lineTraces(lines, { bad, weight = 0 }) {
  return lines.flatMap(({ series, label, colour, dash, along, steps }) => {
    const parts = toTheEnd(alike(series.parts(...steps)), series.latest, steps);
    const columns = gather(parts, along);
    const base = { x: columns.x, mode: "lines", hoverlabel: { namelength: -1 }, legendgroup: label };
    const extent = columns.many ? "%{y:.6~g} (%{customdata[0]:.6~g} to %{customdata[1]:.6~g})" : "%{y:.6~g}";
    const line = { color: colour, width: 1.8, dash: dash ?? "solid" };
    const mean = { ...base, y: columns.value, customdata: columns.bounds, name: label, hovertemplate: extent, line };
    const drawn = weight ? [{ ...mean, showlegend: false, line: { ...line, color: translucent(colour, 0.35), width: 1.2 } }] : [mean];
    if (weight) drawn.push({ ...base, y: gather(smooth(parts, weight), along).value, name: `${label}, smoothed`, hovertemplate: "%{y:.6~g}", line });
    return [...(columns.many ? [bandTrace(columns, label, colour)] : []), ...drawn, ...markTraces(columns, label, bad)];
  });
}

/** The band from least to largest as outlines, one for each stretch without a gap: its edges show what a pale filling would not. */
function bandTrace({ x, bounds }, label, colour) {
  const [along, up] = [[], []];
  const put = (place, height) => {
    along.push(place);
    up.push(height);
  };
  for (let from = 0; from < x.length; ) {
    let to = from;
    while (to < x.length && bounds[to]) to++;
    for (let i = from; i < to; i++) put(x[i], bounds[i][1]);
    for (let i = to - 1; i >= from; i--) put(x[i], bounds[i][0]);
    if (to > from) put(null, null);
    from = Math.max(to, from + 1);
  }
  return {
    x: along, y: up, name: `${label}: least to largest`, legendgroup: label, showlegend: false, hoverinfo: "skip",
    mode: "lines", fill: "toself", fillcolor: translucent(colour, 0.25), line: { color: translucent(colour, 0.6), width: 1 },
  };
}

function markTraces({ x, nan, above, below }, label, colour) {
  const kinds = [["NaN", "nan", nan, "diamond"], ["+Inf", "above", above, "triangle-up"], ["−Inf", "below", below, "triangle-down"]];
  return kinds.flatMap(([word, at, present, symbol]) => {
    const places = x.filter((_, i) => present[i]);
    if (!places.length) return [];
    return [{
      x: places,
      y: places.map(() => AT[at]),
      yaxis: "y2",
      mode: "markers",
      marker: { symbol, size: 10, color: colour },
      name: `${label}: ${word}`,
      hovertemplate: "%{x}",
      cliponaxis: false,
    }];
  });
}

/**
 * Parts in equal shares: records that came after the history was read would stand beside its buckets as a solid block.
 *
 * @param {{columns: Columns, from: number, to: number, per: number}[]} parts `per`: the records that an entry stands for.
 */
export function alike(parts) {
  const per = Math.max(...parts.map((part) => part.per));
  return parts.map((part) => {
    const span = Math.round(per / part.per);
    if (!(span > 1)) return part;
    const columns = new Columns(Math.ceil((part.to - part.from) / span));
    columns.merge(part.columns, part.from, part.to, span);
    return { ...part, columns, from: 0, to: columns.length, per: part.per * span };
  });
}

/** A bucket stands at its first step: where the last one holds more, the line goes on to its last, as far as the run is. */
export function toTheEnd(parts, latest, [, stop]) {
  const { columns, to } = parts.at(-1) ?? {};
  if (!latest || latest.count > 1 || !(to > 0) || !(latest.step > columns.step[to - 1]) || latest.step > stop) return parts;
  const end = new Columns(1);
  end.merge(columns, to - 1, to, 1); // the bucket again: the last record alone would be a spike at the end
  end.step[0] = latest.step;
  end.time[0] = latest.time;
  end.nan[0] = 0; // its marks stand where it begins
  for (const bound of ["low", "high"]) if (!Number.isFinite(end[bound][0])) end[bound][0] = end.value[0];
  return [...parts, { columns: end, from: 0, to: 1, per: 1 }];
}

/** Plain lists: what Plotly takes everywhere, and can extend. Infinite bounds go to the edges as marks. */
function gather(parts, along) {
  const columns = { x: [], value: [], bounds: [], nan: [], above: [], below: [], many: false };
  const finite = (value) => (Number.isFinite(value) ? value : null);
  for (const { columns: source, from, to } of parts) {
    for (let i = from; i < to; i++) {
      columns.x.push(along.place(source.step[i], source.time[i]));
      columns.value.push(finite(source.value[i]));
      columns.bounds.push(boundsOf(source.low[i], source.high[i], source.value[i]));
      columns.nan.push(source.nan[i] > 0);
      columns.above.push(source.high[i] === Infinity);
      columns.below.push(source.low[i] === -Infinity);
      columns.many ||= source.low[i] < source.high[i];
    }
  }
  return columns;
}

/** Least and largest as far as they are finite; `null` where nothing is. */
function boundsOf(low, high, value) {
  const known = [low, high, value].filter(Number.isFinite);
  return known.length ? [Math.min(...known), Math.max(...known)] : null;
}

/**
 * The heights to draw where the traces are level but for what rounding makes of one number: fitted to that, they would zigzag.
 *
 * @param {object[]} traces
 * @returns {?[number, number]} `null` where they are to be fitted.
 */
export function levelRange(traces) {
  let [low, high] = [Infinity, -Infinity];
  for (const { y, yaxis } of traces) {
    if (yaxis) continue; // marks have heights of their own
    for (const one of y) if (Number.isFinite(one)) [low, high] = [Math.min(low, one), Math.max(high, one)];
  }
  if (!(low <= high) || !isConstant(low, high)) return null;
  const around = Math.abs(low) * 0.1 || 1;
  return [low - around, high + around];
}

/**
 * The layout that goes with the traces.
 *
 * @param {object} theme
 * @param {object} view
 * @param {{data: object[], size: [number, number], kind: string, range: ?any[], heights: ?any[], level: ?[number, number], shapes: object[],
 *   annotations: object[]}} sight `range` and `heights`: what a person has zoomed to along x and y.
 */
export function lineLayout(theme, view, { data, size: [width, height], kind, range, heights, level = null, shapes, annotations }) {
  const axis = { gridcolor: theme.grid, linecolor: theme.line, zerolinecolor: theme.line, automargin: true };
  const logX = view.x_scale === "log" && kind !== "time";
  const logY = view.y_scale === "log" && { tickformat: LOG_TICKS, ...logAxis(heights ?? powersIn(data, "y"), "y", height) };
  return {
    ...plainLayout(theme),
    hovermode: "x unified",
    xaxis: {
      ...axis,
      type: kind === "time" ? "date" : logX ? "log" : "linear",
      title: { text: TITLES[kind] },
      ...(logX && logAxis(range ?? powersIn(data, "x"), "x", width)),
      ...(range ? { range, autorange: false } : { autorange: true }),
    },
    yaxis: { ...axis, type: logY ? "log" : "linear", title: { text: view.unit ?? "" }, exponentformat: "SI", ...logY, ...(level && !logY ? { range: level, autorange: false } : {}) },
    yaxis2: { overlaying: "y", range: [0, 1], fixedrange: true, visible: false },
    shapes: [...shapes, ...referenceShapes(view.reference ?? [], theme)],
    annotations,
    legend: { orientation: "h", y: 1.02, yanchor: "bottom", x: 0 },
  };
}

/** What every chart in the view shares. */
export function plainLayout(theme) {
  return {
    paper_bgcolor: theme.surface,
    plot_bgcolor: theme.surface,
    font: { color: theme.text, family: theme.font, size: 12 },
    colorway: theme.series,
    margin: { l: 56, r: 20, t: 30, b: 44 },
    dragmode: "zoom",
    uirevision: "kept",
    hoverlabel: { bgcolor: theme.raised, bordercolor: theme.line, font: { color: theme.text } },
  };
}

function referenceShapes(references, theme) {
  return references.map(({ value, label }) => ({
    type: "line", xref: "paper", x0: 0, x1: 1, y0: value, y1: value,
    line: { color: theme.muted, width: 1, dash: "dash" },
    label: { text: label ?? "", textposition: "end", font: { color: theme.muted } },
  }));
}

function translucent(colour, alpha) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(colour.slice(at, at + 2), 16));
  return `rgba(${r},${g},${b},${alpha})`;
}
