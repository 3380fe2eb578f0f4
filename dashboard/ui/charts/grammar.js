/**
 * Data for specs in other grammars: what stands where they say `{"$series": name}`.
 *
 * A series of numbers is handed over with every extreme in it: an entry that stands for several records comes as its least and
 * its largest value (and as NaN, where one is among them), one after the other, so that a line through them shows each spike.
 */

import { matchNames } from "./choose.js";

const CELLS = 100_000; // rows made of one value at most

/** The names and patterns that a spec's free parts ask for. */
export function namedSeries(spec) {
  const found = new Set();
  const visit = (inner) => {
    if (Array.isArray(inner)) inner.forEach(visit);
    else if (inner && typeof inner === "object") {
      if (typeof inner.$series === "string") found.add(inner.$series);
      else Object.values(inner).forEach(visit);
    }
  };
  visit(spec);
  return [...found];
}

/**
 * Puts values where `{"$series": name}` stands.
 *
 * @param {any} spec JSON.
 * @param {(reference: {$series: string, field?: string, last?: number}) => any} give what stands there instead.
 * @returns {any} a copy.
 */
export function withSeries(spec, give) {
  if (Array.isArray(spec)) return spec.map((inner) => withSeries(inner, give));
  if (spec === null || typeof spec !== "object") return spec;
  if (typeof spec.$series === "string") return give(spec);
  return Object.fromEntries(Object.entries(spec).map(([key, inner]) => [key, withSeries(inner, give)]));
}

/**
 * A column: what Plotly wants.
 *
 * @param {object} store the run's series.
 * @param {{$series: string, field?: string}} reference
 * @param {?number} window the last n steps; all of the run without.
 * @param {(name: string) => ?object} [recordOf] which record of a series of arrays; the latest without.
 * @returns {any[] | number} numbers; rows of a value with two dimensions; texts for names; one number for the field `latest`.
 */
export function columnOf(store, { $series, field = "value" }, window = null, recordOf = latestOf(store)) {
  const names = matchNames([$series], store.names());
  if (field === "latest") return store.latest(names[0])?.value ?? null;
  return names.flatMap((name) => {
    if (store.kind(name) === "scalar") return entriesOf(store, name, window).map((entry) => entry[field] ?? null);
    return columnOfValue(recordOf(name)?.value, field);
  });
}

/**
 * Rows: what Vega-Lite wants.
 *
 * @param {(name: string, count: number) => object[]} recordsOf the last records of a series of arrays.
 * @returns {object[]} `{series, step, time, value, low, high}` for numbers, `{series, step, …}` for each cell, bin or row of
 *   other values.
 */
export function rowsFor(store, { $series, last = 1 }, window, recordsOf) {
  const rows = [];
  for (const name of matchNames([$series], store.names())) {
    if (store.kind(name) === "scalar") {
      for (const entry of entriesOf(store, name, window)) rows.push({ series: name, ...entry });
    } else {
      for (const { step, value } of recordsOf(name, last)) {
        for (const row of rowsOfValue(value)) rows.push({ series: name, step, ...row });
      }
    }
  }
  return rows;
}

function latestOf(store) {
  return (name) => store.arrays.get(name)?.latest;
}

function entriesOf(store, name, window) {
  const series = store.scalars.get(name);
  const end = series?.extent()?.[1];
  if (end === undefined) return [];
  const start = window ? end - window : -Infinity;
  const entries = [];
  for (const { columns, from, to } of series.parts(start, Infinity)) {
    const { step, time, value, low, high, nan, count } = columns;
    for (let i = from; i < to; i++) {
      if (step[i] < start) continue;
      const base = { step: step[i], time: time[i], low: low[i], high: high[i] };
      if (count[i] <= 1 || !(low[i] < high[i])) entries.push({ ...base, value: value[i] });
      else entries.push({ ...base, value: low[i] }, { ...base, value: high[i] });
      if (count[i] > 1 && nan[i] > 0 && value[i] === value[i]) entries.push({ ...base, value: NaN });
    }
  }
  return entries;
}

function columnOfValue(value, field) {
  if (!value) return [];
  const { kind } = value;
  if (kind === "histogram") {
    const centres = () => Array.from(value.counts, (_, i) => (value.edges[i] + value.edges[i + 1]) / 2);
    if (field === "centres") return centres();
    return Array.from(field === "edges" ? value.edges : value.counts);
  }
  if (kind === "table") {
    const at = value.columns.indexOf(field);
    return at >= 0 ? value.rows.map((row) => row[at] ?? null) : value.rows;
  }
  if (kind === "text") return [value.text];
  if (field === "rows" || field === "columns") return [...(value[field] ?? [])];
  return nested(value.data, value.shape);
}

/** A flat array as lists of lists. */
export function nested(data, [length, ...rest]) {
  if (!rest.length) return Array.from(data);
  const width = length ? data.length / length : 0;
  return Array.from({ length }, (_, i) => nested(data.subarray(i * width, (i + 1) * width), rest));
}

function rowsOfValue(value) {
  const { kind } = value;
  if (kind === "table") return value.rows.map((row) => Object.fromEntries(value.columns.map((name, i) => [name, row[i] ?? null])));
  if (kind === "text") return [{ text: value.text }];
  if (kind === "histogram") {
    const { counts, edges } = value;
    return Array.from(counts, (count, i) => ({ from: edges[i], to: edges[i + 1], centre: (edges[i] + edges[i + 1]) / 2, count }));
  }
  const { shape, data, rows, columns } = value;
  const length = Math.min(data.length, CELLS);
  if (shape.length < 2) return Array.from({ length }, (_, i) => ({ index: i, value: data[i] }));
  const wide = shape[shape.length - 1];
  return Array.from({ length }, (_, i) => {
    const [row, column] = [Math.floor(i / wide), i % wide];
    return { row: rows?.[row] ?? row, column: columns?.[column] ?? column, value: data[i] };
  });
}

/** How many of the numbers in data are not finite: what a grammar leaves out without a word. */
export function lostNumbers(data) {
  let lost = 0;
  const visit = (inner) => {
    if (typeof inner === "number") lost += Number.isFinite(inner) ? 0 : 1;
    else if (Array.isArray(inner)) inner.forEach(visit);
  };
  visit(data);
  return lost;
}
