import assert from "node:assert/strict";
import { test } from "node:test";
import { outOfBounds, parseNumber, parseValue, sliderScale } from "./scales.js";

test("numbers are read as people type them", () => {
  const expected = [
    ["0.01", 0.01],
    ["1e-3", 1e-3],
    ["1e−3", 1e-3],
    ["5k", 5000],
    ["3 000", 3000],
    ["0,5", 0.5],
    ["1/4", 0.25],
    ["50 %", 0.5],
    [".5", 0.5],
    ["+2.", 2],
    ["-1", -1],
    ["300m", 0.3],
  ];
  for (const [text, value] of expected) assert.equal(parseNumber(text), value, text);
});

test("what is no number, or none that can be set, is refused", () => {
  for (const text of ["", "abc", "1e", "0x10", "NaN", "Infinity", "1e999", "1/0", "1,2,3", "1..2", "--1"]) {
    assert.ok(Number.isNaN(parseNumber(text)), text);
  }
  assert.match(parseValue("abc").problem, /is no number/);
  assert.match(parseValue(" ").problem, /Type a value/);
});

test("a value has the hyperparameter's own type", () => {
  assert.deepEqual(parseValue("12", "int"), { value: 12 });
  assert.match(parseValue("1.5", "int").problem, /whole number/);
  assert.deepEqual(parseValue("True", "bool"), { value: true });
  assert.deepEqual(parseValue("off", "bool"), { value: false });
  assert.match(parseValue("2", "bool").problem, /neither/);
  assert.deepEqual(parseValue("relu", "str"), { value: "relu" });
});

test("bounds are said with the value", () => {
  assert.equal(outOfBounds(0.5, { low: 0, high: 1 }), "");
  assert.match(outOfBounds(-0.1, { low: 0, high: null }), /at least 0; got -0.1/);
  assert.match(outOfBounds(2, { low: 0, high: 1 }), /at most 1/);
});

test("a rate's slider is logarithmic, with 0 at its left end where that is allowed", () => {
  const scale = sliderScale({ scale: "log", low: 0, high: null }, 0.01);
  assert.equal(scale.toValue(0), 0);
  assert.equal(scale.toPosition(0), 0);
  assert.equal(scale.toValue(1), 1);
  const [low, middle] = [scale.toPosition(0.001), scale.toPosition(0.01)];
  const high = scale.toPosition(0.1);
  assert.ok(Math.abs(high - middle - (middle - low)) < 1e-9, "a decade is as wide as another");
  const bounded = sliderScale({ scale: "log", low: 0.1, high: 10 }, 1);
  assert.deepEqual([bounded.toValue(0), bounded.toValue(0.5), bounded.toValue(1)], [0.1, 1, 10]);
});

test("where a slider is put is where it is found", () => {
  const scales = [
    [{ scale: "log", low: 0 }, 3e-4],
    [{ scale: "unit" }, 0.3],
    [{ scale: "linear", low: -1, high: 4 }, 2],
    [{ scale: "linear" }, 7],
    [{ scale: "log", low: 0 }, 0],
  ];
  for (const [about, value] of scales) {
    const scale = sliderScale(about, value);
    const back = scale.toValue(scale.toPosition(value));
    assert.ok(Math.abs(back - value) <= Math.abs(value) * 0.01, `${about.scale} ${value}: ${back}`);
    for (const position of [0, 0.25, 0.5, 1]) {
      const found = scale.toPosition(scale.toValue(position));
      assert.ok(Math.abs(found - position) < 0.01 || (position < 0.02 && found < 0.02), `${position}: ${found}`);
    }
  }
});

test("whole numbers stay whole, and there is no slider without a scale", () => {
  const scale = sliderScale({ scale: "linear", kind: "int", low: 1, high: 9 }, 3);
  for (const position of [0, 0.13, 0.5, 0.77, 1]) assert.ok(Number.isInteger(scale.toValue(position)));
  assert.equal(sliderScale({ scale: "" }, 3), null);
});
