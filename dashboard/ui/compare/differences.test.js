import assert from "node:assert/strict";
import { test } from "node:test";
import { differencesOf, pathOfRuns, sharedSeries } from "./differences.js";

const run = (config, held = {}) => ({
  run: { config, program: "train" },
  hyperparameters: Object.entries(held).map(([name, value]) => ({ name, value })),
  series: { loss: "scalar", weights: "histogram" },
});

test("only what differs is told, inner settings by their path", () => {
  const rows = differencesOf([run({ seed: 1, net: { width: 8, depth: 2 } }, { lr: 0.1 }), run({ seed: 1, net: { width: 16, depth: 2 } }, { lr: 0.2 })]);
  assert.deepEqual(rows, [
    { key: "net.width", values: ["8", "16"] },
    { key: "lr (now)", values: ["0.1", "0.2"] },
  ]);
});

test("a computed number is told in six digits, unless two of them were the same then", () => {
  const values = (one, other) => differencesOf([run({}, { lr: one }), run({}, { lr: other })])[0].values;
  assert.deepEqual(values(0.0041221474770752695, 0.05), ["0.00412215", "0.05"]);
  assert.deepEqual(values(0.0041221474770752695, 0.0041221474770752799), ["0.0041221474770752695", "0.00412214747707528"]);
});

test("of runs that are over it is told what a value was last", () => {
  const runs = [run({}, { lr: 0.1 }), run({}, { lr: 0.2 })];
  assert.deepEqual(differencesOf(runs, [true, true])[0].key, "lr (last)");
  assert.deepEqual(differencesOf(runs, [true, false])[0].key, "lr (now, or last)");
});

test("what a run lacks is a dash, also while it has not come", () => {
  assert.deepEqual(differencesOf([run({ a: "x" }), null]).find(({ key }) => key === "a"), { key: "a", values: ["x", "–"] });
});

test("the series of most runs come first, and only numbers", () => {
  const other = { ...run({}), series: { loss: "scalar", accuracy: "scalar" } };
  assert.deepEqual(sharedSeries([run({}), other]), [{ name: "loss", count: 2 }, { name: "accuracy", count: 1 }]);
});

test("the address names the runs", () => assert.equal(pathOfRuns(["a", "b c"]), "/compare/a,b%20c"));
