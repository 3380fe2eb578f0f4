/** A chart of a single value: what a metric's author sees after *Try*. */

import { createPanel } from "./panel.js";
import { arrayFrame } from "./samples.js";
import { SeriesStore } from "./store.js";
import { fromWire } from "../numbers.js";

const nothing = () => Promise.resolve([]);

/**
 * Draws a value that was tried.
 *
 * @param {Element} element an empty box.
 * @param {{spec: object | string | null, record: object, theme?: object}} options `record` is `{kind: "scalar", value}`,
 *   `{kind: "scalars", names, values}` for a mapping of numbers, or `{kind, header, buffers: [{dtype, shape, data}]}`.
 * @returns {{destroy: () => void}}
 */
export function createPreview(element, { spec = null, record, theme }) {
  const store = new SeriesStore({ run: "", requestHistory: nothing, requestArrays: nothing });
  const step = record.step ?? 1;
  const time = record.time ?? Date.now() / 1000;
  const numbers = numbersOf(record);
  if (numbers) {
    const column = (values) => ({ data: Float64Array.from(values) });
    const buffers = [column([step]), column([time]), column(Object.values(numbers).map(fromWire))];
    const blocks = [{ names: Object.keys(numbers), at: 0 }];
    store.applyFrame({ header: { type: "batch", run: "", sequence: 1, blocks }, buffers });
  } else {
    const value = { ...record, ...record.header };
    store.applyFrame(arrayFrame(record.name ?? "value", step, value, { run: "", time }));
  }
  const given = typeof spec === "string" ? { kind: spec } : spec;
  // Lines of one point each say less than bars.
  const kind = given?.kind ?? (record.kind === "scalars" ? "Bar" : undefined);
  const shown = { ...given, series: store.names(), kind };
  const panel = createPanel(element, { spec: shown, store, theme, title: given?.title ?? "" });
  return {
    destroy() {
      panel.destroy();
      store.destroy();
    },
  };
}

function numbersOf({ kind, name, names, value, values }) {
  if (kind === "scalar") return { [name ?? "value"]: value };
  if (kind !== "scalars") return null;
  return names ? Object.fromEntries(names.map((one, i) => [one, values[i]])) : values;
}
