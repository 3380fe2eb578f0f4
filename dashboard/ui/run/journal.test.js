import assert from "node:assert/strict";
import { test } from "node:test";
import { authorsOf, entriesAround, fits, isMarked, kindOf, outcomeOf, reasonOf, rewindsOf, saidBeside, summaryOf, undoReason } from "./journal-entries.js";

const entry = (number, step, action, detail = {}, more = {}) => ({
  number, step, action, detail, author: "person", summary: `${action} ${number}`, success: true, ...more,
});

test("an entry has a kind, also one of an action that is not known here", () => {
  assert.deepEqual(
    ["setHyperparameter", "armPolicy", "addMetric", "evaluateCommand", "undoModelChange", "pauseTraining", "policyPinned"].map((action) => kindOf({ action })),
    ["hyperparameters", "policies", "metrics", "console", "model", "control", "policies"],
  );
});

test("a filter asks for author, kind and every word", () => {
  const one = entry(1, 5, "evaluateCommand", { code: "model.eval()" }, { summary: "model.eval()" });
  assert.ok(fits(one, {}));
  assert.ok(fits(one, { words: "EVAL person", kind: "console", author: "person" }));
  assert.ok(!fits(one, { words: "eval train" }));
  assert.ok(!fits(one, { kind: "metrics" }));
  assert.ok(!fits(one, { author: "script" }));
  assert.deepEqual(authorsOf([one, { ...one, author: "script" }, one]), ["person", "script"]);
});

test("an entry is found by its number, with what names it", () => {
  const entries = [entry(1, 5, "a"), entry(13, 7, "changeModel"), entry(130, 8, "b"), entry(131, 9, "undoModelChange", {}, { summary: "undid entry 13: freeze 0.*" })];
  const found = (words) => entries.filter((one) => fits(one, { words })).map(({ number }) => number);
  for (const words of ["#13", "entry 13", "Entry #13 "]) assert.deepEqual(found(words), [13, 131]);
  assert.deepEqual(found("undid"), [131]);
});

test("a change of the model can be undone while its copy is there and nothing stands over it", () => {
  const change = (number, names, more = {}) => entry(number, number, "changeModel", { names, undo: true, dropped: [], ...more });
  const first = change(1, ["a", "b"]);
  const second = change(2, ["b"]);
  assert.equal(undoReason(entry(3, 3, "addMetric"), []), null);
  assert.equal(undoReason(first, [first]), "");
  assert.match(undoReason(first, [first, second]), /undo entry 2 first/);
  assert.equal(undoReason(second, [first, second]), "");
  const undone = entry(3, 3, "undoModelChange", { number: 2 });
  assert.equal(undoReason(first, [first, second, undone]), "");
  assert.match(undoReason(second, [first, second, undone]), /was undone/);
  assert.match(undoReason(first, [first, change(4, ["c"], { dropped: [1] })]), /dropped/);
  assert.match(undoReason(change(5, ["a"], { undo: false }), []), /too large/);
});

test("around a step are the entries near to it, or the last before it", () => {
  const entries = [entry(1, 5, "a"), entry(2, 100, "b"), entry(3, 1000, "c")];
  assert.deepEqual(entriesAround(entries, 95).map((one) => one.number), [2]);
  assert.deepEqual(entriesAround(entries, 500).map((one) => one.number), [2]);
  assert.deepEqual(entriesAround(entries, 985).map((one) => one.number), [3]);
  assert.deepEqual(entriesAround([], 10), []);
});

test("a reason that stands in the line is not said beside it again", () => {
  const said = (summary, detail) => saidBeside(entry(1, 5, "setHyperparameter", detail, { summary }));
  assert.deepEqual(said("momentum: 0.9 → 0.5; try less momentum", { reason: "try less momentum" }), []);
  assert.deepEqual(said("lr: 0.1 at step 9", { reason: "it swings", note: "it swings" }), ["it swings"]);
  assert.deepEqual(said("paused", { reason: "", note: null }), []);
  assert.deepEqual(said("lr: 0.1 → 0.2; the lease of 5,000 steps is over", { reason: "the lease of 5,000 steps is over" }), []);
  assert.deepEqual(said("lr: 0.1 → 0.2", { reason: "the lease of 5,000 steps is over" }), ["the lease of 5\u202f000 steps is over"]);
  assert.deepEqual(said("lr is armed", { reason: "slower", note: "begins later" }), ["slower", "begins later"]);
});

test("what ran and raised has failed, and only what was not run was refused", () => {
  const failed = { success: false };
  assert.equal(outcomeOf(entry(1, 5, "evaluateCommand")), "");
  assert.equal(outcomeOf(entry(1, 5, "evaluateCommand", { error: "ZeroDivisionError: division by zero" }, failed)), "failed");
  assert.equal(outcomeOf(entry(1, 5, "evaluateCommand", {}, failed)), "failed"); // of a run before errors were kept
  assert.equal(outcomeOf(entry(1, 5, "evaluateCommand", { error: "Interrupted" }, failed)), "interrupted");
  assert.equal(outcomeOf(entry(1, 5, "disarmPolicy", { reason: "it gave NaN" }, failed)), "failed");
  assert.equal(outcomeOf(entry(1, 5, "setHyperparameter", {}, failed)), "refused");
});

test("a checkpoint that somebody saved is marked, with no stray word; those saved by themselves are not", () => {
  const save = (reason) => entry(1, 16032, "saveCheckpoint", { reason }, { summary: "checkpoint of step 16,032 saved" });
  assert.deepEqual(["person", "every", "condition", "start"].map((reason) => isMarked(save(reason))), [true, false, false, false]);
  assert.equal(reasonOf(save("person")), "");
  assert.equal(reasonOf(save("every")), "every n steps");
  assert.equal(reasonOf(entry(1, 5, "modifyParam", { reason: "person" })), "person"); // somebody's own word
  assert.equal(summaryOf(save("person")), "checkpoint of step 16\u202f032 saved");
  assert.equal(summaryOf(entry(1, 5, "evaluateCommand", {}, { summary: "# step 1,000" })), "# step 1,000");
  assert.ok(!isMarked(entry(1, 5, "pauseTraining", {}, { success: false })));
});

test("where a run went back is read from what it told, and not from what failed or took up a checkpoint at the beginning", () => {
  const back = entry(2, 5, "restoreCheckpoint", { from: 9, to: 5, time: 70 }, { time: 71 });
  const others = [
    entry(1, 0, "restoreCheckpoint", { from: 0, to: 0, time: 1 }),
    entry(3, 9, "restoreCheckpoint", { from: 9, to: 5 }, { success: false }),
    entry(4, 9, "saveCheckpoint", { from: 9, to: 5 }),
    entry(5, 5, "restoreCheckpoint"),
  ];
  assert.deepEqual(rewindsOf([...others, back]), [{ step: 5, time: 70 }]);
});
