import assert from "node:assert/strict";
import { test } from "node:test";
import { labelsOf } from "./labels.js";

test("names that are alike get the beginning of the id, the others stay as they are", () => {
  const runs = [{ run: "963be7f1", name: "blobs" }, { run: "da1a1f97", name: "blobs" }, { run: "0c0ffee0", name: "digits" }];
  assert.deepEqual(labelsOf(runs), ["blobs (963be7)", "blobs (da1a1f)", "digits"]);
  assert.deepEqual(labelsOf(runs.slice(1)), ["blobs", "digits"]);
});
