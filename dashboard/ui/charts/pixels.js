/**
 * From entries to columns of pixels: whatever the number of entries, a line has at most as many points as the chart has
 * pixels, and no extreme, NaN or infinity of an entry is lost on the way.
 */

import { isBreak } from "./breaks.js";

const FIELDS = ["x", "end", "value", "low", "high", "nan", "above", "below", "broken"];

/**
 * What is drawn of one series. `x` and `end` are pixels; `above` and `below` say that +Inf and -Inf are in it; `broken` that no line
 * leads to it from the column before.
 */
export class PixelColumns {
  constructor() {
    this.length = 0;
    this.#make(2048);
  }

  #make(capacity) {
    this.capacity = capacity;
    for (const field of FIELDS) {
      const wider = new Float64Array(capacity);
      if (this[field]) wider.set(this[field]);
      this[field] = wider;
    }
  }

  /**
   * Fills the columns from parts of a series.
   *
   * @param {{columns: object, from: number, to: number}[]} parts in step order.
   * @param {"step" | "time"} field what runs along x.
   * @param {(x: number) => number} toPixel from x to pixels.
   * @param {number} left the first pixel that is seen; what lies further left is one entry at most.
   * @param {number} right the last one.
   * @returns {PixelColumns} itself.
   */
  fill(parts, field, toPixel, left, right) {
    this.length = 0;
    let pixel = NaN;
    let weight = 0;
    let sum = 0;
    let bucket = 0; // records an entry of the open column stands for
    let before = -1;
    let held = null; // the entries before the present one, as the series has them, and which of them it follows
    let last = 0;
    let distance = 0; // from that one to the one before it
    for (const { columns, from, to, of: whole = { columns, from } } of parts) {
      const { step } = whole.columns;
      const shift = whole.from - from;
      const { value, low, high, nan, count } = columns;
      const along = columns[field];
      for (let i = from; i < to; i++) {
        const x = toPixel(along[i]);
        const column = Math.floor(x);
        if (column !== pixel) {
          // Where it goes on at about its pace, which is nearly everywhere, one comparison says so.
          const broken = held !== null && step[i + shift] - held.step[last] > 2 * distance && isBreak(held, last, whole.columns, i + shift);
          // A bucket reaches to where the next begins; a record is a point.
          if (before >= 0) this.end[before] = bucket > 1 ? (broken ? Math.min(x, this.x[before] + this.#spacing()) : x) : this.x[before];
          pixel = column;
          before = this.length++;
          if (before === this.capacity) this.#make(2 * this.capacity);
          this.x[before] = x;
          this.broken[before] = broken ? 1 : 0;
          this.low[before] = NaN;
          this.high[before] = NaN;
          this.value[before] = NaN;
          this.nan[before] = 0;
          this.above[before] = 0;
          this.below[before] = 0;
          weight = 0;
          sum = 0;
          bucket = 0;
        }
        if (held !== null) distance = step[i + shift] - held.step[last] || distance;
        held = whole.columns;
        last = i + shift;
        bucket = Math.max(bucket, count[i]);
        this.nan[before] += nan[i];
        if (low[i] === -Infinity) this.below[before] = 1;
        if (high[i] === Infinity) this.above[before] = 1;
        if (!(this.low[before] <= low[i]) && low[i] === low[i]) this.low[before] = low[i];
        if (!(this.high[before] >= high[i]) && high[i] === high[i]) this.high[before] = high[i];
        if (Number.isFinite(value[i])) {
          sum += value[i] * count[i];
          weight += count[i];
          this.value[before] = sum / weight;
        }
      }
    }
    if (before >= 0) this.end[before] = bucket > 1 ? Math.min(right, this.x[before] + this.#spacing()) : this.x[before];
    this.#clip(left, right);
    return this;
  }

  /** Half of nothing is known of how far the last bucket reaches: as far as the one before it. */
  #spacing() {
    return this.length > 1 ? this.x[this.length - 1] - this.x[this.length - 2] : 1;
  }

  /** Buckets that begin left of the chart are seen from its edge on; entries outside keep their place, for the lines. */
  #clip(left, right) {
    for (let i = 0; i < this.length; i++) {
      if (this.x[i] < left && this.end[i] > left) this.x[i] = left;
      if (this.end[i] > right && this.x[i] <= right) this.end[i] = right;
    }
  }

  /**
   * One number for each column in place of its extent, for a chart whose spec asks for that. NaN and infinities stay marked.
   *
   * @param {"last" | "mean" | "min" | "max"} how of a bucket the last value is not known: its mean stands for it.
   */
  reduce(how) {
    const chosen = { min: this.low, max: this.high }[how] ?? this.value;
    for (let i = 0; i < this.length; i++) {
      const one = Number.isFinite(chosen[i]) ? chosen[i] : this.value[i];
      this.value[i] = one;
      this.low[i] = one;
      this.high[i] = one;
    }
  }

  /** The least and largest finite number in sight, or `null`; `positive` leaves out what a log scale has no place for. */
  extent(left, right, positive = false) {
    let least = Infinity;
    let largest = -Infinity;
    for (let i = 0; i < this.length; i++) {
      if (this.end[i] < left || this.x[i] > right) continue;
      for (const bound of [this.low[i], this.high[i], this.value[i]]) {
        if (!Number.isFinite(bound) || (positive && bound <= 0)) continue;
        if (bound < least) least = bound;
        if (bound > largest) largest = bound;
      }
    }
    return least <= largest ? [least, largest] : null;
  }
}

/**
 * An exponential average over entries, debiased: the first values do not count as if zeros came before them. An entry of
 * several records weighs as much as they do, so that the curve is the same at every zoom.
 *
 * @param {{columns: object, from: number, to: number}[]} parts in step order.
 * @param {number} weight of what was, from 0 to below 1, a record.
 * @returns {{columns: object, from: number, to: number, of: object}[]} parts with smoothed values and nothing else; `of`: what they
 *   are of.
 */
export function smooth(parts, weight) {
  let average = 0;
  let known = 0;
  return parts.map(({ columns, from, to }) => {
    const value = new Float64Array(to - from);
    for (let i = from; i < to; i++) {
      const one = columns.value[i];
      if (Number.isFinite(one)) {
        const keep = weight ** columns.count[i];
        average = keep * average + (1 - keep) * one;
        known = keep * known + (1 - keep);
      }
      value[i - from] = Number.isFinite(one) ? average / known : NaN;
    }
    const slice = (field) => columns[field].subarray(from, to);
    const none = new Float64Array(to - from);
    const flat = { step: slice("step"), time: slice("time"), count: new Float64Array(to - from).fill(1), value, low: value, high: value, nan: none };
    return { columns: flat, from: 0, to: to - from, of: { columns, from } };
  });
}
