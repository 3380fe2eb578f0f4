import assert from "node:assert/strict";
import { test } from "node:test";
import { calmWords, costsMuch, costText, costTitle } from "./strip-words.js";

test("a run that is not there costs nothing any more", () => {
  assert.equal(costText({ cost: 0.031 }, true), "watching costs 3.1 %");
  assert.equal(costText({ cost: 0.031 }, false), "watching cost 3.1 %");
  assert.match(costTitle(true), /last 30 seconds of training/);
  assert.match(costTitle(false), /as the run last told it/);
});

test("a tenth of the training is much", () => {
  assert.equal(costsMuch({ cost: 0.099 }), false);
  assert.equal(costsMuch({ cost: 0.1 }), true);
  assert.equal(costsMuch({}), false);
});

test("where nothing of BIDViz failed, that is said, and not that the training is well", () => {
  for (const state of ["running", "paused", "ended"]) {
    const { text, tick, title } = calmWords(state);
    assert.deepEqual([text, tick], ["no metric failed", true]);
    assert.match(title, /How the training fares, the charts show/);
  }
});

test("only a run of which there is word has a tick", () => {
  const { text, tick } = calmWords("lost");
  assert.deepEqual([text, tick], ["no metric had failed, as far as it told", false]);
  assert.equal(calmWords("failed"), null);
});
