// What is said of a value that lies far from the present one, before it is applied. It is never refused: it may well be meant.
import { formatCount } from "../numbers.js";
import { plainValue } from "./values.js";

/** From so many times the present value on, or so many times less. A schedule from peak to end spans two decades; more is often a slip. */
const FAR = 100;
const LONG = 1e7; // from here on zeros are not counted any more

/**
 * "50 is 50 000 times the present 0.001."
 *
 * @param {*} value - the one that is asked for.
 * @param {*} present - the one in force, or those of several groups: the nearest of them counts.
 * @param {{factor?: number|null}} [options] - `factor`: what was typed, where the value comes of a factor.
 * @returns {string} `""` where it is not far, or where there is nothing to compare it with: it is no number, or one of the two is 0.
 */
export function farText(value, present, { factor = null } = {}) {
  const near = (Array.isArray(present) ? present : [present]).filter(comparable).sort((one, other) => distance(value, one) - distance(value, other))[0];
  if (near === undefined || !comparable(value)) return "";
  const times = Math.abs(value / near);
  if (distance(value, near) < Math.log(FAR) - 1e-9) return "";
  const what = factor === null ? plainValue(value) : `× ${plainValue(factor)} gives ${plainValue(value)}, which`;
  const than = times > 1 ? `${timesText(times)} times the present` : `${timesText(1 / times)} times smaller than the present`;
  return `${what} is ${than} ${plainValue(near)}.`;
}

function comparable(value) {
  return typeof value === "number" && Number.isFinite(value) && value !== 0;
}

/** How many times one is the other, as a length: up and down alike. */
function distance(one, other) {
  return Math.abs(Math.log(Math.abs(one / other)));
}

/** Three digits say enough of how far it is. */
function timesText(times) {
  const short = Number(times.toPrecision(3));
  const text = short < LONG ? formatCount(short) : String(Number(short.toPrecision(2)).toExponential()).replace("e+", "e");
  return Math.abs(short - times) <= 1e-9 * times ? text : `about ${text}`;
}
