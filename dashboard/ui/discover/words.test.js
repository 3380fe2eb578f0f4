import assert from "node:assert/strict";
import { test } from "node:test";
import { argumentsOf, compareVersions, contentsText, costOf, gather, needText, requirementOf, sourceText, standingOf, stateOf, waitingOf } from "./words.js";
import { stepsText } from "./ran.js";

test("rows of one name are one bundle, what is loaded comes first, and problems stand apart", () => {
  const rows = [
    { name: "bidviz-metric-b", version: "0.1.0", source: "lab", summary: "B" },
    { name: "bidviz-metric-a", version: "0.1.0", source: "installed", installed: "0.1.0" },
    { name: "bidviz-metric-a", version: "0.10.0", source: "lab", hash: "ff", description: { metrics: [] } },
    { problem: "The registry far is down." },
  ];
  const { bundles, problems } = gather(rows, [{ name: "bidviz-metric-a", version: "0.1.0", installed: "0.1.0", state: "loaded", hash: "aa" }]);
  assert.deepEqual(problems, ["The registry far is down."]);
  assert.deepEqual(bundles.map(({ name }) => name), ["bidviz-metric-a", "bidviz-metric-b"]);
  const [a, b] = bundles;
  assert.deepEqual([a.newest, a.loaded, a.upgrade, a.code, a.rows[0].source], ["0.10.0", "0.1.0", true, "aa", "lab"]);
  assert.equal(stateOf(a).word, "0.1.0 loaded, 0.10.0 is there");
  assert.equal(stateOf(b).word, "not installed");
});

test("what only finds and installs bundles is listed as none", () => {
  const rows = ["bidviz-registry", "bidviz-metric-a"].map((name) => ({ name, version: "0.1.0", source: "installed" }));
  const listed = rows.map(({ name, version }) => ({ name, version, state: "loaded", serves: name === "bidviz-registry" }));
  assert.deepEqual(gather(rows, listed).bundles.map(({ name }) => name), ["bidviz-metric-a"]);
});

test("what is installed while other code still runs is said, with the button that loads it", () => {
  const listed = { name: "a", version: "0.1.0", installed: "0.2.0", outdated: true, state: "loaded", source: "environment", installed_source: "folder a" };
  assert.deepEqual(waitingOf(listed), { text: "0.2.0 is installed; 0.1.0 still runs", label: "Load 0.2.0" });
  assert.match(waitingOf({ ...listed, installed: "0.1.0" }).text, /with other code/);
  assert.equal(waitingOf({ ...listed, outdated: false }).label, "Load 0.2.0", "a new version of the same code is loaded too");
  assert.equal(waitingOf({ ...listed, installed: "0.1.0", outdated: false }), null);
  assert.equal(waitingOf({ ...listed, installed: "" }), null);
  const [a] = gather([{ name: "a", version: "0.2.0", source: "installed", installed: "0.2.0", loaded: "0.1.0" }], [listed]).bundles;
  assert.equal(stateOf(a).word, "0.2.0 is installed; 0.1.0 still runs");
  assert.equal(sourceText("installed", a.origin), "installed by this run from folder a");
  assert.equal(sourceText("installed", "environment"), "installed in the training's environment");
});

test("what runs and is not installed any more has a row, by its name", () => {
  const listed = [
    { name: "bidviz-metric-a", distribution: "bidviz-metric-a", version: "0.1.0", installed: "", state: "loaded", hash: "aa" },
    { name: "own", distribution: "", version: "", installed: "", state: "loaded" }, // the script's own plugin
  ];
  const { bundles } = gather([], listed, " Metric-A ");
  assert.deepEqual(bundles.map(({ name, loaded, installed, code, rows }) => ({ name, loaded, installed, code, rows })), [
    { name: "bidviz-metric-a", loaded: "0.1.0", installed: "", code: "aa", rows: [] },
  ]);
  assert.equal(stateOf(bundles[0]).word, "0.1.0 still runs; it is not installed any more");
  assert.deepEqual(gather([], listed, "other").bundles, []);
  const [found] = gather([{ name: "bidviz-metric-a", version: "0.2.0", source: "registry" }], listed).bundles;
  assert.equal(stateOf(found).word, "0.1.0 still runs; it is not installed any more");
  assert.equal(found.rows.length, 1);
});

test("versions are ordered by their numbers, and a pre-release comes before its release", () => {
  const sorted = ["1.10", "1.9", "1.10rc1", "2.0.dev1", "1.9.post1"].sort(compareVersions);
  assert.deepEqual(sorted, ["1.9", "1.9.post1", "1.10rc1", "1.10", "2.0.dev1"]);
  assert.equal(compareVersions("1.0", "1.0"), 0);
});

test("cost is that of a step at the cadence a metric starts with", () => {
  const metrics = [
    { name: "a", cost: 200, share: 0.02, every: 2, cost_on: "mlp", arguments: ["grads"] },
    { name: "b", cost: 100, share: 0.01, every: 1, cost_on: "mlp", arguments: ["params", "grads"] },
    { name: "c" },
  ];
  assert.match(costOf({ metrics }), /^about 200 µs a step, 2(\.0+)? % of a step on the sample mlp, 1 not measured$/);
  assert.equal(costOf({ metrics: [{ name: "a" }] }), "cost not measured");
  assert.equal(costOf(null), "");
  assert.deepEqual(argumentsOf({ metrics }), ["grads", "params"]);
  assert.equal(contentsText({ metrics, pages: [{}] }), "3 metrics · 1 page");
});

test("a need says what stands here", () => {
  assert.equal(needText({ requirement: "torch>=2", state: "there", installed: "2.6" }).word, "2.6 is there");
  assert.equal(needText({ requirement: "x", state: "conflict", installed: "1" }).tone, "bad");
  assert.equal(requirementOf("a", "1"), "a==1");
});

test("what ran says between which steps", () => {
  assert.equal(stepsText({}), "from the beginning to the end");
  assert.equal(stepsText({ since: 1200, until: 2000 }), "after step 1\u202f200 until step 2\u202f000");
});

test("what is only missing does not stand in the way where it may come along", () => {
  const needs = [{ requirement: "a>=1", state: "missing" }, { requirement: "b", state: "there" }];
  const said = { needs, refusals: ["It needs a>=1."], refusals_with_dependencies: [] };
  assert.deepEqual(standingOf(said), { refusals: [], missing: ["a>=1"] });
  const other = { ...said, refusals: ["It needs a>=1.", "No."], refusals_with_dependencies: ["No."] };
  assert.deepEqual(standingOf(other).refusals, ["No."]);
  // One that does not say how it would be with what it needs, or needs nothing.
  assert.deepEqual(standingOf({ needs, refusals: ["No."] }).refusals, ["No."]);
  assert.deepEqual(standingOf({ refusals: ["No."], refusals_with_dependencies: [] }).refusals, ["No."]);
  assert.deepEqual(standingOf(null), { refusals: [], missing: [] });
});
