import assert from "node:assert/strict";
import { test } from "node:test";
import { matches, panelsOf } from "./panels.js";

const metric = (name, more = {}) => ({ name, charts: [], series: [name], ...more });

test("each chart of a metric is a panel, and a metric without charts is one", () => {
  const two = metric("norms", { charts: [{ kind: "Line", title: "Norms" }, { kind: "Bar" }] });
  const panels = panelsOf({ metrics: [metric("loss"), two], charts: [], series: { loss: "scalar", norms: "scalar" } });
  assert.deepEqual(
    panels.map(({ id, title }) => [id, title]),
    [
      ["metric:loss", "loss"],
      ["metric:norms", "Norms"],
      ["metric:norms:1", "norms"],
    ],
  );
});

test("the epochs and the values of policies have no panel", () => {
  assert.deepEqual(panelsOf({ metrics: [], charts: [], series: { epoch: "scalar", "hp/lr": "scalar" } }), []);
});

test("a series that belongs to no metric and to no chart has a panel of its own", () => {
  const charts = [{ kind: "Line", title: "Layers", series: ["layer/*"] }];
  const series = { "layer/0": "scalar", "val/loss": "scalar", sample: "image" };
  const panels = panelsOf({ metrics: [], charts, series });
  assert.deepEqual(
    panels.map(({ id, spec }) => [id, spec.kind]),
    [
      ["chart:Layers", "Line"],
      ["series:val/loss", "Line"],
      ["series:sample", "ImageGrid"],
    ],
  );
});

test("panels of one id are told apart", () => {
  const chart = { kind: "Line", title: "Same", series: ["a"] };
  const ids = panelsOf({ metrics: [], charts: [chart, { ...chart }], series: {} }).map(({ id }) => id);
  assert.equal(new Set(ids).size, 2);
});

test("patterns take names as they are but for the star", () => {
  assert.ok(matches("layer/*", "layer/0.weight"));
  assert.ok(!matches("layer.*", "layer/0"));
  assert.ok(matches("loss", "loss") && !matches("loss", "loss2"));
});

test("a panel of a page says what it waits for, and gives way to the one that comes", () => {
  const spec = { kind: "Line", title: "Cosine", series: ["cosine/*"] };
  const own = [{ id: "page:P:Cosine", title: "Cosine", spec, page: "P", panel: "metric:cosine", origin: "bidviz-metric-d 0.1.0" }];
  const none = { metrics: [], charts: [], series: { loss: "scalar" } };
  const [, waiting] = panelsOf(none, own);
  assert.equal(waiting.waits, "It waits for bidviz-metric-d 0.1.0, which is not loaded: see Discover.");
  assert.equal(panelsOf(none, [{ ...own[0], origin: "" }])[1].waits, "It waits for cosine/*, which this run does not have.");
  assert.equal(panelsOf({ ...none, series: { "cosine/a": "scalar" } }, own).find(({ own: id }) => id).waits, "");
  const metric = { name: "cosine", origin: "bidviz-metric-d 0.1.0", series: [], charts: [{ kind: "Line", title: "Cosine" }] };
  const loaded = { ...none, metrics: [metric] };
  const come = panelsOf(loaded, own).filter(({ title }) => title === "Cosine");
  assert.deepEqual(come.map(({ id, insteadOf }) => [id, insteadOf]), [["metric:cosine", "page:P:Cosine"]]);
  // Pages of former versions did not note which panel it was: the same kind and title are enough.
  const former = [{ id: "page:P:Cosine", title: "Cosine", spec, page: "P" }];
  assert.equal(panelsOf(loaded, former).filter(({ title }) => title === "Cosine").length, 1);
  // What a person made for itself stays.
  assert.equal(panelsOf(loaded, [{ id: "own:1", title: "Cosine", spec }]).filter(({ title }) => title === "Cosine").length, 2);
});
