/**
 * One series as the browser holds it, in bounded memory: `base` is the history at the resolution of a chart, `older` and
 * `recent` are what came live after it (`recent` record by record, `older` in buckets), `details` are stretches of
 * history that a viewer looked at closely. `parts` puts together what covers a range of steps.
 */

import { Columns, lowerBound } from "./columns.js";

export const RECENT = 2048; // records kept as they came
export const OLDER = 1024; // buckets of live records before them
const DETAILS = 4; // stretches kept a series
const LEAST_ROOM = 12; // pixels below which a coarse stretch is not worth a request

export class Series {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.base = null; // {columns, sequence, per}
    this.older = new Columns(0);
    this.recent = new Columns(0);
    this.span = 1; // records in a bucket of `older`
    this.details = [];
    this.latest = undefined; // {step, time, value}, and how many records that stands for where it is a bucket
    this.rewinds = 0; // how often the run went back to an earlier step
  }

  /** Adds a batch's records. */
  append(steps, times, values, offset, sequence) {
    const count = steps.length;
    if (!count) return;
    if (this.latest && steps[0] < this.latest.step) this.#rewind(steps[0]);
    for (let i = 0; i < count; i++) {
      if (this.recent.length === RECENT) this.#compact();
      this.recent.append(steps[i], values[offset + i], times[i], sequence);
    }
    this.latest = { step: steps[count - 1], time: times[count - 1], value: values[offset + count - 1] };
  }

  /** The run was taken back (a restart or a restored checkpoint): what lay beyond is no longer its course. */
  #rewind(step) {
    this.rewinds++;
    this.details = [];
    for (const columns of [this.base?.columns, this.older, this.recent]) {
      if (columns) columns.length = lowerBound(columns.step, columns.length, step);
    }
  }

  /**
   * The run went back: takes away what it left behind, however it came.
   *
   * @param {{step: number, time: number}} rewind - to which step, and when.
   * @param {boolean} [across] - whether buckets that reach beyond the step go too.
   * @returns {boolean} whether anything went.
   */
  leave(rewind, across = true) {
    let next = across ? Infinity : undefined;
    let went = false;
    for (const columns of [this.recent, this.older, this.base?.columns]) {
      if (!columns?.length) continue;
      const first = columns.step[0];
      went = columns.leave(rewind, next) || went;
      if (across) next = first;
    }
    if (!went) return false;
    this.details = [];
    const { columns, per } = this.base ?? {};
    const end = [this.recent, this.older, columns].find((one) => one?.length);
    this.latest = end && entryOf(end, end === columns ? per : 1);
    return true;
  }

  /** Moves the older half of `recent` into buckets; the newer half stays, for an answer of history may end within it. */
  #compact() {
    const half = RECENT / 2;
    while (this.older.length + half / this.span > OLDER) {
      this.older.halve();
      this.span *= 2;
    }
    this.older.merge(this.recent, 0, half, this.span);
    this.recent.drop(half);
  }

  /**
   * Takes over history of the whole run, and lets go of the live records that it holds.
   *
   * @param {Columns} columns the history.
   * @param {number} sequence the last batch it holds.
   * @param {number} per records an entry.
   */
  adopt(columns, sequence, per) {
    this.recent.drop(countUpTo(this.recent, sequence));
    this.older.drop(countUpTo(this.older, sequence));
    const live = this.older.length ? this.older : this.recent;
    // A bucket that lies across the border stays whole: history yields to it.
    if (this.older.length && this.older.first[0] <= sequence) {
      columns.length = lowerBound(columns.step, columns.length, this.older.step[0]);
    }
    if (!this.older.length) this.span = 1;
    this.base = { columns, sequence, per };
    this.details = this.details.filter((detail) => detail.stop !== Infinity);
    const end = columns.length - 1;
    if (!live.length && end >= 0 && !(this.latest?.step > columns.step[end])) this.latest = entryOf(columns, per);
  }

  /** Keeps a stretch of history at a finer resolution; of stretches that follow the run, the last one of who looks (`by`). */
  addDetail(detail) {
    const follows = ({ stop }) => stop === Infinity;
    const stale = (kept) => kept === detail || (detail.by && kept.by === detail.by && follows(kept) && follows(detail));
    this.details = [detail, ...this.details.filter((kept) => !stale(kept))].slice(0, DETAILS);
  }

  /**
   * What covers the steps from `start` to `stop`, finest first where there is a choice.
   *
   * @returns {{columns: Columns, from: number, to: number, per: number}[]} in step order; each reaches one entry beyond
   *   the range where there is one, so that lines run to the edge.
   */
  parts(start, stop) {
    const detail = this.#finest(start, stop);
    const source = detail ?? this.base;
    const parts = [];
    if (source) parts.push(cut(source.columns, start, stop, source.per));
    if (detail && detail.stop !== Infinity) return parts;
    const sequence = source?.sequence ?? 0;
    for (const [columns, per] of [[this.older, this.span], [this.recent, 1]]) {
      const part = cut(columns, start, stop, per);
      part.from = Math.max(part.from, countUpTo(columns, sequence));
      if (part.from < part.to) parts.push(part);
    }
    return parts;
  }

  /**
   * Whether a stretch of a range is held in buckets that are wider than a pixel or two, so that the run's file could show
   * more of it. Each part is judged by its own share of the pixels: many records beside it make a coarse one no finer.
   */
  coarse(start, stop, pixels) {
    const [first, last] = this.extent() ?? [0, 0];
    const [left, right] = [Math.max(start, first), Math.min(stop, last)];
    if (!(right > left)) return false;
    return this.parts(start, stop).some(({ columns, from, to, per }) => {
      if (per <= 1.5 || to <= from) return false;
      const reach = Math.min(right, to < columns.length ? columns.step[to] : right) - Math.max(left, columns.step[from]);
      const room = (pixels * reach) / (stop - start);
      return room > LEAST_ROOM && to - from < 0.6 * room;
    });
  }

  #finest(start, stop) {
    let best = null;
    for (const detail of this.details) {
      if (detail.start <= start && detail.stop >= stop && (!best || detail.per < best.per)) best = detail;
    }
    return best && (!this.base || best.per < this.base.per) ? best : null;
  }

  /** The first and last step held, or `null`. */
  extent(field = "step") {
    const all = [this.base?.columns, this.older, this.recent].filter((columns) => columns?.length);
    if (!all.length) return null;
    const end = all[all.length - 1];
    return [all[0][field][0], end[field][end.length - 1]];
  }

  /** The step at a moment: the last one at or before it. */
  stepAt(time) {
    let step = NaN;
    for (const columns of [this.base?.columns, this.older, this.recent]) {
      if (!columns?.length) continue;
      const at = lowerBound(columns.time, columns.length, time);
      if (at > 0 || step !== step) step = columns.step[Math.max(0, at - 1)];
    }
    return step;
  }

  /** Values and entries around a step, for the crosshair: the last entry at or before it, or the first. */
  at(step) {
    const parts = this.parts(step, step);
    let found = null;
    for (const { columns, from, to } of parts) {
      for (let i = from; i < to; i++) {
        if (!found || columns.step[i] <= step) found = { columns, i };
      }
    }
    if (!found) return null;
    const { columns, i } = found;
    return { step: columns.step[i], value: columns.value[i], low: columns.low[i], high: columns.high[i], nan: columns.nan[i], time: columns.time[i], count: columns.count[i] };
  }
}

/** How many entries, from the first, belong to batches up to `sequence` as a whole. */
function countUpTo(columns, sequence) {
  return sequence ? lowerBound(columns.last, columns.length, sequence + 1) : 0;
}

/** The entries of a range of steps, with one neighbour on either side. */
function cut(columns, start, stop, per) {
  const from = Math.max(0, lowerBound(columns.step, columns.length, start) - 1);
  const to = Math.min(columns.length, lowerBound(columns.step, columns.length, stop + 1e-9) + 1);
  return { columns, from, to: Math.max(from, to), per };
}

/** The last entry, as the last record. */
function entryOf(columns, per) {
  const end = columns.length - 1;
  return { step: columns.step[end], time: columns.time[end], value: per > 1 ? lastOf(columns, end) : columns.value[end], count: per };
}

/** The best there is to say of a bucket's last value: NaN only where all of it is. */
function lastOf(columns, at) {
  return columns.nan[at] >= columns.count[at] ? NaN : columns.value[at];
}
