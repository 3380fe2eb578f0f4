import assert from "node:assert/strict";
import { test } from "node:test";
import { GLOSSARY, kindOf } from "./mark-kinds.js";
import { colourOf, groupAt, headLeft, headOf, headWidth, joinMarks, paintMarkHeads, paintMarkLines, linesOf } from "./marks.js";

const theme = { series: ["a", "b", "c", "d", "e", "f", "g", "h"], muted: "m" };
const mark = (step, author = "person") => ({ step, author, text: `lr at ${step}` });
const at = ({ step }) => step;

test("an author has the same colour every time", () => {
  assert.equal(colourOf("person"), 0);
  assert.equal(colourOf("policy"), 1);
  assert.equal(colourOf("tuner"), colourOf("tuner"));
});

test("a pause, a hyperparameter and a policy have signs of their own, whoever made the change", () => {
  const changes = [
    { action: "pauseTraining", summary: "paused" }, { action: "pauseTraining", summary: "resumed" }, { action: "setHyperparameter" },
    { action: "armPolicy" }, { action: "changeModel" }, { action: "saveCheckpoint" }, { action: "somethingNew" },
  ];
  assert.deepEqual(changes.map(kindOf), ["paused", "resumed", "hyperparameter", "policy", "model", "checkpoint", "other"]);
  const signs = changes.map((change) => headOf({ marks: [{ kind: kindOf(change), author: "person" }] }, theme).text);
  assert.equal(new Set(signs).size, signs.length);
  for (const sign of signs) assert.ok(GLOSSARY.includes(`${sign} `));
  assert.equal(linesOf({ marks: [{ step: 1, kind: "policy" }] }).told[0].kind, "policy");
});

test("only marks whose heads would lie over each other are joined", () => {
  const groups = joinMarks([0, 5, 12, 25, 40, 100].map((step) => mark(step)), at, 0, 200);
  assert.deepEqual(groups.map(({ x, end, marks }) => [x, end, marks.length]), [[0, 12, 3], [25, 25, 1], [40, 40, 1], [100, 100, 1]]);
  const many = joinMarks(Array.from({ length: 1000 }, (_, step) => mark(step / 10)), at, 0, 100);
  assert.ok(many.length <= 8);
});

test("the last head, which is kept inside, lies over none either", () => {
  for (let first = 150; first < 199; first++) {
    const groups = joinMarks([first, 199].map((step) => mark(step)), at, 0, 200);
    const lefts = groups.map((group) => headLeft(group, headWidth(group), 200));
    assert.ok(groups.length === 1 || lefts[1] >= lefts[0] + headWidth(groups[0]), `${first}: ${lefts}`);
    assert.equal(groups.length, 199 - first < 24 ? 1 : 2, `${first}`);
  }
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
  const groups = joinMarks([50, 55, 60, 100].map((step) => mark(step)), at, 0, 200);
  assert.deepEqual(painted(paintMarkLines, groups), [[90, 100], [100, 101], [90, 91], [140, 141]]);
  const heads = painted(paintMarkHeads, groups);
  assert.deepEqual(heads.map(([left]) => left), [90, 140]);
  assert.ok(heads[0][1] <= heads[1][0]);
});

test("heads of groups side by side lie beside each other, and the last stays inside", () => {
  const groups = joinMarks(Array.from({ length: 3000 }, (_, step) => mark(step / 15)), at, 0, 200);
  const heads = painted(paintMarkHeads, groups);
  for (let i = 1; i < heads.length; i++) assert.ok(heads[i - 1][1] <= heads[i][0]);
  assert.ok(heads.every(([left, right]) => left >= 40 && right <= 240));
  assert.equal(headLeft({ x: 199 }, 12, 200), 188);
});

test("what is out of sight is left out, and what has no place as well", () => {
  assert.deepEqual(joinMarks([mark(-1), mark(5), mark(NaN), mark(11)], at, 0, 10).map(({ x }) => x), [5]);
});

test("a head bears the sign of one change, and the count of several", () => {
  const head = (...marks) => headOf({ marks }, theme);
  assert.deepEqual(head(mark(1)), { colour: "a", text: "•" });
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

test("a joined mark says from where to where its band is; one change, or several at one step, have none", () => {
  assert.equal(linesOf({ marks: [mark(3), mark(1), mark(2)] }).band, "3 changes: the band is from step 1 to 3");
  assert.equal(linesOf({ marks: [mark(1)] }).band, "");
  assert.equal(linesOf({ marks: [mark(1), mark(1)] }).band, "");
});

test("what a mark's text says itself is not said again", () => {
  const line = (more) => linesOf({ marks: [{ ...mark(1), ...more }] }).told[0];
  const change = { kind: "hyperparameter", text: "momentum: 0.9 → 0.5; try less momentum" };
  assert.equal(line({ ...change, reason: "try less momentum" }).why, "");
  assert.equal(line({ ...change, reason: "it swings" }).why, "it swings");
  assert.equal(line(change).kind, "hyperparameter");
  assert.equal(line({ kind: "paused", text: "paused" }).kind, "");
  assert.equal(line({ kind: "resumed", text: "resumed for 5 steps" }).kind, "resumed");
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
