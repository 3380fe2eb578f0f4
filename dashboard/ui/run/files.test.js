import assert from "node:assert/strict";
import { test } from "node:test";
import { readStats } from "./files.js";

test("a saved file gives its metrics, whichever of the two ways it was written", () => {
  const flat = { bidviz_metrics: 1, stats: { a: { name: "a", code: "1", every: 5 } } };
  const nested = { stats: { a: { name: "a", code: "1", ui: { every: 5 } } } };
  for (const form of [flat, nested]) {
    const [one] = readStats(JSON.stringify(form), "metrics.json");
    assert.deepEqual([one.name, one.code, one.every], ["a", "1", 5]);
  }
});

test("a file that is something else is refused with what was expected", () => {
  assert.throws(() => readStats("no json", "x.json"), /x\.json is no JSON: expected a file that/);
  assert.throws(() => readStats("{}", "x.json"), /x\.json has no metrics in it/);
});
