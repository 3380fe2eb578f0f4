import assert from "node:assert/strict";
import { test } from "node:test";
import { waitingText } from "./change.js";

const release = { method: "releaseHyperparameter" };
const set = { method: "setHyperparameter" };

test("a policy over which a number is set waits, and the way back to it is said", () => {
  const policy = { policy: "", formula: "0.1 * lr", state: "armed" };
  assert.equal(waitingText(policy, "w", [release]), "The policy 0.1 * lr waits: Undo or Release gives w back to it.");
  assert.equal(waitingText({ ...policy, state: "pinned" }, "w", [set]), "The policy 0.1 * lr waits: Release gives w back to it.");
  assert.equal(waitingText({ ...policy, policy: "step_decay" }, "w", [release, set]), "The policy step decay waits: Release gives w back to it.");
});

test("without a policy in force nothing is said of one", () => {
  assert.equal(waitingText(null, "w", [release]), "");
  assert.equal(waitingText({ formula: "1", state: "disarmed" }, "w", [release]), "");
});
