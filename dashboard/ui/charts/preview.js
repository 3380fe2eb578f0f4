/** A chart of a single value: what a metric's author sees after *Try*. */

import { createPanel } from "./panel.js";
import { SeriesStore } from "./store.js";
import { fromWire } from "../numbers.js";

const nothing = () => Promise.resolve([]);

/**
 * Draws a value that was tried.
 *
 * @param {Element} element an empty box.
 * @param {{spec: ?object, record: object, theme?: object}} options `record` is `{kind: "scalar", value}`,
 *   `{kind: "scalars", values: {name: number}}`, or a value's header with `buffers: [{dtype, shape, data}]`.
 * @returns {{destroy: () => void}}
 */
export function createPreview(element, { spec = null, record, theme }) {
  const store = new SeriesStore({ run: "", requestHistory: nothing, requestArrays: nothing });
  const step = record.step ?? 1;
  const time = record.time ?? Date.now() / 1000;
  const scalars = record.kind === "scalar" ? { value: record.value } : record.kind === "scalars" ? record.values : null;
  if (scalars) {
    const names = Object.keys(scalars);
    const column = (numbers) => ({ data: Float64Array.from(numbers) });
    const buffers = [column([step]), column([time]), column(Object.values(scalars).map(fromWire))];
    store.applyFrame({ header: { type: "batch", run: "", sequence: 1, blocks: [{ names, at: 0 }] }, buffers });
  } else {
    const header = { ...record, ...record.header };
    const buffers = record.buffers.map((buffer) => ({ ...buffer, data: numbersOf(buffer) }));
    store.applyFrame({ header: { type: "array", run: "", sequence: 1, name: "value", step, time, value: header }, buffers });
  }
  const shown = { ...spec, series: store.names(), kind: spec?.kind };
  const panel = createPanel(element, { spec: shown, store, theme, title: spec?.title ?? "" });
  return {
    destroy() {
      panel.destroy();
      store.destroy();
    },
  };
}

function numbersOf({ data, dtype }) {
  if (ArrayBuffer.isView(data)) return data;
  const flat = data.flat(Infinity).map(fromWire);
  return dtype?.endsWith("u1") ? Uint8Array.from(flat) : Float64Array.from(flat);
}
