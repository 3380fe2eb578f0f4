import assert from "node:assert/strict";
import { test } from "node:test";
import { setSentence, usedBy, waitingText } from "./change.js";

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

test("a value set in a pause is said to be read back once an update has used it", () => {
  const reply = { step: 900, data: { applied: 0.01, used: 0.1, note: "rounded; used from the next update on" } };
  assert.equal(setSentence(reply, "lr", {}), "lr is 0.01 since step 900. Rounded; used from the next update on.");
  assert.equal(usedBy(reply, { used: 0.1 }, 900), null);
  assert.equal(usedBy(reply, { used: 0.1 }, 901), null, "what the page knows may be of the update before");
  assert.equal(usedBy(reply, undefined, 901), null);
  assert.equal(setSentence(usedBy(reply, { used: 0.01 }, 901), "lr", {}), "lr is 0.01 since step 900, read back. Rounded.");
  assert.equal(usedBy({ ...reply, data: { ...reply.data, note: "" } }, { used: 0.01 }, 901), null);
});
