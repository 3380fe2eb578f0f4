// How values went, for curves: from the run's series where there is one, from what the page heard where there is none.

const KEPT = 600; // changes of one name

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
 * @returns {{step: number[], value: number[], held: boolean}} `held`: each value stays until the next one.
 */
export function pastOf(model, name, start = 0) {
  const series = seriesOf(model, name);
  if (!series) return { ...trimmed(model.past.of(name), start), held: true };
  model.store.need([series]);
  const held = series.startsWith("hp/");
  const columns = model.store.scalars.get(series);
  const past = { step: [], value: [], held };
  for (const part of columns?.parts(start, Infinity) ?? []) {
    for (let at = part.from; at < part.to; at++) {
      past.step.push(part.columns.step[at]);
      past.value.push(part.columns.value[at]);
    }
  }
  if (past.step.length) return held ? { ...trimmed(past, start), held } : past;
  return { ...trimmed(model.past.of(name), start), held: true };
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
