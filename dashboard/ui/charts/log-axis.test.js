import assert from "node:assert/strict";
import { test } from "node:test";
import { logAxis, powersIn, powersOf } from "./focus/log-axis.js";

const said = ({ ticktext }) => ticktext.filter(Boolean);

test("over few decades the powers, and 2 and 5 between them, are written, and every digit has its gridline", () => {
  const axis = logAxis([-2, 0], "y", 600);
  assert.ok(["0.01", "0.02", "0.05", "0.1", "0.2", "0.5", "1"].every((text) => said(axis).includes(text)));
  assert.ok(!said(axis).some((text) => /[346789]/.test(text)));
  for (const digit of [1, 2, 3, 4, 5, 6, 7, 8, 9]) assert.ok(axis.tickvals.includes(Number(`${digit}e-2`)));
  assert.equal(axis.tickvals.length, axis.ticktext.length);
});

test("over more decades, or with little room, the powers alone are written", () => {
  const powers = (axis) => said(axis).every((text) => /^(1|10|100|0\.0*1)[kMGT]?$|^1e/.test(text));
  assert.ok(powers(logAxis([-4, 1], "y", 600)));
  assert.ok(powers(logAxis([-2, 0], "y", 80)));
  assert.deepEqual(new Set(logAxis([-4, 1], "y", 600).tickvals.map((tick) => tick.toExponential()[0])), new Set(["1", "2", "5"]));
});

test("less than a decade, very many, and no number at all are left to Plotly", () => {
  assert.deepEqual([logAxis([0.1, 0.7], "y", 600), logAxis([-20, 20], "y", 600), logAxis(null, "y", 600)], [{}, {}, {}]);
});

test("what is drawn says over which powers it reaches; zeros, gaps and the marks at the edges do not count", () => {
  assert.deepEqual(powersOf([0, null, NaN, -1, Infinity, 0.1, 100]), [-1, 2]);
  assert.equal(powersOf([0, -1]), null);
  const traces = [{ x: [1, 10], y: [0.1, 1] }, { x: [1000], y: [0.02], yaxis: "y2" }];
  assert.deepEqual([powersIn(traces, "y"), powersIn(traces, "x")], [[-1, 0], [0, 3]]);
});
