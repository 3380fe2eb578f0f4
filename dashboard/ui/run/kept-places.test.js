import assert from "node:assert/strict";
import { test } from "node:test";
import { firstPlaces, withoutHoles } from "./kept-places.js";

const SIZE = { w: 3, h: 5 };
const ids = [..."ABCDEFG"];
const sorted = (places) => [...places].sort((one, other) => (one.id < other.id ? -1 : 1));

test("the first order runs row by row, on however many columns", () => {
  const places = firstPlaces(ids, 12, SIZE);
  assert.deepEqual(places[0], { id: "A", x: 0, y: 0, w: 3, h: 5 });
  assert.deepEqual([places[3].x, places[3].y, places[4].x, places[4].y], [9, 0, 0, 5]);
  assert.deepEqual(firstPlaces(["A", "B"], 1, SIZE).map(({ x, y, w }) => [x, y, w]), [[0, 0, 1], [0, 5, 1]]);
});

test("the place of a panel that is not there is taken by the next one of its size, and so on", () => {
  const kept = firstPlaces(ids, 12, SIZE);
  const there = ids.filter((id) => id !== "B" && id !== "E");
  assert.deepEqual(sorted(withoutHoles(kept, new Set(there))), firstPlaces(there, 12, SIZE));
  assert.deepEqual(sorted(withoutHoles(kept, new Set(ids))), kept);
});

test("a panel of another size stays where it was put", () => {
  const kept = [
    { id: "A", x: 0, y: 0, w: 3, h: 5 },
    { id: "wide", x: 3, y: 0, w: 9, h: 5 },
    { id: "B", x: 0, y: 5, w: 3, h: 5 },
  ];
  assert.deepEqual(withoutHoles(kept, new Set(["wide", "B"])), [{ ...kept[0], id: "B" }, kept[1]]);
});
