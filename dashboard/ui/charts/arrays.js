/** The last few values of a series whose records are not plain numbers. */

import { readValue, sizeOf } from "./values.js";

const KEPT = 64; // values a series
const BYTES = 8 * 1024 * 1024; // and their bytes, at most; the latest is kept whatever it takes
const EARLIER = 128; // values kept from before them, ever farther apart
const EARLIER_BYTES = 4 * 1024 * 1024;

/** Whether a run left a record behind when it went back, at one of several times. */
export function isLeft({ step, time }, rewinds) {
  return rewinds.some((rewind) => step > rewind.step && time <= rewind.time);
}

export class ArraySeries {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.records = []; // {step, time, value}, in step order
    this.earlier = []; // some of those before them, spread over the run, for charts that run over steps
    this.visited = null; // an older one that a person looked at
  }

  /** Adds a decoded array frame; one that is here already replaces itself. */
  apply({ header, buffers }) {
    const record = { step: header.step, time: header.time, value: readValue(header.value, buffers) };
    if (this.#taken(record)) {
      for (const held of ["records", "earlier"]) this[held] = this[held].filter(({ step }) => step < record.step);
      this.visited = null;
    } else if (this.records.length === KEPT && record.step < this.records[0].step) {
      this.visited = record;
      return;
    }
    const kept = this.records.filter((other) => other.step !== record.step);
    kept.push(record);
    kept.sort((a, b) => a.step - b.step);
    let bytes = 0;
    let from = kept.length - 1;
    for (; from > 0 && kept.length - from < KEPT; from--) {
      bytes += sizeOf(kept[from].value);
      if (bytes > BYTES) break;
    }
    from = Math.max(0, from);
    this.records = kept.slice(from);
    if (from) this.#keepEarlier(kept.slice(0, from));
  }

  /** Whether the run was taken back (a restart, a restored checkpoint): a later moment, and an earlier step. */
  #taken({ step, time }) {
    return step < this.latest?.step && time > this.latest.time;
  }

  /**
   * The run went back: takes away what it left behind.
   *
   * @param {{step: number, time: number}} rewind
   * @returns {boolean} whether anything went.
   */
  leave(rewind) {
    const before = this.records.length + this.earlier.length;
    for (const held of ["records", "earlier"]) this[held] = this[held].filter((record) => !isLeft(record, [rewind]));
    if (this.visited && isLeft(this.visited, [rewind])) this.visited = null;
    if (!this.records.length && this.earlier.length) this.records = [this.earlier.pop()];
    return this.records.length + this.earlier.length < before;
  }

  /** Takes over records that are spread over the run's past, in step order. */
  spread(frames) {
    const past = frames.map(({ header, buffers }) => ({ step: header.step, time: header.time, value: readValue(header.value, buffers) }));
    if (!this.records.length && past.length) this.records = [past.pop()];
    this.#keepEarlier(past.filter(({ step }) => step < this.records[0].step));
  }

  #keepEarlier(records) {
    const known = new Set(this.earlier.map(({ step }) => step));
    let all = [...this.earlier, ...records.filter(({ step }) => !known.has(step))].sort((a, b) => a.step - b.step);
    const bytes = () => all.reduce((sum, { value }) => sum + sizeOf(value), 0);
    // Every other one goes, and the first stays: how it began is worth more than what lay between.
    while (all.length > EARLIER || (all.length > 1 && bytes() > EARLIER_BYTES)) all = all.filter((_, i) => i % 2 === 0);
    this.earlier = all;
  }

  /** What is held of the run from a step on, oldest first: sparse at first, whole at the end. */
  over(from = -Infinity) {
    const all = this.earlier.length ? [...this.earlier, ...this.records] : this.records;
    return from === -Infinity ? all : all.filter(({ step }) => step >= from);
  }

  /** The last record. */
  get latest() {
    return this.records[this.records.length - 1];
  }

  /** The last record at or before a step, or the first one. */
  at(step) {
    const kept = this.records.findLast((record) => record.step <= step);
    if (kept) return kept;
    return this.visited?.step <= step ? this.visited : this.records[0];
  }

  /** Whether the record of a step may be an older one than those that are kept. */
  lacks(step) {
    return this.records.length > 0 && step < this.records[0].step && this.visited?.asked !== step;
  }
}
