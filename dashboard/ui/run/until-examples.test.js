import assert from "node:assert/strict";
import { test } from "node:test";
import { untilExamples } from "./until-examples.js";

test("examples of conditions name series that the run has", () => {
  assert.equal(untilExamples({ loss: "scalar", "gradnorm/norm/global": "scalar" })[2], 'last("gradnorm/norm/global") is nan');
  assert.equal(untilExamples({ grad_norm: "scalar", "gradnorm/norm/global": "scalar" })[2], "grad_norm is nan");
  assert.equal(untilExamples({ grad_norm: "histogram" })[2], "loss is nan");
  assert.equal(untilExamples({})[0], "loss < 0.1");
});
