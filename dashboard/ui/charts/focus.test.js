import assert from "node:assert/strict";
import { test } from "node:test";
import { alongOf, epochsOf } from "./focus/along.js";
import { changesOf } from "./focus/changes.js";
import { Columns } from "./columns.js";
import { alike, levelRange, lineTraces, toTheEnd } from "./focus/lines.js";

const theme = { series: ["a", "b", "c"], muted: "m", surface: "s", text: "t", raised: "r", font: "f" };

function series(steps, values) {
  const columns = { step: steps, value: values };
  return { parts: () => [{ columns, from: 0, to: steps.length }] };
}

test("a step lies in its epoch by its part, there and back", () => {
  const epochs = epochsOf(series([1, 50, 100, 101, 150, 200, 201], [0, 0, 0, 1, 1, 1, 2]));
  assert.equal(epochs.of(1), 0);
  assert.equal(epochs.of(51), 0.5);
  assert.equal(epochs.of(101), 1);
  assert.equal(epochs.of(251), 2.5); // the epoch under way is as long as the one before
  for (const step of [1, 37, 101, 160, 230]) assert.ok(Math.abs(epochs.step(epochs.of(step)) - step) < 1e-9);
  assert.equal(epochsOf(undefined), null);
});

test("where nothing counts epochs, steps are taken and it is said", () => {
  const along = alongOf("epoch", { scalars: new Map() }, []);
  assert.equal(along.kind, "step");
  assert.equal(along.place(7, 0), 7);
});

const at = { place: (step) => step };
const mark = (step, author = "person") => ({ step, time: 0, author, kind: "paused", text: `<lr> ${step}` });
const sight = { range: null, extent: [0, 1000], width: 1000, log: false };

test("changes hang as words from the frame, near ones as one, with text that is no tag", () => {
  const { shapes, annotations } = changesOf([{ marks: [10, 12, 500].map((step) => mark(step)), along: at, name: "a" }], theme, sight);
  assert.deepEqual(annotations.map(({ x, text }) => [x, text]), [[10, "2"], [500, "‖"]]);
  const drawn = shapes.map(({ type, x0, x1 }) => [type, x0, x1]);
  assert.deepEqual(drawn, [["rect", 10, 12], ["line", 10, 10], ["line", 12, 12], ["line", 500, 500]]);
  assert.ok(annotations.every(({ xanchor }) => xanchor === "left")); // a head begins at its first mark, not before it
  assert.match(annotations[1].hovertext, /paused: &lt;lr> 500/);
  const last = changesOf([{ marks: [mark(995)], along: at, name: "a" }], theme, sight);
  assert.equal(last.annotations[0].xanchor, "right"); // and the last stays inside
});

test("of several runs it is said whose change it was; out of sight is left out; without any nothing is drawn", () => {
  const runs = ["a", "b"].map((name, i) => ({ marks: [mark(100 + 300 * i)], along: at, name, colour: `of ${name}` }));
  const { annotations } = changesOf(runs, theme, { ...sight, range: [300, 1000] });
  assert.equal(annotations.length, 1);
  assert.match(annotations[0].hovertext, /^<b>b<\/b><br>.*b: /);
  assert.equal(annotations[0].bordercolor, "of b");
  const both = runs.map((run) => ({ ...run, marks: [mark(500)] }));
  assert.equal(changesOf(both, theme, sight).annotations[0].bordercolor, theme.muted);
  assert.deepEqual(changesOf([], theme, sight), { shapes: [], annotations: [] });
});

test("what rounding alone makes differ is a level line, and anything else is fitted", () => {
  const [low, high] = levelRange([{ y: [0.003, null, Math.fround(0.003)] }, { y: [0.02, 0.98], yaxis: "y2" }]);
  assert.ok(Math.abs(low - 0.0027) < 1e-6 && Math.abs(high - 0.0033) < 1e-6);
  assert.deepEqual(levelRange([{ y: [0, 0] }]), [-1, 1]);
  assert.equal(levelRange([{ y: [0.003, 0.0031] }]), null);
  assert.equal(levelRange([{ y: [NaN, null] }]), null);
});

test("records that came after the history stand in buckets of its share, with every spike and NaN", () => {
  const coarse = new Columns();
  coarse.append(1, 0.5, 0, 0);
  const recent = new Columns();
  for (const value of [1, 2, 9, 2, NaN, 4, 5]) recent.append(33 + recent.length, value, 0, 0);
  const parts = [{ columns: coarse, from: 0, to: 1, per: 3.2 }, { columns: recent, from: 1, to: 7, per: 1 }];
  const [same, merged] = alike(parts);
  assert.equal(same, parts[0]);
  const taken = ["step", "value", "low", "high", "nan"].map((field) => [...merged.columns[field].slice(merged.from, merged.to)]);
  assert.deepEqual(taken, [[34, 37], [13 / 3, 4.5], [2, 4], [9, 5], [0, 1]]);
  assert.deepEqual(alike([parts[1]]), [parts[1]], "records alone stay records");
  assert.deepEqual(alike([]), []);
});

test("the line reaches the last record, also where its bucket begins long before", () => {
  const columns = new Columns();
  for (const step of [1, 301, 601]) columns.append(step, 0.5, 0, 0);
  const parts = [{ columns, from: 0, to: 3, per: 300 }];
  const last = { step: 899, time: 9, value: 0.25 };
  const [, end] = toTheEnd(parts, last, [-Infinity, Infinity]);
  assert.deepEqual([end.columns.step[0], end.columns.value[0], end.per], [899, 0.5, 1]);
  const same = [[parts, { ...last, step: 601 }, Infinity], [parts, { ...last, count: 300 }, Infinity], [parts, last, 700], [[], last, Infinity], [parts, undefined, Infinity]];
  for (const [given, latest, stop] of same) assert.equal(toTheEnd(given, latest, [-Infinity, stop]), given);
});

test("a smoothed line lies over its records, which are pale then, and the legend names one of them", () => {
  const values = [0, 1, 0, 1, 0, 1];
  const columns = new Columns(values.length);
  values.forEach((value, i) => columns.append(i + 1, value, 0, i));
  const line = { series: { parts: () => [{ columns, from: 0, to: values.length, per: 1 }] }, label: "loss", colour: "#0072b2", along: at, steps: [1, 9] };
  const [plain, ...none] = lineTraces([line], { bad: "#f00" });
  assert.deepEqual([plain.y, none], [values, []]);
  const [pale, smooth] = lineTraces([line], { bad: "#f00", weight: 0.9 });
  assert.deepEqual([pale.y, pale.showlegend, pale.line.color], [values, false, "rgba(0,114,178,0.35)"]);
  assert.deepEqual([smooth.name, smooth.line.color], ["loss, smoothed", "#0072b2"]);
  assert.ok(smooth.y.slice(2).every((value) => value > 0.2 && value < 0.8));
});
