import assert from "node:assert/strict";
import { test } from "node:test";
import { linearTicks, logTicks, tickTexts } from "./ticks.js";

test("ticks are round numbers, about as many as are wanted", () => {
  assert.deepEqual(linearTicks(0, 1, 5), [0, 0.2, 0.4, 0.6, 0.8, 1]);
  assert.deepEqual(linearTicks(-3, 8, 3), [0, 5]);
  assert.deepEqual(linearTicks(2, 2, 3), [2]);
});

test("an axis has two ticks at least, however low its chart is", () => {
  for (const wanted of [0.5, 1, 1.4, 2, 3, 8])
    for (let low = 0.01; low < 1.2; low += 0.037)
      for (const span of [0.0021, 0.06, 0.31, 0.9, 7]) {
        const ticks = linearTicks(low, low + span, wanted);
        assert.ok(ticks.length >= 2, `${low} to ${low + span}, ${wanted} wanted: ${ticks}`);
        assert.ok(ticks.every((tick) => tick >= low && tick <= low + span));
        assert.equal(new Set(tickTexts(ticks)).size, ticks.length);
      }
});

test("where two ticks have to stand nearer than was wanted, no more than wanted do", () => {
  assert.deepEqual(linearTicks(1, 9556, 3), [4000, 8000]);
  assert.deepEqual(linearTicks(1, 9556, 5), [2000, 4000, 6000, 8000]);
  for (let high = 2; high < 4000; high++) {
    const ticks = linearTicks(1, high, 3);
    assert.ok(ticks.length >= 2 && ticks.length <= 4, `${high}: ${ticks}`);
  }
});

test("any finite range has ticks whose words differ", () => {
  for (const size of [1e-300, 1e-30, 1e-3, 1, 1e15, 1e33, 2e38, 1e300])
    for (const [low, high] of [[0, size], [-size, size], [size, size * 1.001], [size, size * 1.00001]])
      for (const wanted of [1, 3.4, 8]) {
        const ticks = linearTicks(low, high, wanted);
        assert.ok(ticks.length >= 2 && ticks.length <= 2 * wanted + 2, `${low} to ${high}, ${wanted} wanted: ${ticks}`);
        assert.equal(new Set(tickTexts(ticks)).size, ticks.length, tickTexts(ticks).join(" "));
      }
});

test("on a log axis too, ticks are no more than there is room for", () => {
  for (const wanted of [1, 1.6, 2.1, 3, 8])
    for (let decades = 0.75; decades < 80; decades *= 1.13)
      for (const low of [1e-30, 0.013, 0.7, 1]) {
        const ticks = logTicks(low, low * 10 ** decades, wanted);
        assert.ok(ticks.length >= 1 && ticks.length <= Math.max(2, wanted * 1.5 + 1), `${decades} decades from ${low}, ${wanted} wanted: ${ticks}`);
        if (decades < 1.7) assert.ok(ticks.length >= 2, `${decades} decades from ${low}, ${wanted} wanted: ${ticks}`);
        assert.equal(new Set(tickTexts(ticks, true)).size, ticks.length);
      }
});
