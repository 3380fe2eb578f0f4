import assert from "node:assert/strict";
import { test } from "node:test";
import { untilExamples } from "./until-examples.js";

test("examples of conditions name series that the run has", () => {
  assert.equal(untilExamples({ loss: "scalar", "gradnorm/norm/global": "scalar" })[2], 'last("gradnorm/norm/global") is nan');
  assert.equal(untilExamples({ grad_norm: "scalar", "gradnorm/norm/global": "scalar" })[2], "grad_norm is nan");
  assert.equal(untilExamples({ grad_norm: "histogram" })[2], "loss is nan");
  assert.equal(untilExamples({})[0], "loss < 0.1");
});

test("an epoch or a step that is named as an example lies ahead", () => {
  const place = (step, epoch) => untilExamples({}, { step, epoch })[1];
  assert.equal(place(10, 0), "epoch 3");
  assert.equal(place(5070, 169), "epoch 171");
  assert.equal(place(0, null), "step 200");
  assert.equal(place(4516, null), "step 6000");
  assert.equal(untilExamples({})[1], "epoch 3");
});
