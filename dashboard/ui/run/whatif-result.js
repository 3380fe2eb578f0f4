// What a what-if came to, as plain numbers: no page in here.
import { formatNumber, fromWire } from "../numbers.js";

const LAST = 0.2; // the share of the steps whose mean is compared: one step's loss says little
const MOSTLY = 0.8; // the share of those steps, each on a batch of both, at which the better one has to be the lower one

/**
 * Compares two curves, which saw the same batches, by their last fifth.
 *
 * @param {{present: (number|string)[], other: (number|string)[]}} columns
 * @returns {{present: number, other: number, better: "present"|"other"|"same"}} the mean losses, and whose is lower,
 *   if it is so at nearly all steps
 */
export function outcomeOf({ present, other }) {
  const [now, then] = [endOf(present), endOf(other)];
  const [mine, its] = [meanOf(now), meanOf(then)];
  const [left, right] = [orInfinite(mine), orInfinite(its)];
  const [low, high] = right < left ? [then, now] : [now, then];
  const ahead = low.filter((loss, i) => !(i < high.length) || loss < high[i]).length >= MOSTLY * low.length;
  // One that is no number in the end has lost, whatever it was before.
  const won = left !== right && (ahead || Math.max(left, right) === Infinity);
  const better = !won ? "same" : low === now ? "present" : "other";
  return { present: mine, other: its, better };
}

/**
 * Says it, the better one first.
 *
 * @param {ReturnType<typeof outcomeOf>} outcome
 * @param {string[]} names - of the present value, and of the other one.
 */
export function verdictOf({ present, other, better }, [now, then]) {
  const [mine, its] = [present, other].map(formatNumber);
  const of = "(mean loss of the last fifth)";
  if (better === "same") return `Neither stays ahead over these steps: ${mine} with ${now}, ${its} with ${then} ${of}.`;
  const [winner, low, high] = better === "other" ? [then, its, mine] : [now, mine, its];
  return `${winner} does better over these steps: ${low} against ${high} ${of}.`;
}

function endOf(losses) {
  return losses.slice(-Math.max(1, Math.round(losses.length * LAST))).map(fromWire);
}

function meanOf(losses) {
  return losses.length ? losses.reduce((sum, loss) => sum + loss, 0) / losses.length : NaN;
}

function orInfinite(loss) {
  return Number.isNaN(loss) ? Infinity : loss;
}

/** The hyperparameters that can be tried: numbers that may be set. */
export function numericOf(hyperparameters) {
  return hyperparameters.filter(({ value, settable }) => typeof value === "number" && !settable);
}
