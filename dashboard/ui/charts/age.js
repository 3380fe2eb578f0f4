/**
 * Whether a value is of the present. A series may have ended (its layer was frozen, its metric is paused or gone) while its last
 * value still stands beside others that go on: that has to be seen. How often series are recorded differs, so each is judged by
 * its own habit; and by the newest step that is recorded, not by a clock, so that a paused run is as present as it was.
 */

const SEVERAL = 5; // of its own usual distances without a value: then a series has ended
const LEAST = 30; // steps; what is computed elsewhere may come later by that much
const LOOKED_AT = 16; // distances, the newest ones

/** The steps that usually lie between two records of a series; 0 where there is one record only. */
export function usualDistance({ recent, base }) {
  const { step, length } = recent;
  if (length > 1) {
    const distances = [];
    for (let i = Math.max(1, length - LOOKED_AT); i < length; i++) distances.push(step[i] - step[i - 1]);
    const last = distances.at(-1); // it counts alone as well: a metric may have been made to run more seldom just now
    distances.sort((a, b) => a - b);
    return Math.max(last, distances[distances.length >> 1]);
  }
  const columns = base?.columns;
  if (!(columns?.length > 1)) return 0;
  return (columns.step[columns.length - 1] - columns.step[0]) / (columns.length - 1) / Math.max(1, base.per);
}

/**
 * Whether a reading of a series is of another time than the step it stands for.
 *
 * @param {{step: number, count?: number}} reading - `count`: records in it.
 * @param {number} step - where a person points, or the newest one of the run.
 * @param {number} distance - the series' usual one.
 */
export function isPast(reading, step, distance) {
  return Math.abs(step - reading.step) > Math.max(LEAST, SEVERAL * distance * Math.max(1, reading.count ?? 1));
}

/**
 * What a series says at a step.
 *
 * @param {import("./store.js").SeriesStore} store
 * @param {string} name
 * @param {?number} step - the crosshair's, or `null` for now.
 * @returns {?object} its reading, with `past` where that is of another time; nothing where there is none.
 */
export function readingOf(store, name, step) {
  const series = store.scalars.get(name);
  const reading = step === null ? series?.latest : series?.at(step);
  if (!reading) return null;
  return { ...reading, past: isPast(reading, step === null ? store.newest : Math.min(step, store.newest), usualDistance(series)) };
}
