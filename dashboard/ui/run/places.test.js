import assert from "node:assert/strict";
import { test } from "node:test";
import { withPlaces } from "./places.js";

const at = (x, y) => ({ x, y, w: 3, h: 5 });

test("places that are not kept yet are added, and no others are touched", () => {
  const kept = { version: 1, places: { loss: at(6, 0) }, view: { x: "time" }, views: {}, hidden: ["a"], own: [] };
  const after = withPlaces(kept, { loss: at(0, 0), fresh: at(3, 0) }, 1);
  assert.deepEqual(after, { ...kept, places: { loss: at(6, 0), fresh: at(3, 0) } });
});

test("an arrangement that nobody made says so", () => {
  const after = withPlaces(null, { loss: at(0, 0) }, 1);
  assert.equal(after.automatic, true);
  assert.deepEqual(after.places, { loss: at(0, 0) });
  assert.equal(withPlaces(after, { fresh: at(3, 0) }, 1).automatic, true);
});

test("nothing is kept where nothing is new, nor over a form that is not known", () => {
  assert.equal(withPlaces({ version: 1, places: { loss: at(0, 0) } }, { loss: at(3, 3) }, 1), null);
  assert.equal(withPlaces({ version: 9, places: {} }, { loss: at(3, 3) }, 1), null);
});
