import assert from "node:assert/strict";
import { test } from "node:test";
import { backWords, hasTraceback, overtaken, stateSentence, waits } from "./states.js";

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

test("a run that goes back waits there where somebody has paused it, and goes on where a bad update has", () => {
  assert.equal(waits({ state: "paused", paused_by: "person" }), true);
  assert.equal(waits({ state: "paused", paused_by: "bad gradients" }), false);
  assert.equal(waits({ state: "running", paused_by: "" }), false);
  assert.equal(waits(null), false);
  assert.match(backWords(30, true), /^The training is back at step 30 and waits there: it is paused/);
  assert.equal(backWords(30, false), "The training is back at step 30 and goes on from there.");
});

test("a pause before a bad update says what is known, and what helps where skipping did not", () => {
  const paused = { state: "paused", step: 9838, since: 0, paused_by: "bad gradients" };
  const plain = (...given) => stateSentence(...given).replace(/\s/g, " ");
  assert.equal(
    plain(paused),
    "Paused before the update of step 9 839: a gradient is not finite. The update was not made; the weights are as step 9 838 left them.",
  );
  assert.match(plain({ ...paused, step: 0 }), /the weights are as they were at the start\.$/);
  assert.match(plain({ ...paused, skipped: 1 }), /not finite again, though the update before was skipped\. Skipping does not help\. .* go back to a checkpoint from before\.$/);
  assert.match(plain({ ...paused, skipped: 3 }), /though the 3 updates before were skipped/);
  assert.match(plain({ ...paused, skipped: 1 }, 0, "The loop is the script's."), /put good ones back, or stop and take a checkpoint up anew\.$/);
});

test("a pause before a bad update says where the model itself is ruined, and where good values are", () => {
  const paused = { state: "paused", step: 9838, since: 0, paused_by: "bad gradients", ruined: "0.weight and 2 more" };
  const plain = (...given) => stateSentence(...given).replace(/\s/g, " ");
  const known = "Paused before the update of step 9 839: a gradient is not finite, and neither is the model itself (0.weight and 2 more), which skipping does not mend: ";
  assert.equal(plain({ ...paused, back_to: 9000 }), `${known}go back to the checkpoint of step 9 000, or to one from before it.`);
  assert.equal(plain({ ...paused, back_to: 0 }), `${known}go back to the checkpoint of step 0, or to one from before it.`);
  assert.equal(plain({ ...paused, back_to: null }), `${known}no checkpoint is from before. Put good values back, or begin anew.`);
  assert.equal(
    plain({ ...paused, back_to: 9000 }, 0, "The loop is the script's."),
    `${known}put good values back, or stop and take a checkpoint up anew.`,
  );
  assert.match(plain({ ...paused, back_to: 0, skipped: 2 }), /not finite again, though the 2 updates before were skipped, and neither is the model itself .*: go back to/);
});

test("of a run that was lost its step comes first: a narrow column cuts the end", () => {
  const lost = stateSentence({ state: "lost", step: 7734, elapsed: 60 }, 1_790_000_000).replace(/\s/g, " ");
  assert.match(lost, /^Gone without a word at step 7 734: last seen [\d :-]+\.$/);
});

test("a run that a signal ended says so in a line, and where it was when it is asked for", () => {
  const killed = { state: "stopped", step: 9, since: 0, detail: "File train.py, line 3\nEnded by SIGTERM after step 9." };
  assert.equal(stateSentence(killed), "Ended by SIGTERM after step 9.");
  assert.equal(hasTraceback(killed), true);
  assert.equal(hasTraceback({ ...killed, detail: "" }), false);
  assert.equal(stateSentence({ ...killed, detail: "" }), "Stopped at step 9.");
});
