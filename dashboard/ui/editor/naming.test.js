import assert from "node:assert/strict";
import { test } from "node:test";
import { suggestName } from "./naming.js";

const free = () => false;

test("a name comes from the decorated function, or from the last line's words", () => {
  assert.equal(suggestName("@bidviz.metric(every=2)\ndef grad_norm(grads):\n    return 1", free), "grad_norm");
  assert.equal(suggestName("grads.norm()", free), "grads_norm");
  assert.equal(
    suggestName("# what it is\nratio = 1\nreturn updates.norm() / params.norm()  # note", free),
    "updates_norm_params",
  );
  assert.equal(suggestName("series['val/loss'].last", free), "series_val_loss");
  assert.equal(suggestName("", free), "");
});

test("a name that is taken gets a number", () => {
  const taken = new Set(["loss", "loss_2"]);
  assert.equal(
    suggestName("loss", (name) => taken.has(name)),
    "loss_3",
  );
});
