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
