import assert from "node:assert/strict";
import { test } from "node:test";
import { overtaken } from "./states.js";

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
