import assert from "node:assert/strict";
import { test } from "node:test";
import { isBreak } from "./breaks.js";
import { Columns } from "./columns.js";
import { PixelColumns, smooth } from "./pixels.js";

const columns = (steps) => {
  const made = new Columns();
  for (const step of steps) made.append(step, step % 7, step, 0);
  return made;
};
const run = (from, to, every = 1) => Array.from({ length: Math.floor((to - from) / every) + 1 }, (_, i) => from + i * every);
const breaksOf = (steps) => {
  const made = columns(steps);
  return steps.slice(1).filter((_, i) => isBreak(made, i, made, i + 1));
};

test("a line breaks where a metric was set aside, and nowhere else", () => {
  assert.deepEqual(breaksOf([...run(1, 1350), ...run(1777, 3000)]), [1777]);
  assert.deepEqual(breaksOf([...run(20, 400, 20), ...run(9000, 9400, 20)]), [9000]);
});

test("what is recorded seldom, or more seldom from some step on, is one line", () => {
  assert.deepEqual(breaksOf(run(500, 9000, 500)), []);
  assert.deepEqual(breaksOf([...run(1, 300), ...run(364, 3000, 64)]), []);
  assert.deepEqual(breaksOf([...run(64, 3008, 64), ...run(3009, 3300)]), []);
  assert.deepEqual(breaksOf([1, 2, 3, 5000, 9000]), []);
});

test("values of one step, as often as it has some, are no habit", () => {
  const epochs = run(100, 1500, 100).flatMap((step) => Array(10).fill(step));
  assert.deepEqual(breaksOf(epochs), []);
});

test("the columns of pixels know it, at the border of two stretches too, and a bucket ends there", () => {
  const [early, late] = [columns(run(0, 99)), columns(run(900, 999))];
  early.count.fill(4); // buckets
  const parts = [
    { columns: early, from: 0, to: 100 },
    { columns: late, from: 0, to: 100 },
  ];
  const seen = new PixelColumns().fill(parts, "step", (step) => step / 2, 0, 500);
  const at = seen.x.subarray(0, seen.length).findIndex((x) => x >= 450);
  assert.deepEqual([...seen.broken.subarray(0, seen.length)].flatMap((broken, i) => (broken ? [i] : [])), [at]);
  assert.ok(seen.end[at - 1] < 60);
  const smoothed = new PixelColumns().fill(smooth(parts, 0.5), "step", (step) => step / 2, 0, 500);
  assert.equal(smoothed.broken[at], 1);
});

test("a range that begins within a gap has no line from its edge", () => {
  const whole = columns([...run(0, 99), ...run(900, 999)]);
  const seen = new PixelColumns().fill([{ columns: whole, from: 99, to: 200 }], "step", (step) => step - 500, 0, 500);
  assert.deepEqual([...seen.broken.subarray(0, 3)], [0, 1, 0]);
});
