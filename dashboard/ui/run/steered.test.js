import assert from "node:assert/strict";
import { test } from "node:test";
import { leaseLeft, leaseText } from "./lease-text.js";
import { Past } from "./past.js";
import { differences, factorWords, folded, groupIn, holderOf, merged } from "./steered.js";

const info = (name, more = {}) => ({ name, value: 1, kind: "float", owner: "script", used: null, requested: null, mode: "", ...more });

test("groups lie under the name that stands for all, and a tuple's places do not", () => {
  const rows = folded([info("lr"), info("lr[0]"), info("lr[1]"), info("betas[0]"), info("betas[0][1]"), info("alpha")]);
  assert.deepEqual(
    rows.map((row) => [row.info.name, row.members.map((one) => one.name)]),
    [
      ["lr", ["lr[0]", "lr[1]"]],
      ["betas[0]", ["betas[0][1]"]],
      ["alpha", []],
    ],
  );
  assert.deepEqual(groupIn("lr[1]", ["lr", "lr[1]"]), ["lr", 1]);
  assert.deepEqual(groupIn("betas[0]", ["betas[0]"]), ["betas[0]", null]);
});

test("a beat's news take the place of what was held, and offers stay", () => {
  const offer = { target: "", policy: "warm_up", state: "offered" };
  const held = { hyperparameters: [info("lr"), info("momentum")], policies: [offer, { target: "lr", state: "armed" }] };
  const [infos, policies] = merged(held, [info("lr", { value: 2 })], []);
  assert.deepEqual(infos.map(({ name, value }) => [name, value]), [["lr", 2], ["momentum", 1]]);
  assert.deepEqual(policies, [offer]);
});

test("asked for, in force and used are told apart only where they differ", () => {
  assert.equal(differences(info("lr", { used: 1 }), String), "");
  assert.equal(differences(info("lr", { used: 2 }), String), "in force 1 · last update used 2");
  assert.equal(
    differences(info("lr", { value: 0.5, used: 0.5, requested: 0.5, mode: "override", base: 1 }), String),
    "the script says 1",
  );
  assert.equal(
    differences(info("lr", { value: 0.5, used: 0.5, requested: 0.5, mode: "scale", base: 1 }), String),
    "× 0.5 of 1",
  );
});

test("a factor is on what a scheduler says, where there is one", () => {
  assert.deepEqual([factorWords(true), factorWords(false)], ["× scheduler", "× script's value"]);
});

test("a policy that reads a hyperparameter is a dependency", () => {
  const held = info("weight_decay", { owner: "policy" });
  const names = new Set(["lr", "weight_decay"]);
  assert.equal(holderOf(held, { formula: "0.1 * lr", inputs: ["lr"] }, names).kind, "dependency");
  assert.equal(holderOf(held, { formula: "loss", inputs: ["loss"] }, names).kind, "policy");
  assert.equal(holderOf(info("lr", { owner: "person", author: "anna" }), null, names).text, "anna");
});

test("the past keeps changes, and forgets what lies beyond a step that was gone back to", () => {
  const past = new Past();
  for (const [step, value] of [[1, 1], [2, 1], [5, 2], [9, 3]]) past.take(step, [info("lr", { value })]);
  assert.deepEqual(past.of("lr"), { step: [1, 5, 9], value: [1, 2, 3] });
  past.take(6, [info("lr", { value: 2 })]);
  assert.deepEqual(past.of("lr"), { step: [1, 5], value: [1, 2] });
});

test("a lease says how many steps are left where it names the step", () => {
  assert.equal(leaseLeft("goes back at step 13,000 unless it is kept", 12_500), 500);
  assert.equal(leaseLeft("back at step 13000, or if the loss rises by 0.5", 12_999), 1);
  assert.equal(leaseLeft("back if the loss rises by 0.5", 10), 0);
  const text = leaseText("goes back at step 13,000 unless it is kept.", 2000);
  assert.equal(text, "goes back at step 13\u202f000 unless it is kept · 11\u202f000 steps to go");
});
