import assert from "node:assert/strict";
import { test } from "node:test";
import { outcomeOf, verdictOf } from "./whatif-result.js";

const NAMES = ["lr = 0.01 (now)", "lr = 0.5"];
const verdict = (present, other) => verdictOf(outcomeOf({ present, other }), NAMES);
const falling = (count, by) => Array.from({ length: count }, (_, i) => 1 - by * i + 0.001 * (i % 3));

test("the better one is named first, with its loss first", () => {
  assert.match(verdict(falling(50, 0.001), falling(50, 0.01)), /^lr = 0\.5 does better .*: 0\.55\d* against 0\.95\d* \(/);
  assert.match(verdict(falling(50, 0.01), falling(50, 0.001)), /^lr = 0\.01 \(now\) does better .*: 0\.55\d* against 0\.95\d* \(/);
  assert.match(verdict([1, 0.5], [1, "NaN"]), /^lr = 0\.01 \(now\) does better .*: 0\.5\d* against NaN/);
});

test("what is lower on some batches and higher on others is no winner", () => {
  const present = Array.from({ length: 50 }, () => 0.02);
  const other = present.map((loss, i) => loss + (i % 2 ? 0.001 : -0.0011));
  assert.equal(outcomeOf({ present, other }).better, "same");
  assert.match(verdict(present, other), /^Neither stays ahead .* 0\.02\d* with lr = 0\.01 \(now\), 0\.01995 with lr = 0\.5 \(/);
  assert.equal(outcomeOf({ present, other: present }).better, "same");
});

test("of one that ended early the steps it has are compared", () => {
  assert.equal(outcomeOf({ present: falling(50, 0.01), other: [1, 5, 40] }).better, "present");
});
