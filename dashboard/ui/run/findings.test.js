import assert from "node:assert/strict";
import { test } from "node:test";
import { panelOf, rulesOf, shortText, standing, summaryOf } from "./findings.js";

const found = (rule, level) => ({ rule, level, text: rule, step: 1, since: 1 });

test("what stands comes first, the worst of it before the rest", () => {
  const findings = [found("a", "ok"), found("b", "warning"), found("c", "bad")];
  assert.deepEqual(standing(findings).map(({ rule }) => rule), ["c", "b"]);
  assert.equal(summaryOf(findings), "✓ 1 rule · ⚠ 2 rules");
  assert.equal(summaryOf([found("a", "ok")]), "✓ 1 rule");
  assert.equal(summaryOf([found("a", "bad")]), "⚠ 1 rule");
  assert.equal(summaryOf([]), "");
  assert.ok(shortText("x".repeat(200)).length <= 80);
});

test("rules are counted while they watch, also those that never found anything", () => {
  const known = ["a", "b", "c", "d"].map((rule) => ({ rule, on: rule !== "d" }));
  assert.equal(summaryOf([], known), "✓ 3 rules");
  const findings = [found("a", "ok"), found("b", "bad"), found("d", "ok"), found("own", "ok")];
  assert.equal(summaryOf(findings, known), "✓ 3 rules · ⚠ 1 rule"); // a, c, and one of the script's
  assert.deepEqual(rulesOf(findings, known), { calm: ["a", "c", "own"], stands: ["b"], off: ["d"] });
});

test("a finding leads to the chart it names, or to one that shows its series", () => {
  const metric = { name: "dead", series: ["dead/1", "dead/2"] };
  const panels = [
    { title: "Loss", spec: null, metric: { name: "loss", series: ["loss"] } },
    { title: "Dead, all", spec: { series: ["dead/*"] }, metric: null },
    { title: "Dead", spec: {}, metric },
  ];
  assert.equal(panelOf({ series: "dead/2", chart: "Dead" }, panels).title, "Dead");
  assert.equal(panelOf({ series: "dead/2" }, panels).title, "Dead, all");
  assert.equal(panelOf({ series: "loss" }, panels).title, "Loss");
  assert.equal(panelOf({ chart: "Loss" }, panels).title, "Loss");
  assert.equal(panelOf({ series: "gone" }, panels), null);
  assert.equal(panelOf({}, panels), null);
});
