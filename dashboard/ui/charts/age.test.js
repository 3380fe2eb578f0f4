import assert from "node:assert/strict";
import { test } from "node:test";
import { isPast, readingOf, usualDistance } from "./age.js";
import { Columns } from "./columns.js";
import { Series } from "./series.js";
import { SeriesStore } from "./store.js";

const nothing = async () => [];

/** A store to which batches are told as `[{loss: steps, …}, …]`; the values are the steps. */
function storeOf(...batches) {
  const store = new SeriesStore({ run: "run", requestHistory: nothing, requestArrays: nothing });
  batches.forEach((series, at) => {
    const blocks = [];
    const buffers = [];
    for (const [name, steps] of Object.entries(series)) {
      blocks.push({ names: [name], at: buffers.length });
      for (let column = 0; column < 3; column++) buffers.push({ data: Float64Array.from(steps) });
    }
    store.applyFrame({ header: { type: "batch", run: "run", sequence: at + 1, blocks }, buffers });
  });
  return store;
}

const every = (distance, to, from = distance) => {
  const steps = [];
  for (let step = from; step <= to; step += distance) steps.push(step);
  return steps;
};
const pastOf = (store, step = null) =>
  [...store.scalars.keys()].filter((name) => readingOf(store, name, step).past);

test("a series that has ended is told from those that go on", () => {
  const store = storeOf({ emb: every(10, 8000), lstm: every(10, 3680), head: every(10, 8000) });
  assert.deepEqual(pastOf(store), ["lstm"]);
  assert.equal(readingOf(store, "lstm", null).value, 3680);
  assert.deepEqual(pastOf(store, 3000), []);
  assert.deepEqual(pastOf(store, 6000), ["lstm"]);
});

test("series that are recorded seldom are as present as others", () => {
  const store = storeOf({ loss: every(1, 2999), norm: every(10, 2990), validation: every(500, 2500) });
  assert.deepEqual(pastOf(store), []);
  assert.deepEqual(pastOf(store, 1400), []);
});

test("one that was made more seldom has the time of its new habit", () => {
  const seldom = storeOf({ loss: every(1, 3000), norm: [...every(10, 1000), 1500] }, { loss: every(1, 3500, 3001) });
  assert.deepEqual(pastOf(seldom), []);
});

test("a paused run, or one that is over, has its last values", () => {
  assert.deepEqual(pastOf(storeOf({ loss: every(1, 700), norm: every(100, 700) })), []);
});

test("a single old value is of the past, and after going back the newest step is that of the new course", () => {
  assert.deepEqual(pastOf(storeOf({ once: [3], loss: every(1, 1000) })), ["once"]);
  const back = storeOf({ loss: every(1, 1000), norm: every(10, 1000) }, { loss: every(1, 420, 401), norm: every(10, 420, 410) });
  assert.equal(back.newest, 420);
  assert.deepEqual(pastOf(back), []);
});

test("history in buckets has the distance of its records, and a bucket is as wide as it is", () => {
  const columns = new Columns();
  for (const step of every(80, 8000)) columns.append(step, 1, 0, 0);
  columns.count.fill(8);
  const series = new Series("loss");
  series.adopt(columns, 0, 8);
  assert.equal(usualDistance(series), 10);
  assert.equal(isPast({ step: 4000, count: 8 }, 4079, 10), false);
  assert.equal(series.latest.count, 8);
});
