import assert from "node:assert/strict";
import { test } from "node:test";
import { formatCount } from "../numbers.js";
import { aftermath, entryOf, takenUp, takenUpText } from "./change-after.js";

const entry = (number, step, action, detail, more = {}) => ({ number, step, action, detail, author: "person", summary: "", success: true, ...more });
const own = entry(4, 6929, "setHyperparameter", { name: "momentum", applied: 0.5, lease: { steps: 60, loss_rise: null } });
const back = (number, name, applied, reason = "the lease of 60 steps is over") =>
  entry(number, 6989, "releaseHyperparameter", { name, applied, reason }, { author: "bidviz" });
const byScript = () => "script";
const textOf = (...later) => aftermath([own, ...later], own, byScript)?.text;

test("a change's own entry is found by its name and step, among those after it was asked for", () => {
  const journal = [entry(3, 6929, "setHyperparameter", { name: "momentum" }), own];
  assert.equal(entryOf(journal, { name: "momentum", step: 6929, after: 3, release: false }), own);
  assert.equal(entryOf(journal, { name: "momentum", step: 6929, after: 4, release: false }), undefined);
  assert.equal(entryOf(journal, { name: "momentum", step: 6929, after: 3, release: true }), undefined);
});

test("a change that was to come is said to have taken hold, or why it could not", () => {
  const asked = entry(4, 10, "scheduleHyperparameter", { name: "lr", value: 0.5, at: 20 });
  const byHand = entry(5, 15, "setHyperparameter", { name: "lr", applied: 0.3 });
  const taken = entry(6, 20, "setHyperparameter", { name: "lr", applied: 0.5 });
  const wanted = { name: "lr", at: 20, after: 3 };
  assert.equal(takenUp([asked, byHand], wanted), undefined);
  assert.equal(takenUp([asked, byHand, taken], wanted), taken);
  assert.equal(takenUpText(taken), "lr is 0.5 since step 20, as was asked for.");
  const refused = entry(6, 20, "setHyperparameter", { name: "lr", value: 0.5 }, { success: false, summary: "There is no lr." });
  assert.match(takenUpText(takenUp([asked, refused], wanted)), /lr was to be set at step 20, and was not: There is no lr\./);
});

test("a change that stands has nothing more to say, whatever else is done to the run", () => {
  const others = [entry(5, 6950, "setHyperparameter", { name: "lr", applied: 1 }), entry(6, 6951, "addMetric", {})];
  assert.equal(aftermath([own, ...others], own, byScript), null);
  assert.equal(textOf(entry(5, 6950, "setHyperparameter", { name: "momentum" }, { success: false })), undefined);
});

test("a lease that is over says what the value is again", () => {
  assert.deepEqual(aftermath([own, back(5, "momentum", 0.9)], own, byScript), {
    text: `The lease is over: momentum is 0.9 again since step ${formatCount(6989)}.`,
    over: true,
  });
  assert.match(textOf(back(5, "momentum[0]", 0.9), back(6, "momentum[1]", 0.8)), /momentum\[0\] is 0\.9, momentum\[1\] is 0\.8 again/);
  assert.match(textOf(back(5, "momentum", 0.9, "the smoothed loss rose to 2, from 1")), /over, as the smoothed loss rose to 2, from 1: mom/);
  assert.match(aftermath([own, back(5, "momentum", 0.9)], own, () => "scheduler").text, /over: the scheduler has momentum again/);
});

test("a lease that is kept leaves the way back; what comes after takes it", () => {
  const kept = entry(5, 6940, "keepChange", { name: "momentum" });
  assert.match(aftermath([own, kept], own, byScript).text, /^momentum stays 0\.5: it was kept at step/);
  assert.equal(aftermath([own, kept], own, byScript).over, false);
  const set = entry(6, 6950, "setHyperparameter", { name: "momentum[1]", applied: 0.3 }, { author: "anna" });
  assert.match(textOf(kept, set), /^momentum\[1\] is 0\.3 since step .*, set by anna after this change\.$/);
  assert.match(textOf(entry(5, 6940, "releaseHyperparameter", { name: "momentum", applied: 0.9 })), /was released at step/);
  assert.match(textOf(entry(5, 100, "restoreCheckpoint", { id: "a" })), /taken back after this change of momentum/);
});
