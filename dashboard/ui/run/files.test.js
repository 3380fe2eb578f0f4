import assert from "node:assert/strict";
import { test } from "node:test";
import { loadedText, readStats, savedText } from "./files.js";

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

test("a set that a run saved is named by its file, its run, what is in it and when", () => {
  const saved = { file: "metrics.json", name: "blobs", of: "a1", metrics: ["kept"], time: 1000 };
  assert.equal(savedText(saved, 1000 + 7200), "metrics.json of blobs (a1) · 1 metric · 2 h");
  const live = { ...saved, file: "live-metrics.json" };
  assert.equal(savedText(live, 1000 + 7200), "what was added live to blobs (a1) · 1 metric · 2 h");
});

test("what was loaded is named, and what was not with its reason", () => {
  const said = (form) => loadedText(JSON.stringify(form), "m.json of blobs");
  assert.equal(said({ loaded: ["a", "b"], refused: {} }), "Loaded a, b from m.json of blobs.");
  assert.equal(said({ loaded: [], refused: {} }), "Nothing was loaded from m.json of blobs. All its metrics are here already.");
  assert.equal(said({ loaded: ["a"], refused: { b: "no name c." } }), "Loaded a from m.json of blobs. b was left out: no name c.");
  assert.equal(said({ stats: {} }), "Metrics are loaded from m.json of blobs.", "a training of an older version names none");
});
