import assert from "node:assert/strict";
import { test } from "node:test";
import { fitsPattern } from "./parameters.js";

test("a name, a module's name and wildcards, as the training understands them", () => {
  assert.ok(fitsPattern("encoder.0.weight", "encoder.0.weight"));
  assert.ok(fitsPattern("encoder.0.weight", "encoder"));
  assert.ok(fitsPattern("encoder.0.weight", "encoder.*.weight"));
  assert.ok(fitsPattern("encoder.0.weight", "*.weight"));
  assert.ok(fitsPattern("encoder.0.weight", "encoder.[0-3].*"));
  assert.ok(!fitsPattern("encoder.0.weight", "encoder.[0-3]"), "wildcards are for whole names");
  assert.ok(!fitsPattern("encoder.0.weight", "encode"));
  assert.ok(!fitsPattern("encoder.0.weight", "*.bias"));
  assert.ok(!fitsPattern("encoder.0.weight", "encoder.[0"));
  assert.ok(!fitsPattern("encoderX0.weight", "encoder.0.weight"), "a point is a point");
});
