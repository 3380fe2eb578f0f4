import assert from "node:assert/strict";
import { test } from "node:test";
import { overtaken, stateSentence } from "./states.js";

test("that a run goes on is said until it is paused again or over, and not before it has moved", () => {
  const said = { moves: true, step: 100 };
  assert.equal(overtaken(said, { state: "paused", step: 100 }), false, "told before it has gone on");
  assert.equal(overtaken(said, { state: "running", step: 250 }), false);
  assert.equal(overtaken(said, { state: "paused", step: 101 }), true);
  for (const state of ["lost", "failed", "ended", "stopped", "stuck"]) assert.equal(overtaken(said, { state, step: 100 }), true, state);
});

test("that a run is paused is said until it goes on", () => {
  const said = { moves: false, step: 100 };
  assert.equal(overtaken(said, { state: "running", step: 99 }), false, "told before it was paused");
  assert.equal(overtaken(said, { state: "running", step: 100 }), false);
  assert.equal(overtaken(said, { state: "paused", step: 100 }), false);
  assert.equal(overtaken(said, { state: "running", step: 101 }), true);
});

test("a pause says why where the run has paused by itself, and is not given a reason by anything else", () => {
  const paused = { state: "paused", step: 30, since: 0, paused_by: "anna", detail: "The connection broke just now." };
  assert.equal(stateSentence({ ...paused, reached: "loss < 0.1 holds" }), "Paused, as loss < 0.1 holds; serving your edits.");
  assert.equal(stateSentence(paused), "Paused by anna; serving your edits.");
});
