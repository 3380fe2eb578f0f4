/**
 * Where a line breaks. A metric that was disabled, set aside or unloaded for a while has no values there, and a straight line over
 * thousands of steps would tell of some. Nothing says so in a series but its steps: a distance far longer than all of those on
 * either side of it. Both sides count, so that a series which is recorded more seldom from here on is none, nor one of few values.
 */

const LONGER = 10; // than the longest of the distances around
const LOOKED_AT = 8; // distances on either side
const LEAST = 3; // of them, below which nothing is known of a habit
const FAR = 64; // entries looked through for them: some have the step of their neighbour

/**
 * Whether a series was not recorded between two entries that follow each other; they may be of two stretches that do.
 *
 * @param {{step: Float64Array, length: number}} before
 * @param {number} i - its entry before the distance.
 * @param {{step: Float64Array, length: number}} after
 * @param {number} j - its entry after it.
 */
export function isBreak(before, i, after, j) {
  const gap = after.step[j] - before.step[i];
  return gap > LONGER * usual(before.step, i, -1, 0) && gap > LONGER * usual(after.step, j, 1, after.length - 1);
}

/** The longest of the next few distances in a direction; where there are too few, longer than any. */
function usual(step, from, way, end) {
  let longest = 0;
  let known = 0;
  for (let at = from, looked = 0; known < LOOKED_AT && at !== end && looked < FAR; at += way, looked++) {
    const distance = way * (step[at + way] - step[at]);
    if (!(distance > 0)) continue;
    longest = Math.max(longest, distance);
    known++;
  }
  return known < LEAST ? Infinity : longest;
}
