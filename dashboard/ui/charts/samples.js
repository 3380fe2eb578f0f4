/** A store of series that are given whole, as a bundle's description holds them: nothing is asked for and nothing comes later. */

import { fromWire } from "../numbers.js";
import { SeriesStore } from "./store.js";

const nothing = () => Promise.resolve([]);
const RUN = "samples";

class SampleStore extends SeriesStore {
  /** All there is, is here. */
  need() {}
}

/**
 * Fills a store.
 *
 * @param {Object<string, {kind: string, step: number[], value: any[]}>} samples by series: numbers (`"NaN"`, `"Infinity"`,
 *   `"-Infinity"` as words), or values as `{kind, …, buffers: [{dtype, shape, data}]}`.
 * @returns {SeriesStore}
 */
export function storeOfSamples(samples) {
  const store = new SampleStore({ run: RUN, requestHistory: nothing, requestArrays: nothing });
  const kinds = Object.fromEntries(Object.entries(samples).map(([name, { kind }]) => [name, kind]));
  store.setCatalogue({ series: kinds, metrics: [] });
  const blocks = [];
  const columns = [];
  for (const [name, { kind, step, value }] of Object.entries(samples)) {
    if (kind === "scalar") {
      blocks.push({ names: [name], at: columns.length });
      for (const numbers of [step, step, value.map(fromWire)]) columns.push({ data: Float64Array.from(numbers) });
    } else {
      step.forEach((one, i) => value[i] && store.applyFrame(arrayFrame(name, one, value[i])));
    }
  }
  store.applyFrame({ header: { type: "batch", run: RUN, sequence: 2, blocks }, buffers: columns });
  return store;
}

/** A value's frame, as if it had come over the wire. */
export function arrayFrame(name, step, value, { run = RUN, time = step, sequence = 1 } = {}) {
  const buffers = (value.buffers ?? []).map((buffer) => ({ ...buffer, data: flatten(buffer) }));
  return { header: { type: "array", run, sequence, name, step, time, value }, buffers };
}

function flatten({ data, dtype }) {
  if (ArrayBuffer.isView(data)) return data;
  const flat = data.flat(Infinity).map(fromWire);
  return dtype?.endsWith("u1") ? Uint8Array.from(flat) : Float64Array.from(flat);
}
