import assert from "node:assert/strict";
import { test } from "node:test";
import { boundsOf, nearest, pathOf, runsAwayAt, scaleOf } from "./curves.js";
import { outcomeOf, numericOf } from "./whatif-result.js";

test("a scale goes from edge to edge, by the logarithm where that is wanted", () => {
  assert.equal(scaleOf([0, 10], [100, 200], false)(5), 150);
  assert.equal(Math.round(scaleOf([0.001, 1000], [0, 60], true)(1)), 30);
  assert.ok(Number.isFinite(scaleOf([1, 1], [0, 10], false)(1)));
});

test("bounds leave out what is no number, and never have no width", () => {
  assert.deepEqual(boundsOf([[1, NaN, 3], [Infinity]]), [1, 3]);
  assert.deepEqual(boundsOf([[]]), [0, 1]);
  const [low, high] = boundsOf([[2, 2]]);
  assert.ok(low < 2 && high > 2);
});

test("a path breaks where a value is none", () => {
  const same = (value) => value;
  assert.equal(pathOf([0, 1, 2, 3], [0, 1, NaN, 3], same, same), "M0.0 0.0L1.0 1.0M3.0 3.0");
});

test("a curve is cut where it runs away for good", () => {
  assert.equal(runsAwayAt([2, 1, 3, 50, 1e9, "NaN"]), 3);
  assert.equal(runsAwayAt([2, 1e9, 1, 2]), 4);
  assert.equal(runsAwayAt([2, 1, 0.5]), 3);
  assert.equal(runsAwayAt([]), 0);
  assert.equal(runsAwayAt([-1, -2]), 2);
});

test("the nearest point is picked", () => {
  assert.equal(nearest([0, 10, 20], 14), 1);
  assert.equal(nearest([5], 99), 0);
});

test("the outcome says both ends, over the last part of the steps", () => {
  const falling = Array.from({ length: 20 }, (_, i) => 2 - i / 20);
  const outcome = outcomeOf({ present: falling, other: falling.map((loss) => loss / 2) });
  assert.ok(outcome.other < outcome.present);
  assert.equal(outcome.better, "other");
  assert.equal(outcomeOf({ present: falling, other: [...falling.slice(1), NaN] }).better, "present");
});

test("what can be tried is a number that may be set", () => {
  const all = [
    { name: "lr", value: 0.1, settable: "" },
    { name: "betas", value: "x", settable: "" },
    { name: "eps", value: 1e-8, settable: "only read" },
  ];
  assert.deepEqual(numericOf(all).map(({ name }) => name), ["lr"]);
});
