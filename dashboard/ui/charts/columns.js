/**
 * Growing typed columns of a series. An entry is one record, or a bucket of several that keeps what must not be lost:
 * the least and largest value, how many NaN, the mean of the finite values.
 */

const FIELDS = ["step", "value", "low", "high", "nan", "time", "count", "first", "last"];

/** A bucket of one record: what `append` writes. `first` and `last` are batch numbers (0 for what came from history). */
export class Columns {
  /** @param {number} capacity entries to make room for at once; more are made as they are needed. */
  constructor(capacity = 64) {
    this.length = 0;
    this.capacity = capacity;
    for (const field of FIELDS) this[field] = new Float64Array(capacity);
  }

  /** Adds one record. */
  append(step, value, time, sequence) {
    if (this.length === this.capacity) this.#grow();
    const at = this.length++;
    const nan = value !== value;
    this.step[at] = step;
    this.value[at] = value;
    this.low[at] = value;
    this.high[at] = value;
    this.nan[at] = nan ? 1 : 0;
    this.time[at] = time;
    this.count[at] = 1;
    this.first[at] = sequence;
    this.last[at] = sequence;
  }

  /** Adds entries `from` to `to` of other columns, each `span` of them merged to one bucket. */
  merge(other, from, to, span) {
    for (let start = from; start < to; start += span) {
      if (this.length === this.capacity) this.#grow();
      mergeInto(this, this.length++, other, start, Math.min(start + span, to));
    }
  }

  /**
   * Takes away what a run left behind by going back: entries after `step` that are no later than `time`.
   *
   * @param {{step: number, time: number}} rewind
   * @param {number} [next] - the step that comes after the last entry. Where it is given, a bucket that reaches beyond the rewind's
   *   step goes as a whole: what it holds cannot be told apart.
   * @returns {boolean} whether anything went.
   */
  leave({ step, time }, next = undefined) {
    let kept = 0;
    const { length } = this; // of what is looked through: entries move within it
    for (let at = 0; at < length; at++) {
      const after = at + 1 < length ? this.step[at + 1] : next;
      const beyond = this.step[at] > step || (next !== undefined && this.count[at] > 1 && after > step);
      if (beyond && this.time[at] <= time) continue;
      if (kept < at) for (const field of FIELDS) this[field][kept] = this[field][at];
      kept++;
    }
    const went = kept < length;
    this.length = kept;
    return went;
  }

  /** Takes the first `count` entries away. */
  drop(count) {
    if (!count) return;
    for (const field of FIELDS) this[field].copyWithin(0, count, this.length);
    this.length -= count;
  }

  /** Puts every two neighbours together. */
  halve() {
    const length = Math.ceil(this.length / 2);
    for (let at = 0; at < length; at++) mergeInto(this, at, this, 2 * at, Math.min(2 * at + 2, this.length));
    this.length = length;
  }

  #grow() {
    this.capacity = Math.max(64, 2 * this.capacity);
    for (const field of FIELDS) {
      const wider = new Float64Array(this.capacity);
      wider.set(this[field]);
      this[field] = wider;
    }
  }
}

/** Writes the bucket of `source`'s entries `from` to `to` to entry `at` of `target` (which may be the same columns). */
function mergeInto(target, at, source, from, to) {
  let low = NaN;
  let high = NaN;
  let nan = 0;
  let sum = 0;
  let weight = 0;
  let count = 0;
  for (let i = from; i < to; i++) {
    // Written so that a NaN bound is replaced and a NaN value never replaces.
    if (!(low <= source.low[i]) && source.low[i] === source.low[i]) low = source.low[i];
    if (!(high >= source.high[i]) && source.high[i] === source.high[i]) high = source.high[i];
    nan += source.nan[i];
    count += source.count[i];
    if (Number.isFinite(source.value[i])) {
      const finite = Math.max(1, source.count[i] - source.nan[i]);
      sum += source.value[i] * finite;
      weight += finite;
    }
  }
  const [first, last] = [source.first[from], source.last[to - 1]];
  target.step[at] = source.step[from];
  target.value[at] = weight ? sum / weight : NaN;
  target.low[at] = low;
  target.high[at] = high;
  target.nan[at] = nan;
  target.time[at] = source.time[from];
  target.count[at] = count;
  target.first[at] = first;
  target.last[at] = last;
}

/**
 * Columns over a history frame's arrays, which stay where they are in the frame.
 *
 * @param {{header: object, buffers: {data: Float64Array}[]}} frame an answer to `history`.
 * @returns {Columns}
 */
export function columnsOfHistory({ header, buffers }) {
  const columns = new Columns(0);
  const [step, value, low, high, nan, time] = buffers.map((buffer) => buffer.data);
  Object.assign(columns, { step, value, low, high, nan, time, length: step.length, capacity: step.length });
  // How many records a bucket stands for is not sent: the mean of it serves weights and smoothing.
  const total = header.total ?? step.length;
  columns.count = new Float64Array(step.length).fill(step.length ? Math.max(1, total / step.length) : 1);
  columns.first = new Float64Array(step.length);
  columns.last = new Float64Array(step.length);
  return columns;
}

/** The first index in `numbers[0 … length)`, ascending, whose number is at least `wanted`. */
export function lowerBound(numbers, length, wanted) {
  let from = 0;
  let to = length;
  while (from < to) {
    const middle = (from + to) >> 1;
    if (numbers[middle] < wanted) from = middle + 1;
    else to = middle;
  }
  return from;
}
