import assert from "node:assert/strict";
import { test } from "node:test";
import { paintReferenceNames, paintReferences, paintSeries } from "./paint.js";

const box = { left: 40, top: 10, width: 200, height: 100 };
const toPixel = (value) => box.top + box.height - value;
const look = { colour: "c", ground: "g", font: "f", ratio: 1, clear: 0 };

/** A context that writes down what it is asked to paint. */
function paper() {
  const done = [];
  const note = (kind) => (...given) => done.push([kind, ...given]);
  return {
    done, setLineDash() {}, beginPath() {}, stroke: note("stroke"), moveTo: note("moveTo"), lineTo: note("lineTo"),
    strokeText: note("strokeText"), fillText: note("fillText"), measureText: (text) => ({ width: 6 * text.length }),
  };
}

const heightOf = ({ done }) => done.find(([kind]) => kind === "fillText")[3];

test("the name of a reference line stands on a ground of its own, so that a curve beneath it does not overprint it", () => {
  const context = paper();
  assert.deepEqual(paintReferenceNames(context, [{ value: 50, label: "usual" }], toPixel, box, look), []);
  assert.deepEqual(context.done.map(([kind, text]) => [kind, text]), [["strokeText", "usual"], ["fillText", "usual"]]);
  assert.equal(context.strokeStyle, "g");
  const lines = paper();
  paintReferences(lines, [{ value: 50, label: "usual" }, { value: 500 }], toPixel, box, look);
  assert.deepEqual(lines.done, [["moveTo", 40, 60.5], ["lineTo", 240, 60.5], ["stroke"]]);
});

test("a name keeps clear of what stands at the upper edge, and of the edge itself", () => {
  const at = (value, clear) => {
    const context = paper();
    paintReferenceNames(context, [{ value, label: "the most" }], toPixel, box, { ...look, clear });
    return heightOf(context);
  };
  assert.equal(at(50, 14), 58.5); // above its line
  assert.equal(at(95, 0), 18.5); // below it
  assert.equal(at(95, 14), 24); // below the heads
  assert.equal(at(76, 14), 37.5); // above its line it would be among them
});

test("no line leads over a stretch in which nothing was recorded", () => {
  const context = { ...paper(), fill() {}, arc() {} };
  const three = (...numbers) => Float64Array.from(numbers);
  const columns = { length: 3, x: three(40, 41, 90), end: three(40, 41, 90), value: three(1, 2, 3), low: three(1, 2, 3), high: three(1, 2, 3), broken: three(0, 0, 1) };
  paintSeries(context, columns, toPixel, box, { colour: "c", alpha: 1, ratio: 1, band: false, dash: [] });
  const line = context.done.slice(0, context.done.findIndex(([kind]) => kind === "stroke"));
  assert.deepEqual(line, [["moveTo", 40, 109], ["lineTo", 41, 108], ["moveTo", 90, 107]]);
});
