import assert from "node:assert/strict";
import { test } from "node:test";
import {
  formatBytes,
  formatCount,
  formatDuration,
  formatExact,
  formatNumber,
  formatPercent,
  formatSpeed,
  fromWire,
  spacedNumbers,
} from "./numbers.js";

test("numbers have four significant digits and a prefix where they are large", () => {
  const expected = [
    [0.231, "0.2310"],
    [0.0231, "0.02310"],
    [0.00021, "0.0002100"],
    [1.70000001, "1.700"],
    [17.2, "17.20"],
    [172.04, "172.0"],
    [1720.4, "1720"],
    [42, "42"],
    [9999, "9999"],
    [12_480, "12.48k"],
    [99_999, "100.0k"],
    [1_234_567, "1.235M"],
    [-0.5, "−0.5000"],
    [1e-5, "1.000e−5"],
    [2.5e17, "2.500e17"],
    [0, "0"],
  ];
  for (const [value, text] of expected) assert.equal(formatNumber(value), text);
});

test("what is no number is said, never hidden", () => {
  assert.deepEqual([NaN, Infinity, -Infinity, null].map(formatNumber), ["NaN", "+∞", "−∞", "–"]);
  assert.deepEqual([NaN, Infinity, 0.1 + 0.2].map(formatExact), ["NaN", "+∞", "0.30000000000000004"]);
  assert.deepEqual(["NaN", "Infinity", "-Infinity", "text", 3].map(fromWire), [NaN, Infinity, -Infinity, "text", 3]);
});

test("times, speeds, shares and sizes carry their unit", () => {
  assert.deepEqual([41e-6, 0.0011, 9.04, 12.4, 200, 8040, 273_600].map(formatDuration), [
    "41 µs",
    "1.1 ms",
    "9.0 s",
    "12 s",
    "3 min 20 s",
    "2 h 14 min",
    "3 d 4 h",
  ]);
  assert.deepEqual([0, 0.08, 5.2, 55.55, 913.2, 12_345].map(formatSpeed), [
    "0 steps/s",
    "12 s/step",
    "5.20 steps/s",
    "55.5 steps/s",
    "913 steps/s",
    "12\u202f345 steps/s",
  ]);
  assert.deepEqual([0, 0.0001, 0.008, 0.5].map(formatPercent), ["0.0 %", "< 0.1 %", "0.8 %", "50 %"]);
  assert.deepEqual([0, 512, 1_400_000].map(formatBytes), ["0 B", "512 B", "1.40 MB"]);
  assert.equal(formatCount(12_480), "12\u202f480");
});

test("steps in a run's own sentences are written as everywhere on the page, and nothing else is touched", () => {
  assert.equal(spacedNumbers("from step 1,206,929 back to step 6,989."), "from step 1\u202f206\u202f929 back to step 6\u202f989.");
  assert.equal(spacedNumbers("every 64 steps instead of every 1,000 steps"), "every 64 steps instead of every 1\u202f000 steps");
  assert.equal(spacedNumbers("lr: max(1,200) until step 500"), "lr: max(1,200) until step 500");
  assert.equal(spacedNumbers(""), "");
  const lease = "goes back at step 5,000 unless it is kept; the lease of 1,000,000 steps is over";
  assert.equal(spacedNumbers(lease), lease.replaceAll(",", "\u202f"));
  assert.equal(spacedNumbers("at most 2,000 characters, got 5,000."), "at most 2\u202f000 characters, got 5\u202f000.");
  assert.equal(spacedNumbers("an array (12,480 numbers), ±5,000"), "an array (12\u202f480 numbers), ±5\u202f000");
  for (const code of ["[5,000]", "max(1,200)", "max(x,1,200)", "betas=1,200", "'1,000'", "0.9,999", "1,2000", "1,200,5"]) {
    assert.equal(spacedNumbers(code), code, "code is no sentence");
  }
});

test("a whole number has the digits of those it stands beside, where that is asked for", () => {
  assert.deepEqual([1, 12, 0, -3].map((value) => formatNumber(value, { whole: false })), ["1.000", "12.00", "0", "−3.000"]);
  assert.equal(formatNumber(1), "1");
});
