import assert from "node:assert/strict";
import { test } from "node:test";
import { Columns } from "../charts/columns.js";
import { Series } from "../charts/series.js";
import { asRecorded, atTheEnd, joined, Past, pastOf } from "./past.js";
import { POINTS, sparkPath } from "./sparkline.js";

const cosine = (step) => 0.05 * (1 + Math.cos(step / 60));

/** A run whose history up to `from` came when the page was opened, in buckets of `per`, and the rest live. */
function modelOf(from, end, { per = 1, name = "lr", course = cosine } = {}) {
  const series = new Series(name);
  const base = new Columns();
  for (let step = 1; step <= from; step += per) base.append(step, course(step), step / 100, 0);
  series.adopt(base, from, per);
  for (let step = from + 1; step <= end; step++) series.append([step], [step / 100], [course(step)], 0, step);
  const asked = [];
  const store = {
    need: (names) => asked.push(...names),
    detail: (key, names, start, stop, points) => asked.push({ key, names, start, stop, points }),
    scalars: new Map([[name, series]]),
  };
  return { model: { store, past: new Past(), catalogue: { series: { [name]: "scalar" } } }, series, asked };
}

test("the past begins within what is looked at, however long the page has been open", () => {
  const { model } = modelOf(4060, 6900);
  for (const start of [2000, 4500, 5900, 6890]) {
    const past = pastOf(model, "lr", start);
    assert.ok(past.step[0] >= start && past.step[0] <= start + 2, `from ${start} on: ${past.step[0]}`);
    assert.equal(past.step.at(-1), 6900);
    past.step.forEach((step, i) => {
      assert.ok(i === 0 || step - past.step[i - 1] <= 4, `a line from ${past.step[i - 1]} to ${step}`);
      assert.ok(Math.abs(past.value[i] - cosine(step)) < 0.005);
    });
  }
});

test("a value that is held begins with the one that was in force", () => {
  const { model } = modelOf(100, 100, { name: "hp/momentum", per: 40, course: (step) => step / 100 });
  const past = pastOf(model, "momentum", 60);
  assert.deepEqual(past, { step: [60, 81], value: [0.41, 0.81], held: true });
});

test("what is here in wide buckets only is asked of the run's file, once for a while", () => {
  const { model, asked } = modelOf(100_000, 100_010, { per: 100 });
  for (const now of [100_010, 100_060, 100_100]) pastOf(model, "lr", now - 2000, POINTS);
  const wishes = asked.filter((one) => typeof one !== "string");
  assert.equal(new Set(wishes.map((wish) => JSON.stringify(wish))).size, 1);
  const [{ names, start, stop, points }] = wishes;
  assert.deepEqual([names, stop], [["lr"], Infinity]);
  assert.ok(start <= 98_010 && start > 95_000 && points >= POINTS);
  const fine = modelOf(4060, 6900);
  pastOf(fine.model, "lr", 5900, POINTS);
  assert.deepEqual(fine.asked, ["lr"]);
});

test("a stretch that follows the run takes the place of the one before, of the same who looks", () => {
  const { series } = modelOf(100, 100);
  const detail = (by, start, stop = Infinity) => ({ by, start, stop, per: 0.5, sequence: 100, columns: new Columns() });
  for (const one of [detail("chart", 1), detail("past", 10), detail("chart", 5, 20), detail("past", 50)]) series.addDetail(one);
  assert.deepEqual(series.details.map(({ by, start }) => [by, start]), [["past", 50], ["chart", 5], ["chart", 1]]);
});

test("a curve reaches the present only where the last record is near, or its value is held", () => {
  const step = Array.from({ length: 100 }, (_, at) => at);
  const past = { step, value: step.map(cosine), held: false };
  assert.deepEqual(joined(past, 101, 0.5).step.at(-1), 101);
  assert.equal(joined(past, 200, 0.5), past);
  assert.equal(joined({ ...past, held: true }, 200, 0.5).value.at(-1), past.value.at(-1));
  assert.deepEqual(joined({ step: [], value: [], held: true }, 200, 0.5).step, []);
  const [near, far] = [sparkPath(past, 101), sparkPath(past, 200)];
  assert.ok(near.x === 69 && far.x < 40);
});

test("what was set again at a step, or before the run was taken back to it, is no part of the past", () => {
  const past = new Past();
  for (const [step, value] of [[10, 0.2], [50, 0.3], [50, 1e30], [51, 1e30], [50, 0.3], [60, 0.4], [61, 1], [55, 0.3]])
    past.take(step, [{ name: "lr", value }]);
  assert.deepEqual(past.of("lr"), { step: [10, 50], value: [0.2, 0.3] });
});

test("once a run is over a value is that of the last record, not of the last beat", () => {
  const { model } = modelOf(100, 900);
  const over = { ...model, live: false, status: { step: 900 }, toldAt: 640 };
  const told = { name: "lr", value: 0.1, used: 0.1, owner: "scheduler" };
  const { info, at } = atTheEnd(over, told);
  assert.deepEqual([info.value, info.used, at], [cosine(900), cosine(900), 900]);
  assert.equal(atTheEnd({ ...over, live: true }, told).info, told);
  const momentum = { name: "momentum", value: 0.9, used: 0.9, owner: "policy" };
  assert.deepEqual(atTheEnd(over, momentum), { info: momentum, at: 640 }, "what moves and is not recorded says of when it is");
  assert.equal(atTheEnd(over, { ...momentum, owner: "script" }).at, null, "what stays is the same at the end");
});

test("while a run goes on the newest of a beat and a record tells what the last update used", () => {
  const { model } = modelOf(100, 900);
  const told = { name: "lr", value: 0.2, used: 0.1, owner: "scheduler" };
  const behind = { ...model, live: true, status: { step: 880 }, toldAt: 640 };
  assert.deepEqual(asRecorded(behind, told), { info: { ...told, used: cosine(900) }, at: null });
  assert.equal(asRecorded({ ...behind, toldAt: 900 }, told).info, told, "a value that was set in a pause stands");
  assert.equal(asRecorded({ ...behind, toldAt: null }, told).info.used, cosine(900));
  assert.equal(asRecorded({ ...behind, toldAt: null, status: { step: 905 } }, told).info, told);
  assert.equal(asRecorded({ ...behind, live: false, status: { step: 900 } }, told).at, 900);
});

test("groups that differ are taken from their own records, or not at all", () => {
  const { model, series } = modelOf(100, 900, { name: "lr/0" });
  const other = modelOf(100, 900, { name: "lr/1", course: (step) => step }).series;
  const store = { ...model.store, scalars: new Map([["lr/0", series], ["lr/1", other]]) };
  const over = { ...model, store, live: false, status: { step: 900 }, toldAt: null, catalogue: { series: { "lr/0": "scalar", "lr/1": "scalar" } } };
  const told = { name: "lr", value: [0.1, 0.2], used: [0.1, 0.2], owner: "scheduler" };
  assert.deepEqual(atTheEnd(over, told).info.value, [cosine(900), 900]);
  store.scalars.delete("lr/1");
  assert.equal(atTheEnd(over, told).info, told);
});
