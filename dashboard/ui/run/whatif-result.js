// What a what-if came to, as plain numbers: no page in here.
import { fromWire } from "../numbers.js";

const LAST = 0.2; // the share of the steps whose mean is compared: one step's loss says little

/**
 * Compares two curves by the mean of their last fifth.
 *
 * @param {{present: (number|string)[], other: (number|string)[]}} columns
 * @returns {{present: number, other: number, better: "present"|"other"|"same"}}
 */
export function outcomeOf({ present, other }) {
  const [now, then] = [endOf(present), endOf(other)];
  const [mine, its] = [now, then].map((loss) => (Number.isNaN(loss) ? Infinity : loss));
  const better = mine === its ? "same" : its < mine ? "other" : "present";
  return { present: now, other: then, better };
}

function endOf(losses) {
  const last = losses.slice(-Math.max(1, Math.round(losses.length * LAST))).map(fromWire);
  return last.length ? last.reduce((sum, loss) => sum + loss, 0) / last.length : NaN;
}

/** The hyperparameters that can be tried: numbers that may be set. */
export function numericOf(hyperparameters) {
  return hyperparameters.filter(({ value, settable }) => typeof value === "number" && !settable);
}
