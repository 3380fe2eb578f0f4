import assert from "node:assert/strict";
import { test } from "node:test";
import { calmWords, costsMuch, costText, costTitle, sumText, sumTitle } from "./strip-words.js";

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

const METRICS = [
  { enabled: true, share: 0.02, where: "training" },
  { enabled: true, share: 0.011, where: "training" },
  { enabled: true, share: 0.3, where: "worker" },
  { enabled: false, share: 0.5, where: "training" },
];

test("the metrics' sum has in it what the training waits for, and the worker's apart", () => {
  assert.equal(sumText(METRICS), "4 metrics, together 3.1 % of the step time, and 30 % in the worker, for which the training does not wait.");
  assert.equal(sumText(METRICS.slice(0, 1)), "1 metric, together 2.0 % of the step time.");
});

test("where the two figures differ, the parts of the difference are named", () => {
  assert.match(sumTitle(METRICS, { cost: 0.047 }, true), /“watching costs 4\.7 %” was measured .*: these metrics, and about 1\.6 % for recording, policies and/);
  assert.match(sumTitle(METRICS, { cost: 0.02 }, false), /“watching cost 2\.0 %”.* no more than their means/);
  assert.match(sumTitle(METRICS, null, true), /^Reckoned from .* each runs\.$/);
  assert.match(costTitle(true, { cost: 0.047 }, METRICS), /metrics are 3\.1 % of it; the rest, 1\.6 %, is recording/);
  assert.doesNotMatch(costTitle(true, { cost: 0.02 }, METRICS), /By their mean/);
});
