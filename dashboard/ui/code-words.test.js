import assert from "node:assert/strict";
import { test } from "node:test";
import { codeParts, withoutMarks } from "./code-words.js";

test("what stands between backticks is code, without them", () => {
  assert.deepEqual(codeParts("Falls to `floor` within ``period`` steps."), [
    { text: "Falls to ", code: false },
    { text: "floor", code: true },
    { text: " within ", code: false },
    { text: "period", code: true },
    { text: " steps.", code: false },
  ]);
  assert.deepEqual(codeParts("`low`"), [{ text: "low", code: true }]);
  assert.deepEqual(codeParts(undefined), []);
  assert.equal(withoutMarks("from `low` to `high`"), "from low to high");
});

test("a single backtick stays as it is", () => {
  assert.deepEqual(codeParts("a ` b"), [{ text: "a ` b", code: false }]);
});
