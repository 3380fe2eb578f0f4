// How values went, for curves: from the run's series where there is one, from what the page heard where there is none.

const KEPT = 600; // changes of one name
const POINTS = 400; // entries of a curve that can be told apart
const NEAR = 0.05; // of a curve's length, within which its end is the present

/** The values of hyperparameters as they came with the beats: a change each, in step order. */
export class Past {
  #columns = new Map();

  /**
   * @param {number} step
   * @param {{name: string, value: *}[]} infos
   */
  take(step, infos) {
    for (const { name, value: given } of infos) {
      const value = Array.isArray(given) ? given[0] : given; // of groups that differ, the first one's
      if (typeof value !== "number") continue;
      let columns = this.#columns.get(name);
      if (!columns) this.#columns.set(name, (columns = { step: [], value: [] }));
      const end = columns.step.length - 1;
      while (columns.step.length && columns.step.at(-1) > step) {
        columns.step.pop(); // the run was taken back
        columns.value.pop();
      }
      if (columns.step.at(-1) === step && columns.value.at(-1) !== value) {
        columns.step.pop(); // set again at the same step, or taken back to it: no update used what was there
        columns.value.pop();
      }
      if (end >= 0 && columns.value.at(-1) === value) continue;
      if (columns.step.length >= KEPT) {
        columns.step.splice(0, KEPT / 2);
        columns.value.splice(0, KEPT / 2);
      }
      columns.step.push(step);
      columns.value.push(value);
    }
  }

  /** @returns {{step: number[], value: number[]}} */
  of(name) {
    return this.#columns.get(name) ?? { step: [], value: [] };
  }
}

/**
 * A hyperparameter's past, the best there is.
 *
 * @param {import("./model.js").RunModel} model
 * @param {string} name
 * @param {number} [start] - the first step wanted.
 * @param {number} [points] - how many entries can be told apart; where fewer are here than the run's file has, it is asked for them.
 * @returns {{step: number[], value: number[], held: boolean}} `held`: each value stays until the next one.
 */
export function pastOf(model, name, start = 0, points = POINTS) {
  const series = seriesOf(model, name);
  if (!series) return { ...trimmed(model.past.of(name), start), held: true };
  const { store } = model;
  store.need([series]);
  const held = series.startsWith("hp/");
  const columns = store.scalars.get(series);
  if (columns) lookCloser(store, columns, start, points);
  const past = { step: [], value: [], held };
  for (const part of columns?.parts(start, Infinity) ?? []) {
    for (let at = part.from; at < part.to; at++) {
      // Each part brings a neighbour before the range along: what is held begins with it, of the rest it may lie anywhere,
      // and a line from there would pass over all that was in between.
      if (!held && part.columns.step[at] < start) continue;
      past.step.push(part.columns.step[at]);
      past.value.push(part.columns.value[at]);
    }
  }
  if (past.step.length) return held ? { ...trimmed(past, start), held } : past;
  return { ...trimmed(model.past.of(name), start), held: true };
}

/** Asks the run's file for a stretch that is here in wide buckets only; as the run goes on, anew once in half its length. */
function lookCloser(store, columns, start, points) {
  const end = columns.extent()?.[1] ?? 0;
  if (!(end > start) || !columns.coarse(start, end, points)) return;
  const stride = 2 ** Math.max(0, Math.floor(Math.log2(end - start)) - 1);
  const from = Math.floor(start / stride) * stride;
  store.detail(`past ${points} ${stride}`, [columns.name], from, Infinity, 2 * points);
}

/**
 * A past up to the present. A value that is held reaches it; of one that moves, only where the last record is near: what
 * lies between is not known, and a line would tell of it.
 *
 * @param {{step: number[], value: number[], held?: boolean}} past
 * @param {number} step - the present.
 * @param {number|undefined} value - in force now.
 */
