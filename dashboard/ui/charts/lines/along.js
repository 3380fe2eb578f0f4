/** Ticks along x that are no plain steps: moments, and the steps at which epochs begin. */

export const MOMENT = 76; // CSS pixels that the words at a moment take at the most, with what keeps two of them apart
const HALF = 29; // of the words
const SECONDS = [1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 21_600, 43_200, 86_400];

/**
 * Round moments of the local day.
 *
 * @param {number} low seconds since the epoch of computers.
 * @param {number} high likewise.
 * @param {number} wanted how many ticks have room.
 * @returns {{at: number[], texts: string[]}}
 */
export function timeTicks(low, high, wanted) {
  const rough = (high - low) / Math.max(1, wanted);
  const days = Math.ceil(rough / 86_400) * 86_400;
  const first = SECONDS.findIndex((seconds) => seconds >= rough);
  let increment = first < 0 ? days : SECONDS[first];
  const offset = new Date(low * 1000).getTimezoneOffset() * 60;
  let at = every(increment, low, high, offset);
  // An axis without a moment says nothing, and one alone not how long it is: then finer ones stand there, as far as there is room.
  for (let finer = first - 1; at.length < 2 && finer >= 0; finer--) {
    const found = every(SECONDS[finer], low, high, offset);
    const ends = [found[0], found.at(-1)];
    const apart = found.length > 1 && ends[1] - ends[0] >= rough;
    if (!apart && (at.length || !found.length)) continue;
    at = apart ? ends : [found[found.length >> 1]];
    increment = SECONDS[finer];
  }
  const two = (number) => String(number).padStart(2, "0");
  const texts = at.map((tick) => {
    const date = new Date(tick * 1000);
    if (increment >= 43_200) return `${two(date.getMonth() + 1)}-${two(date.getDate())}`;
    const clock = `${two(date.getHours())}:${two(date.getMinutes())}`;
    return tick % 60 || increment < 60 ? `${clock}:${two(date.getSeconds())}` : clock;
  });
  return { at, texts };
}

/** The last moment whose words, half of which stand to the right of it, are not cut, with so many CSS pixels right of a chart that is so wide. */
export function lastWhole(low, high, width, right) {
  return high - ((high - low) * Math.max(0, HALF - right)) / width;
}

/** The multiples of an increment of the local day between two moments. */
function every(increment, low, high, offset) {
  const at = [];
  for (let tick = Math.ceil((low - offset) / increment) * increment + offset; tick <= high && at.length < 50; tick += increment) at.push(tick);
  return at;
}

/**
 * The steps at which epochs begin.
 *
 * @param {?object} series the one named `epoch`, if the run has it.
 * @returns {?{at: number[], texts: string[]}} `null` where nothing counts epochs.
 */
export function epochTicks(series, low, high, wanted) {
  const begins = [];
  for (const { columns, from, to } of series?.parts(low, high) ?? []) {
    for (let i = from; i < to; i++) {
      const epoch = Math.ceil(columns.value[i]);
      if (columns.step[i] >= low && epoch !== begins.at(-1)?.epoch) begins.push({ epoch, step: columns.step[i] });
    }
  }
  if (!begins.length) return null;
  const every = [1, 2, 5, 10, 20, 50, 100, 200, 500, 1000].find((count) => begins.length / count <= Math.max(1, wanted)) ?? 5000;
  const shown = begins.filter(({ epoch }) => epoch % every === 0);
  return { at: shown.map(({ step }) => step), texts: shown.map(({ epoch }) => String(epoch)) };
}
