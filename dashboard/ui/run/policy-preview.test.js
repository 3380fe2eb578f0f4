import assert from "node:assert/strict";
import { test } from "node:test";
import { shapeOf } from "./policy-curve-shape.js";
import { Preview } from "./policy-preview.js";

/** A training that answers as `previewPolicy` does, as far as `farthest` steps ahead, and keeps what was asked of it. */
function training({ speed = 0, farthest = Infinity, step = 0 } = {}) {
  const asked = [];
  const model = { status: { step, speed }, request };
  async function request(method, { steps }) {
    const first = model.status.step;
    asked.push({ method, first, steps });
    const stride = Math.ceil(Math.min(steps, farthest) / 2000);
    const data = { step: [], value: [] };
    for (let offset = 0; offset <= Math.min(steps, farthest); offset += stride) {
      data.step.push(first + offset);
      data.value.push(1 / (1 + first + offset));
    }
    return { data };
  }
  return { model, asked };
}

/** An editor that is open while steps pass, `beat` of them between two beats; gives the curve drawn at each beat. */
async function opened(t, { model }, { drawn, steps, beat, formula = "0.1" }) {
  t.mock.timers.enable({ apis: ["setTimeout"] });
  let coming = null;
  const preview = new Preview(model, { shown: (data) => (coming = data), failed: assert.fail });
  preview.ask({ target: "lr", formula, steps: drawn });
  t.mock.timers.tick(150);
  await settled();
  const shapes = [];
  for (const end = model.status.step + steps; model.status.step < end; ) {
    model.status = { ...model.status, step: model.status.step + beat };
    preview.refresh(model.status.step);
    await settled();
    shapes.push(shapeOf({ past: { step: [], value: [] }, coming, now: model.status.step, ahead: drawn }));
  }
  return { preview, shapes };
}

const settled = () => new Promise((resolve) => setImmediate(resolve));

test("an open editor asks a fast training once in ten seconds of its steps, and shows all of what is drawn meanwhile", async (t) => {
  const run = training({ speed: 300 });
  const { shapes } = await opened(t, run, { drawn: 1000, steps: 30_000, beat: 75 }); // a hundred seconds
  assert.ok(run.asked.length <= 11, `asked ${run.asked.length} times`);
  for (const { columns } of shapes) {
    const [{ step }] = columns;
    assert.ok(step.at(-1) - step[0] > 980 && step.at(-1) - step[0] <= 1000, `from ${step[0]} to ${step.at(-1)}`);
  }
});

test("a slow training is asked again once a good part of what is drawn has passed", async (t) => {
  const run = training({ speed: 2 });
  await opened(t, run, { drawn: 1000, steps: 2000, beat: 1 });
  assert.deepEqual(run.asked.map(({ first }) => first), [0, 250, 500, 750, 1000, 1250, 1500, 1750, 2000]);
});

test("nothing is asked while nothing moves; what was taken back is asked at once", async (t) => {
  const run = training({ speed: 100, step: 5000 });
  const { preview } = await opened(t, run, { drawn: 1000, steps: 0, beat: 1 });
  for (let beat = 0; beat < 100; beat++) preview.refresh(5000);
  await settled();
  assert.equal(run.asked.length, 1);
  run.model.status.step = 400;
  preview.refresh(400);
  assert.equal(run.asked.length, 2);
});

test("what cannot be run as far as it is drawn is asked again at the half of it", async (t) => {
  const run = training({ speed: 10, farthest: 20_000 });
  await opened(t, run, { drawn: 100_000, steps: 40_000, beat: 100 });
  assert.deepEqual(run.asked.map(({ first }) => first), [0, 10_000, 20_000, 30_000, 40_000]);
});

test("a very fast training is not asked for more than is run step by step, unless that is to be drawn", async (t) => {
  const run = training({ speed: 5000, farthest: 20_000 });
  await opened(t, run, { drawn: 1000, steps: 40_000, beat: 1000 });
  assert.deepEqual(run.asked.map(({ first, steps }) => [first, steps]), [[0, 20_000], [19_000, 20_000], [38_000, 20_000]]);
});

test("a short spike of the past does not make what is to come a flat line; it is cut, and said so", () => {
  const step = Array.from({ length: 1000 }, (_, i) => i);
  const past = { step, value: step.map((one) => (one === 400 ? 0.8 : 0.02)) };
  const coming = { step: [1000, 1500, 2000], value: [0.02, 0.01, 0] };
  const heights = ({ lines }, of) => lines.find(({ kind }) => kind === of).path.match(/[\d.-]+/g).filter((_, i) => i % 2).map(Number);
  const shape = shapeOf({ past, coming, now: 1000 });
  const drawn = heights(shape, "coming");
  assert.ok(Math.max(...drawn) - Math.min(...drawn) > 100, `${drawn}`);
  assert.equal(shape.beyond, true);
  const held = { step: [0, 400, 401, 1000], value: [0.02, 0.8, 0.02, 0.02], held: true };
  assert.equal(shapeOf({ past: held, coming, now: 1000 }).beyond, true);
  assert.equal(shapeOf({ past, now: 1000 }).beyond, false);
  assert.equal(shapeOf({ past: { step, value: step.map((one) => (one < 400 ? 0.8 : 0.02)) }, coming, now: 1000 }).beyond, false);
});
