import assert from "node:assert/strict";
import { test } from "node:test";
import { sparkPath } from "./sparkline.js";

const heights = ({ line }) => [...new Set([...line.matchAll(/[VL ]([\d.]+)(?=[HL]|$)/g)].map(([, y]) => y))];

test("a value that only rounding makes differ is a level line", () => {
  const step = [1, 2, 3, 4];
  const value = [0.003, 0.003, 0.003 * (1 + 6e-8), Math.fround(0.003)];
  for (const held of [true, false]) assert.deepEqual(heights(sparkPath({ step, value, held }, 4)), ["9"]);
});

test("small changes of a value are seen", () => {
  assert.ok(heights(sparkPath({ step: [1, 2, 3], value: [0.003, 0.00301, 0.003] }, 3)).length > 1);
});

test("counted things differ by one", () => {
  assert.ok(heights(sparkPath({ step: [1, 2, 3], value: [2_000_000, 2_000_001, 2_000_002] }, 3)).length > 1);
});
