import assert from "node:assert/strict";
import { test } from "node:test";
import { becauseText, metricsToAdd, offeredPages, pageOf, placed, readPage } from "./page-file.js";

const panel = (id, more = {}) => ({ id, title: id, spec: { kind: "Line" }, metric: null, ...more });
const layout = (more = {}) => ({ version: 1, places: {}, view: {}, views: {}, hidden: [], own: [], ...more });

test("a page names its series, its places, and the bundle of each panel", () => {
  const metric = { name: "grad", series: ["grad/0", "grad/1"], origin: "bidviz-metric-x 0.1", code: "…", kind: "scalars" };
  const typed = { name: "mine", series: [], origin: "person", code: "grads.norm()", every: 2, where: "training", charts: [] };
  const panels = [
    panel("metric:mine", { metric: typed, spec: null, title: "mine" }),
    panel("metric:grad", { metric, spec: { kind: "Line", title: "Gradients" } }),
  ];
  const places = { "metric:mine": { x: 6, y: 0, w: 6, h: 5 }, "metric:grad": { x: 0, y: 0, w: 6, h: 5 } };
  const page = pageOf({ title: "Two", when: ["*.Linear"] }, panels, places, [metric, typed]);
  assert.deepEqual(page.panels[0], {
    chart: { bidviz_chart: 1, kind: "Line", title: "Gradients", series: ["grad/*"] },
    x: 0,
    y: 0,
    w: 6,
    h: 5,
    panel: "metric:grad",
    origin: "bidviz-metric-x 0.1",
  });
  assert.deepEqual(page.panels[1].chart.series, ["mine"]);
  assert.deepEqual(page.metrics, [{ name: "mine", source: "grads.norm()", every: 2, where: "training", chart: null }]);
  assert.deepEqual(readPage(JSON.stringify(page), "two.json"), page);
});

test("what is no page is refused with a sentence that names the file", () => {
  assert.throws(() => readPage("{", "a.json"), /a\.json is no JSON/);
  assert.throws(() => readPage('{"stats": {}}', "a.json"), /no page of panels/);
  assert.throws(() => readPage('{"bidviz_page": 2}', "a.json"), /version 2/);
  const outside = { bidviz_page: 1, panels: [{ chart: { kind: "Line" }, x: 10, w: 4 }] };
  assert.throws(() => readPage(JSON.stringify(outside), "a.json"), /Panel 1 of a\.json/);
});

test("a page takes the panels that the run has, makes the others, and leaves the rest below", () => {
  const page = readPage(
    JSON.stringify({
      bidviz_page: 1,
      title: "P",
      panels: [
        { chart: { kind: "Line", title: "loss", series: ["loss"] }, x: 0, y: 0, w: 12, h: 4, panel: "metric:loss" },
        { chart: { kind: "Line", title: "By title" }, x: 0, y: 4, w: 6, h: 4 },
        { chart: { kind: "Ridge", title: "Weights", series: ["w/*"] }, x: 6, y: 4, w: 6, h: 4, origin: "bidviz-metric-w 1" },
      ],
    }),
    "p.json",
  );
  const panels = [panel("metric:loss"), panel("chart:By title", { title: "By title" }), panel("series:acc"), panel("series:b")];
  const before = layout({
    places: { "series:acc": { x: 3, y: 5, w: 3, h: 5 }, "metric:loss": { x: 0, y: 0, w: 3, h: 5 } },
    hidden: ["metric:loss", "series:b"],
  });
  const { layout: after, missing, others } = placed(page, panels, before, ["loss", "acc"]);
  assert.deepEqual(after.places["metric:loss"], { x: 0, y: 0, w: 12, h: 4 });
  assert.deepEqual(after.places["chart:By title"], { x: 0, y: 4, w: 6, h: 4 });
  assert.equal(after.places["series:acc"].x, 3);
  assert.ok(after.places["series:acc"].y >= 8);
  assert.deepEqual(after.hidden, ["series:b"]);
  assert.deepEqual(others, ["series:acc", "series:b"]);
  assert.deepEqual(missing, [{ title: "Weights", origin: "bidviz-metric-w 1" }]);
  assert.equal(after.own.length, 1);
  // Opening it again makes no second copy.
  const own = after.own.map((one) => panel(one.id, { own: one.id, title: one.title }));
  assert.equal(placed(page, [...panels, ...own], after, []).layout.own.length, 1);
});

test("metrics that the run has are not added, other code under their name is told", () => {
  const page = { metrics: [{ name: "a", source: "1" }, { name: "b", source: "2" }, { name: "c", source: "3" }] };
  const { fresh, taken } = metricsToAdd(page, [{ name: "a", code: "1" }, { name: "b", code: "other" }]);
  assert.deepEqual(fresh.map(({ name }) => name), ["c"]);
  assert.deepEqual(taken, ["b"]);
});

test("pages for this model come first, those that cannot be read last", () => {
  const pages = [{ file: "bad", error: "no" }, { file: "other", fits: false }, { file: "all", fits: true }, { file: "mine", fits: true, because: ["a.B"] }];
  assert.deepEqual(offeredPages({ pages }).map(({ file }) => file), ["mine", "all", "other", "bad"]);
  assert.equal(becauseText(["torch.nn.MultiheadAttention", "x.MultiheadAttention"]), "MultiheadAttention");
});
