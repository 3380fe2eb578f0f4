/** The last few values of a series whose records are not plain numbers. */

import { readValue, sizeOf } from "./values.js";

const KEPT = 64; // values a series
const BYTES = 8 * 1024 * 1024; // and their bytes, at most; the latest is kept whatever it takes

export class ArraySeries {
  /** @param {string} name */
  constructor(name) {
    this.name = name;
    this.records = []; // {step, time, value}, in step order
    this.visited = null; // an older one that a person looked at
  }

  /** Adds a decoded array frame; one that is here already replaces itself. */
  apply({ header, buffers }) {
    const record = { step: header.step, time: header.time, value: readValue(header.value, buffers) };
    if (this.records.length === KEPT && record.step < this.records[0].step) {
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
    this.records = kept.slice(Math.max(0, from));
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
