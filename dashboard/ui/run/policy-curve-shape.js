// Where the lines, ticks and marks of a policy's curve stand.
import { isConstant } from "../charts/range.js";
import { linearTicks, logTicks, tickTexts } from "../charts/lines/ticks.js";
import { formatCount, formatNumber } from "../numbers.js";
import { thinned } from "./past.js";

export const SIZE = { width: 372, height: 168 };
export const BOX = { left: 50, right: 364, top: 8, bottom: 144 };
const POINTS = 400;
const TAIL = 0.02;

/** Everything drawn, in the drawing's own units. */
export function shapeOf({ past: was, coming: asked, dry, now, ahead = Infinity, log = false, stale = false }) {
  const coming = asked && within(asked, now, now + ahead); // the present has moved on since it was asked
  const columns = [
    { kind: "past", word: "was", ...was },
    dry && { kind: "dry", word: "would have been", ...dry },
    coming && { kind: "coming", word: "will be", ...coming },
  ].filter((one) => one?.step.length);
  const steps = columns.flatMap(({ step }) => [step[0], step.at(-1)]);
  const shown = (value) => value.filter((one) => Number.isFinite(one) && (!log || one > 0));
  const past = columns.filter(({ kind }) => kind === "past");
  // A spike of long ago would make what is to come a flat line: it runs out of the drawing instead.
  const whole = columns.length === past.length;
  const finite = [
    ...columns.filter((one) => whole || one.kind !== "past").flatMap(({ value }) => shown(value)),
    ...past.flatMap((one) => shown(usual(one, now))),
  ];
  const [first, last] = steps.length ? [Math.min(...steps, now), Math.max(...steps, now)] : [0, Math.max(1, now)];
  const [low, high] = rangeOf(finite, log);
  const toX = (step) => BOX.left + ((step - first) / Math.max(1, last - first)) * (BOX.right - BOX.left);
  const height = (value) => (log ? Math.log(value / low) / Math.log(high / low) : (value - low) / (high - low));
  const toY = (value) => BOX.bottom - height(value) * (BOX.bottom - BOX.top);
  const yTicks = (log ? logTicks : linearTicks)(low, high, 4);
  const xTicks = linearTicks(first, last, 4);
  const start = coming?.value.find(Number.isFinite);
  return {
    columns,
    lines: columns.map(({ kind, held, ...one }) => ({ kind, path: pathOf(thinned(one, POINTS), toX, toY, held, log) })),
    ticks: { y: placed(yTicks, tickTexts(yTicks, log), toY), x: placed(xTicks, tickTexts(xTicks), toX) },
    present: now > 0 || coming ? toX(now) : null,
    dot: !stale && start !== undefined && (!log || start > 0) ? { x: toX(now), y: toY(start) } : null,
    toStep: (x) => first + ((x - BOX.left) / (BOX.right - BOX.left)) * (last - first),
    words: summary(columns),
    beyond: past.some(({ value }) => shown(value).some((one) => one > high || one < low)),
  };
}

/** What the past was but for the highest and the lowest fiftieth of its steps; what it is now stays. */
function usual({ step, value }, now) {
  const lasting = value
    .map((one, i) => ({ one, steps: Math.max(1, (step[i + 1] ?? now) - step[i]) }))
    .filter(({ one }) => Number.isFinite(one))
    .sort((a, b) => a.one - b.one);
  const edge = TAIL * lasting.reduce((sum, { steps }) => sum + steps, 0);
  let before = 0;
  const kept = lasting.filter(({ steps }) => {
    const from = before;
    before += steps;
    return before > edge && from < edge / TAIL - edge;
  });
  return [...kept.map(({ one }) => one), ...value.slice(-1)];
}

function within({ step, value }, now, end) {
  const first = step.findIndex((one) => one >= now);
  if (first < 0) return { step: [], value: [] };
  const after = step.findIndex((one) => one > end);
  const stop = after < 0 ? step.length : after;
  return { step: step.slice(first, stop), value: value.slice(first, stop) };
}

function summary(columns) {
  const coming = columns.find(({ kind }) => kind === "coming") ?? columns.find(({ kind }) => kind === "dry");
  if (!coming) return "";
  const first = coming.kind === "coming" ? "now" : `dry run, step ${formatCount(coming.step[0])}`;
  const finite = coming.value.filter(Number.isFinite);
  if (!finite.length) return "no number comes of it";
  const [start, end] = [finite[0], finite.at(-1)];
  const [low, high] = [Math.min(...finite), Math.max(...finite)];
  const beyond = low < Math.min(start, end) || high > Math.max(start, end);
  const words = `${first} to step ${formatCount(coming.step.at(-1))}: ${formatNumber(start)} → ${formatNumber(end)}`;
  return beyond ? `${words} · between ${formatNumber(low)} and ${formatNumber(high)} on the way` : words;
}

function placed(ticks, texts, place) {
  return ticks.map((tick, i) => ({ at: place(tick), text: texts[i] }));
}

function rangeOf(values, log) {
  if (!values.length) return log ? [0.1, 1] : [0, 1];
  let low = Math.min(...values);
  let high = Math.max(...values);
  if (log) return high > low * 1.01 ? [low / 1.1, high * 1.1] : [low / 2, high * 2];
  if (isConstant(low, high)) {
    const around = Math.abs(high) * 0.2 || 1;
    return [low - around, high + around];
  }
  const more = (high - low) * 0.06;
  return [low >= 0 ? Math.max(0, low - more) : low - more, high + more];
}

function pathOf({ step, value }, toX, toY, held, log) {
  let path = "";
  let open = false;
  step.forEach((one, i) => {
    if (!Number.isFinite(value[i]) || (log && value[i] <= 0)) {
      open = false;
      return;
    }
    const [x, y] = [toX(one).toFixed(1), toY(value[i]).toFixed(1)];
    if (!open) path += `M${x} ${y}`;
    else path += held ? `H${x}V${y}` : `L${x} ${y}`;
    open = true;
  });
  return path;
}