export function joined(past, step, value) {
  const last = past.step.at(-1);
  const present = past.held ? past.value.at(-1) : value;
  if (present === undefined || !(step > (last ?? -1)) || !reaches(past, step)) return past;
  return { ...past, step: [...past.step, step], value: [...past.value, present] };
}

/** Whether a past reaches the present: the batch with the latest records may still be on its way. */
export function reaches({ step, held }, now) {
  if (held || !step.length) return true;
  const usual = step.length > 1 ? (step.at(-1) - step[0]) / (step.length - 1) : 1;
  return now - step.at(-1) <= Math.max(3 * usual, NEAR * (now - step[0]));
}

/**
 * A hyperparameter of a run that is over, as its last update had it: what was told with the last beat may be hundreds of steps older
 * than what was recorded until the end.
 *
 * @param {import("./model.js").RunModel} model
 * @param {object} info - as the last beat told it.
 * @returns {{info: object, at: ?number}} `at`: the step that its value is of, where that is known; of a value that stays, none.
 */
export function atTheEnd(model, info) {
  if (model.live || !model.status) return { info, at: null };
  const end = Array.isArray(info.value) ? endsOf(model, info) : endOf(model, info.name, info);
  if (end) return { info: { ...info, value: end.value, used: end.value }, at: end.step };
  const moves = info.owner === "scheduler" || info.owner === "policy" || info.mode === "scale";
  return { info, at: moves && model.toldAt !== null && model.toldAt < model.status.step ? model.toldAt : null };
}

/**
 * A hyperparameter as the newest record has it: while a run goes on records come more often than beats, and the list would be behind the
 * chart beside it.
 *
 * @param {import("./model.js").RunModel} model
 * @param {object} info - as the last beat told it.
 * @returns {{info: object, at: ?number}} as `atTheEnd`.
 */
export function asRecorded(model, info) {
  if (!model.live) return atTheEnd(model, info);
  const end = Array.isArray(info.value) ? endsOf(model, info) : endOf(model, info.name, info);
  const told = model.toldAt ?? model.status.step;
  return { info: end && end.step > told ? { ...info, used: end.value } : info, at: null };
}

/** The last record of a value that is recorded whenever it changes: a rate at every step, another one by the policy that moves it. */
function endOf(model, name, { owner }) {
  const series = seriesOf(model, name);
  if (!series || (series.startsWith("hp/") && owner !== "policy")) return null;
  model.store.need([series]);
  const latest = model.store.scalars.get(series)?.latest;
  return latest && !(latest.count > 1) ? latest : null; // a bucket holds no last value
}

/** The same of groups that differ: all of them, or none. */
function endsOf(model, info) {
  const ends = info.value.map((_, group) => (info.name === "lr" ? endOf(model, `lr[${group}]`, info) : null));
  return ends.every(Boolean) ? { value: ends.map(({ value }) => value), step: ends[0].step } : null;
}

/** The rate is recorded at every step, of each group where they differ; other values when a policy changes them. */
function seriesOf(model, name) {
  const names = model.catalogue?.series ?? {};
  const group = name.match(/^lr(?:\[(\d+)\])?$/);
  const rates = group ? ["lr", `lr/${group[1] ?? 0}`] : [];
  return [...rates, `hp/${name}`].find((one) => names[one] === "scalar") ?? "";
}

/** From `start` on; the value that was held then begins it. */
function trimmed(columns, start) {
  let from = columns.step.findIndex((step) => step > start);
  if (from < 0) from = columns.step.length;
  from = Math.max(0, from - 1);
  const step = columns.step.slice(from);
  if (step.length) step[0] = Math.max(step[0], start);
  return { step, value: columns.value.slice(from) };
}

/** At most about `count` entries, the last one among them. */
export function thinned({ step, value }, count) {
  if (step.length <= count) return { step, value };
  const stride = (step.length - 1) / (count - 1);
  const at = Array.from({ length: count }, (_, i) => Math.round(i * stride));
  return { step: at.map((i) => step[i]), value: at.map((i) => value[i]) };
}
