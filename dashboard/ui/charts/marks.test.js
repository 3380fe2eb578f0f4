import assert from "node:assert/strict";
import { test } from "node:test";
import { groupAt, headLeft, headOf, joinMarks, paintMarkHeads, paintMarkLines, linesOf, lookOf } from "./marks.js";

const theme = { series: ["a", "b", "c", "d", "e", "f", "g", "h"], muted: "m" };
const mark = (step, author = "person") => ({ step, author, text: `lr at ${step}` });
const at = ({ step }) => step;

test("an author is drawn the same way every time, by a letter as well as by a colour", () => {
  assert.deepEqual(lookOf("person"), { letter: "P", index: 0 });
  assert.deepEqual(lookOf("policy"), { letter: "ƒ", index: 1 });
  assert.deepEqual(lookOf("tuner"), lookOf("tuner"));
  assert.equal(lookOf("tuner").letter, "T");
  assert.equal(lookOf("").letter, "?");
});

test("marks that would lie over each other are joined, and no chain of them runs on", () => {
  const groups = joinMarks([0, 5, 10, 30, 100].map((step) => mark(step)), at, 0, 200);
  assert.deepEqual(groups.map(({ x, end, marks }) => [x, end, marks.length]), [[0, 10, 3], [30, 30, 1], [100, 100, 1]]);
  const many = joinMarks(Array.from({ length: 1000 }, (_, step) => mark(step / 10)), at, 0, 100);
  assert.ok(many.length <= 7);
});

/** What is painted, as rectangles from left to right. */
function painted(paint, groups, width = 200) {
  const boxes = [];
  const context = {
    beginPath() {}, fill() {}, stroke() {}, fillText() {},
    fillRect: (left, _top, wide) => boxes.push([left, left + wide]),
    roundRect: (left, _top, wide) => boxes.push([left, left + wide]),
  };
  paint(context, groups, { ...theme, font: "f" }, { left: 40, top: 0, width, height: 100 }, 1);
  return boxes;
}

test("a band begins at its first mark and ends at its last, and its head does not begin before it", () => {
  const groups = joinMarks([50, 55, 68, 100].map((step) => mark(step)), at, 0, 200);
  assert.deepEqual(painted(paintMarkLines, groups), [[90, 108], [108, 109], [90, 91], [140, 141]]);
  const heads = painted(paintMarkHeads, groups);
  assert.deepEqual(heads.map(([left]) => left), [90, 140]);
  assert.ok(heads[0][1] <= heads[1][0]);
});

test("heads of groups side by side lie beside each other, and the last stays inside", () => {
  const groups = joinMarks(Array.from({ length: 3000 }, (_, step) => mark(step / 15)), at, 0, 200);
  const heads = painted(paintMarkHeads, groups);
  for (let i = 1; i < heads.length - 1; i++) assert.ok(heads[i - 1][1] <= heads[i][0]);
  assert.ok(heads.every(([left, right]) => left >= 40 && right <= 240));
  assert.equal(headLeft({ x: 199 }, 12, 200), 188);
});

test("what is out of sight is left out, and what has no place as well", () => {
  assert.deepEqual(joinMarks([mark(-1), mark(5), mark(NaN), mark(11)], at, 0, 10).map(({ x }) => x), [5]);
});

test("a head bears the letter of one change, and the count of several", () => {
  const head = (...marks) => headOf({ marks }, theme);
  assert.deepEqual(head(mark(1)), { colour: "a", text: "P" });
  assert.deepEqual(head(mark(1), mark(2)), { colour: "a", text: "2" });
  assert.deepEqual(head(mark(1), mark(2, "policy")), { colour: "m", text: "2" });
  assert.equal(head(...Array.from({ length: 120 }, (_, step) => mark(step))).text, "99+");
});

test("a joined mark tells its last changes and how many there were before", () => {
  const { told, more } = linesOf({ marks: [1, 2, 3, 4, 5, 6].map((step) => mark(step)) });
  assert.deepEqual(told.map(({ text }) => text), ["lr at 3", "lr at 4", "lr at 5", "lr at 6"]);
  assert.match(more, /and 2 before/);
  assert.equal(linesOf({ marks: [mark(1)] }).more, "");
});

test("the pointer finds the nearest mark within reach", () => {
  const groups = joinMarks([0, 40, 50].map((step) => mark(step)), at, 0, 200);
  assert.equal(groupAt(groups, 3), groups[0]);
  assert.equal(groupAt(groups, 45), groups[1]);
  assert.equal(groupAt(groups, 20), null);
});

test("marks that are not in order along time are put into it", () => {
  const groups = joinMarks([100, 0, 50].map((step) => mark(step)), at, 0, 200);
  assert.deepEqual(groups.map(({ x }) => x), [0, 50, 100]);
});
