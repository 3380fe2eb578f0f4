import assert from "node:assert/strict";
import { test } from "node:test";
import { groupAt, headOf, joinMarks, linesOf, lookOf } from "./marks.js";

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
