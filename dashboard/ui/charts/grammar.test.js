import assert from "node:assert/strict";
import { test } from "node:test";

import { Columns } from "./columns.js";
import { columnOf, lostNumbers, namedSeries, nested, rowsFor, withSeries } from "./grammar.js";
import { Series } from "./series.js";

const CONFUSION = { kind: "matrix", shape: [2, 2], data: Float64Array.of(1, 2, 3, 4), rows: ["a", "b"], columns: ["x", "y"] };
const COUNTS = { kind: "histogram", counts: Float64Array.of(1, 5), edges: Float64Array.of(0, 1, 3) };
const LAYERS = { kind: "table", columns: ["layer", "norm"], rows: [["conv", 1], ["head", NaN]] };

/** A store of the shape that the functions look at. */
function storeOf(scalars, arrays = {}) {
  const all = { scalars: new Map(Object.entries(scalars)), arrays: new Map(Object.entries(arrays)) };
  const names = () => [...all.scalars.keys(), ...all.arrays.keys()];
  const held = (name) => all.scalars.get(name)?.latest ?? all.arrays.get(name)?.latest;
  return { ...all, names, latest: held, kind: (name) => (all.scalars.has(name) ? "scalar" : all.arrays.get(name).latest.value.kind) };
}

function numbers(steps, values) {
  const series = new Series("loss");
  series.append(steps, steps, values, 0, 1);
  return series;
}

function buckets() {
  const series = new Series("loss");
  const columns = new Columns(0);
  const fill = { step: [0, 10, 20], value: [1, 1, 1], low: [0, 1, 1], high: [2, 1, 99], nan: [0, 1, 0], time: [0, 10, 20] };
  for (const [field, list] of Object.entries(fill)) columns[field] = Float64Array.from(list);
  Object.assign(columns, { length: 3, capacity: 3, count: Float64Array.of(10, 10, 10), first: new Float64Array(3), last: new Float64Array(3) });
  series.base = { columns, sequence: 0, per: 10 };
  return series;
}

const latest = (value) => ({ latest: { step: 7, value }, records: [{ step: 7, value }] });

test("the names in a spec are found wherever they stand", () => {
  const spec = { data: [{ x: { $series: "loss", field: "step" }, y: { $series: "loss" } }, { z: [{ $series: "m" }] }] };
  assert.deepEqual(namedSeries(spec), ["loss", "m"]);
  assert.deepEqual(withSeries(spec, ({ $series }) => $series), { data: [{ x: "loss", y: "loss" }, { z: ["m"] }] });
});

test("every record is a point, and a window takes the last ones", () => {
  const store = storeOf({ loss: numbers([1, 2, 3, 4], [9, NaN, 7, Infinity]) });
  assert.deepEqual(columnOf(store, { $series: "loss" }), [9, NaN, 7, Infinity]);
  assert.deepEqual(columnOf(store, { $series: "loss", field: "step" }, 1), [3, 4]);
  assert.equal(columnOf(store, { $series: "loss", field: "latest" }), Infinity);
  assert.equal(lostNumbers([[9, NaN], [7, Infinity]]), 2);
});

test("an entry of many records comes with its extremes, so that no spike and no NaN is lost", () => {
  const store = storeOf({ loss: buckets() });
  const value = columnOf(store, { $series: "loss" });
  assert.deepEqual(value, [0, 2, 1, NaN, 1, 99]);
  assert.equal(columnOf(store, { $series: "loss", field: "step" }).length, value.length);
});

test("values of other kinds give the columns they have", () => {
  const store = storeOf({}, { confusion: latest(CONFUSION), counts: latest(COUNTS), layers: latest(LAYERS) });
  assert.deepEqual(columnOf(store, { $series: "confusion" }), [[1, 2], [3, 4]]);
  assert.deepEqual(columnOf(store, { $series: "confusion", field: "columns" }), ["x", "y"]);
  assert.deepEqual(columnOf(store, { $series: "counts" }), [1, 5]);
  assert.deepEqual(columnOf(store, { $series: "counts", field: "centres" }), [0.5, 2]);
  assert.deepEqual(columnOf(store, { $series: "layers", field: "norm" }), [1, NaN]);
  assert.deepEqual(nested(Float64Array.of(), [0, 3]), []);
});

test("rows name what they are of", () => {
  const store = storeOf({ loss: numbers([1, 2], [5, 6]) }, { confusion: latest(CONFUSION), counts: latest(COUNTS) });
  const records = (name) => store.arrays.get(name).records;
  assert.deepEqual(rowsFor(store, { $series: "l*" }, null, records).map(({ series, step, value }) => [series, step, value]), [["loss", 1, 5], ["loss", 2, 6]]);
  assert.deepEqual(rowsFor(store, { $series: "confusion" }, null, records)[1], { series: "confusion", step: 7, row: "a", column: "y", value: 2 });
  assert.deepEqual(rowsFor(store, { $series: "counts" }, null, records)[0], { series: "counts", step: 7, from: 0, to: 1, centre: 0.5, count: 1 });
});
