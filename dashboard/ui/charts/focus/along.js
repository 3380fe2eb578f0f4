/**
 * What runs along x in the view of one chart, for one run: steps, epochs, the time of day, or the time since it began. Runs
 * of different lengths, speeds and batch sizes are compared by the one that they share.
 */

/** The choices, with their names. */
export const ALONG = [
  ["step", "step"],
  ["epoch", "epoch"],
  ["time of day", "time"],
  ["time since start", "elapsed"],
];

/**
 * @param {string} kind one of `ALONG`'s second words.
 * @param {object} store the run's series.
 * @param {string[]} names those that are drawn.
 * @returns {{kind: string, place: (step: number, time: number) => any, step: (place: any) => number}} to x and back.
 */
export function alongOf(kind, store, names) {
  if (kind === "epoch") {
    const epochs = epochsOf(store.scalars.get("epoch"));
    if (epochs) return { kind, place: epochs.of, step: (place) => epochs.step(Number(place)) };
    return { kind: "step", place: (step) => step, step: Number };
  }
  const drawn = names.map((name) => store.scalars.get(name)).filter(Boolean);
  const timed = drawn[0];
  if (kind === "time") {
    return { kind, place: (_, time) => new Date(time * 1000), step: (place) => timed?.stepAt(new Date(place).getTime() / 1000) };
  }
  if (kind === "elapsed") {
    const began = store.catalogue.run?.started ?? Math.min(...drawn.map((series) => series.extent("time")?.[0] ?? Infinity));
    return { kind, place: (_, time) => time - began, step: (place) => timed?.stepAt(Number(place) + began) };
  }
  return { kind: "step", place: (step) => step, step: Number };
}

/**
 * Epochs as a scale: from a step to the epoch with its part, and back.
 *
 * @param {?object} series the one named `epoch`.
 * @returns {?{of: (step: number) => number, step: (epoch: number) => number}} `null` where nothing counts epochs.
 */
export function epochsOf(series) {
  const begins = [];
  let last = null;
  for (const { columns, from, to } of series?.parts(-Infinity, Infinity) ?? []) {
    for (let i = from; i < to; i++) {
      const epoch = Math.ceil(columns.value[i]);
      last = columns.step[i];
      if (Number.isFinite(epoch) && epoch !== begins.at(-1)?.epoch) begins.push({ epoch, step: columns.step[i] });
    }
  }
  if (!begins.length) return null;
  // The epoch that is under way is taken to be as long as the one before it.
  const end = begins.at(-1);
  const before = begins.at(-2);
  const usual = before ? (end.step - before.step) / (end.epoch - before.epoch) : Math.max(1, last - end.step + 1);
  begins.push({ epoch: end.epoch + 1, step: end.step + Math.max(1, usual) });
  return {
    of: (step) => between(begins, step, "step", "epoch"),
    step: (epoch) => between(begins, epoch, "epoch", "step"),
  };
}

/** Straight between the two entries round a value, and on beyond the ends. */
function between(entries, value, from, to) {
  let high = entries.findIndex((entry) => entry[from] > value);
  if (high < 0) high = entries.length - 1;
  const [one, other] = [entries[Math.max(0, high - 1)], entries[Math.max(1, high)]];
  return one[to] + ((value - one[from]) / (other[from] - one[from])) * (other[to] - one[to]);
}
