import assert from "node:assert/strict";
import { test } from "node:test";
import { aside, narrower, roomier } from "./roomier.js";

const uniform = [..."ABCDEFGH"].map((id, i) => ({ id, x: 3 * (i % 4), y: 5 * Math.floor(i / 4), w: 3, h: 5 }));
const at = (places, id) => {
  const { x, y, w, h } = places.find((one) => one.id === id);
  return [x, y, w, h];
};
const moved = (before, after) => before.filter(({ id }) => String(at(before, id)) !== String(at(after, id))).map(({ id }) => id);
const overlaps = (places) =>
  places.some((a, i) => places.slice(i + 1).some((b) => a.x < b.x + b.w && b.x < a.x + a.w && a.y < b.y + b.h && b.y < a.y + a.h));

test("a wider panel takes a column of its neighbour, and nothing else moves", () => {
  const after = roomier(uniform, "A", "w", 12);
  assert.deepEqual([at(after, "A"), at(after, "B")], [[0, 0, 4, 5], [4, 0, 2, 5]]);
  assert.deepEqual(moved(uniform, after), ["A", "B"]);
  const again = roomier(after, "A", "w", 12); // the neighbour has no more to give: it moves, and the next one gives
  assert.deepEqual(["A", "B", "C", "D"].map((id) => at(again, id)), [[0, 0, 5, 5], [5, 0, 2, 5], [7, 0, 2, 5], [9, 0, 3, 5]]);
});

test("at the right edge it grows to the left", () => {
  const after = roomier(uniform, "D", "w", 12);
  assert.deepEqual([at(after, "C"), at(after, "D")], [[6, 0, 2, 5], [8, 0, 4, 5]]);
});

test("where there is room nobody else is touched", () => {
  const places = uniform.filter(({ id }) => id !== "B");
  assert.deepEqual(moved(places, roomier(places, "A", "w", 12)), ["A"]);
  assert.equal(roomier([{ id: "A", x: 0, y: 0, w: 12, h: 5 }], "A", "w", 12)[0].w, 12);
});

test("a taller panel pushes those below it down; beside it, what stands on the same wide panel grows along", () => {
  const after = roomier(uniform, "A", "h", 12);
  assert.deepEqual([at(after, "A"), at(after, "E")], [[0, 0, 3, 6], [0, 6, 3, 5]]);
  assert.deepEqual(moved(uniform, after), ["A", "E"]);
  const wide = [
    { id: "A", x: 0, y: 0, w: 3, h: 5 },
    { id: "B", x: 3, y: 0, w: 3, h: 5 },
    { id: "C", x: 6, y: 0, w: 6, h: 5 },
    { id: "D", x: 0, y: 5, w: 6, h: 5 },
    { id: "E", x: 6, y: 5, w: 6, h: 5 },
  ];
  const taller = roomier(wide, "A", "h", 12);
  assert.deepEqual([at(taller, "A"), at(taller, "B"), at(taller, "D")], [[0, 0, 3, 6], [3, 0, 3, 6], [0, 6, 6, 5]]);
  assert.deepEqual(moved(wide, taller), ["A", "B", "D"]);
});

test("what is pushed down stays in its columns, though there is a hole beside it", () => {
  const places = [...uniform, { id: "I", x: 0, y: 10, w: 3, h: 5 }];
  const after = roomier(places, "A", "h", 12);
  assert.deepEqual([at(after, "E"), at(after, "I")], [[0, 6, 3, 5], [0, 11, 3, 5]]);
});

test("who has to leave a full row takes the place that fits", () => {
  const full = [..."ABCDEF"].map((id, i) => ({ id, x: 2 * i, y: 0, w: 2, h: 5 }));
  const below = { id: "G", x: 0, y: 5, w: 9, h: 5 };
  const after = roomier([...full, below], "A", "w", 12);
  assert.deepEqual([at(after, "A"), at(after, "B")], [[0, 0, 3, 5], [2, 5, 2, 5]]);
  assert.deepEqual(["C", "D", "E", "F"].map((id) => at(after, id)[1]), [0, 0, 0, 0]);
});

test("whatever grows, nothing overlaps, nothing leaves the grid", () => {
  let places = uniform;
  for (const [id, side] of [..."AEBGDHCFAAEEDDH"].map((id, i) => [id, i % 3 ? "w" : "h"])) {
    places = roomier(places, id, side, 12);
    assert.ok(!overlaps(places));
    assert.ok(places.every(({ x, y, w, h }) => x >= 0 && y >= 0 && x + w <= 12 && w >= 2 && h >= 3));
    assert.equal(places.length, uniform.length);
  }
});

test("with panels of a usual width it grows by one of them, and rows close again", () => {
  const after = roomier(uniform, "A", "w", 12, 3);
  assert.deepEqual(["A", "B", "F", "C"].map((id) => at(after, id)), [[0, 0, 6, 5], [3, 5, 3, 5], [3, 10, 3, 5], [6, 0, 3, 5]]);
  assert.deepEqual(at(roomier(uniform, "D", "w", 12, 3), "D"), [6, 0, 6, 5]);
  const odd = uniform.filter(({ id }) => id !== "B").map((place) => (place.id === "A" ? { ...place, w: 4 } : place));
  assert.deepEqual(at(roomier(odd, "A", "w", 12, 3), "A"), [0, 0, 6, 5]); // one that was drawn to another width
  assert.equal(at(roomier(after, "A", "w", 12, 3), "A")[2], 9);
  assert.deepEqual([9, 8, 6, 4, 3, 2].map((width) => narrower(width, 3)), [6, 6, 3, 3, 2, 2]);
  let places = uniform;
  for (const id of "AEBGDHCFAAEEDDH") {
    places = roomier(places, id, "w", 12, 3);
    assert.ok(!overlaps(places));
    assert.ok(places.every(({ x, y, w }) => x >= 0 && y >= 0 && x + w <= 12 && w % 3 === 0));
  }
});

test("moved aside it changes places with its neighbour, or pushes it down where that is another size", () => {
  const after = aside(uniform, "A", 3, 12);
  assert.deepEqual([at(after, "A"), at(after, "B")], [[3, 0, 3, 5], [0, 0, 3, 5]]);
  assert.deepEqual(moved(uniform, after), ["A", "B"]);
  assert.deepEqual(moved(uniform, aside(uniform, "A", -3, 12)), []);
  const wide = uniform.filter(({ id }) => id !== "C").map((place) => (place.id === "B" ? { ...place, w: 6 } : place));
  const pushed = aside(wide, "A", 3, 12);
  assert.deepEqual(at(pushed, "A"), [3, 0, 3, 5]);
  assert.ok(!overlaps(pushed) && at(pushed, "B")[1] > 0);
});
