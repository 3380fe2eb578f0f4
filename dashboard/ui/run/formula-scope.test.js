import assert from "node:assert/strict";
import { test } from "node:test";
import { formulaCompletion, formulaNames, readsMetrics, wordEnd } from "./formula-scope.js";
import { shapeOf } from "./policy-curve-shape.js";

const model = {
  hyperparameters: [
    { name: "lr", kind: "float" },
    { name: "betas[0]", kind: "float" },
    { name: "weight_decay", kind: "float" },
  ],
  catalogue: { series: { loss: "scalar", "loss/val": "scalar", weights: "histogram", "hp/lr": "scalar" } },
};

test("names that are no plain words are written so that they are understood", () => {
  const names = new Map(formulaNames(model, "weight_decay").map((one) => [one.label, one.apply]));
  assert.equal(names.get("lr"), "lr");
  assert.equal(names.get("betas[0]"), 'hp("betas[0]")');
  assert.equal(names.get("loss"), "loss");
  assert.equal(names.get("loss/val"), 'last("loss/val")');
  assert.equal(names.get("ewma"), "ewma(");
  assert.ok(!names.has("weights") && !names.has("hp/lr") && !names.has("weight_decay"));
});

test("inside quotes series are offered, and hyperparameters after hp", async () => {
  const complete = formulaCompletion(model, () => "lr");
  const labels = async (code) => (await complete(code, code.length)).map((one) => one.label);
  assert.ok((await labels('ewma("lo')).includes("loss/val"));
  assert.deepEqual(await labels('hp("'), ["betas[0]", "weight_decay"]);
  assert.ok((await labels("st")).includes("step"));
});

test("what reads a metric can be dry-run", () => {
  const { series } = model.catalogue;
  assert.ok(readsMetrics('ewma("loss", 0.9)', series));
  assert.ok(readsMetrics("0.1 * loss", series));
  assert.ok(!readsMetrics("0.1 * lr * step", { ...series, lr: "scalar" }));
  assert.ok(!readsMetrics("exp(-step)", series));
});

test("the mark under an error covers the word at its place", () => {
  assert.equal(wordEnd("1 + lrr * 2", 5), 8);
  assert.equal(wordEnd("1 + * 2", 5), 6);
  assert.equal(wordEnd("1 +", 4), 5);
});

test("the coming curve begins at the present, however old the answer is", () => {
  const past = { step: [1, 10], value: [1, 1], held: true };
  const coming = { step: [8, 9, 10, 11, 12], value: [5, 4, 3, 2, 1] };
  const shape = shapeOf({ past, coming, now: 10 });
  assert.deepEqual(shape.columns[1].step, [10, 11, 12]);
  assert.equal(shape.dot.x, shape.present);
  assert.equal(shape.words, "now to step 12: 3 → 1");
  assert.equal(shapeOf({ past, coming, now: 10, stale: true }).dot, null);
});

test("what stands above a curve says of which steps its numbers are", () => {
  const none = { step: [], value: [] };
  const coming = { step: [10, 11, 12, 2000], value: [3, 0.5, 4, 1] };
  const wanders = shapeOf({ past: none, coming, now: 10 }).words;
  assert.match(wanders, /^now to step 2\D?000: 3 → 1 · between 0.5000 and 4 on the way$/);
  const dry = shapeOf({ past: none, dry: { step: [1, 9], value: [1, 2] }, now: 9 }).words;
  assert.equal(dry, "dry run, step 1 to step 9: 1 → 2");
});

test("a hole in a curve is a hole", () => {
  const shape = shapeOf({ past: { step: [], value: [] }, coming: { step: [0, 1, 2], value: [1, NaN, 2] }, now: 0 });
  assert.equal(shape.lines[0].path.match(/M/g).length, 2);
});
