import assert from "node:assert/strict";
import { test } from "node:test";
import { farText } from "./far-off.js";

test("a value far above or below the present one is said in a sentence", () => {
  assert.equal(farText(50, 0.001), "50 is 50\u202f000 times the present 0.001.");
  assert.equal(farText(1e-9, 0.001), "1e-9 is 1\u202f000\u202f000 times smaller than the present 0.001.");
  assert.equal(farText(-5, 0.001), "-5 is 5\u202f000 times the present 0.001.");
});

test("from a hundred times on, and not before", () => {
  assert.equal(farText(0.1, 0.001), "0.1 is 100 times the present 0.001.");
  assert.equal(farText(0.00001, 0.001), "0.00001 is 100 times smaller than the present 0.001.");
  assert.equal(farText(0.09, 0.001), "");
  assert.equal(farText(0.001, 0.001), "");
});

test("what cannot be compared says nothing: zero, words, switches, no number", () => {
  for (const [value, present] of [[0, 0.1], [50, 0], ["50", 0.1], [true, 0.1], [50, "adam"], [NaN, 0.1], [50, null], [50, undefined]]) {
    assert.equal(farText(value, present), "", `${value} beside ${present}`);
  }
});

test("of groups that differ the nearest counts", () => {
  assert.equal(farText(50, [0.001, 10]), "");
  assert.equal(farText(50, [0.001, 0.1]), "50 is 500 times the present 0.1.");
  assert.equal(farText(50, [0.001, 0]), "50 is 50\u202f000 times the present 0.001.");
});

test("a factor says what it gives, and a long count is short", () => {
  assert.equal(farText(1, 0.001, { factor: 1000 }), "× 1000 gives 1, which is 1\u202f000 times the present 0.001.");
  assert.equal(farText(50, 0.003), "50 is about 16\u202f700 times the present 0.003.");
  assert.equal(farText(1e12, 0.001), "1000000000000 is 1e15 times the present 0.001.");
});
