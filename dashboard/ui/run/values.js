// Values of hyperparameters in words: numbers, words, switches, and lists of these.
import { formatExact, formatNumber } from "../numbers.js";

/** A value of any kind in a few characters; groups that differ one after the other. */
export function shortValue(value) {
  if (value === null || value === undefined) return "–";
  if (Array.isArray(value)) {
    const texts = value.slice(0, 3).map(shortValue);
    return texts.join(" | ") + (value.length > 3 ? " | …" : "");
  }
  return typeof value === "number" ? formatNumber(value) : String(value);
}

/** Every digit of a value of any kind. */
export function exactValue(value) {
  if (Array.isArray(value)) return value.map(exactValue).join(", ");
  return typeof value === "number" || value === null || value === undefined ? formatExact(value) : String(value);
}

/** A value for a sentence: as it was typed, or six digits of one that was computed. */
export function plainValue(value) {
  if (Array.isArray(value)) return value.map(plainValue).join(" and ");
  if (typeof value !== "number" || !Number.isFinite(value)) return exactValue(value);
  return String(value).length > 10 ? String(Number(value.toPrecision(6))) : String(value);
}

/** All there is to know of a value, for the hover. */
export function valueTitle(info) {
  const used = info.used === null || info.used === undefined ? "no update has used it yet" : exactValue(info.used);
  return [
    `used by the last update: ${used}`,
    `in force: ${exactValue(info.value)}`,
    info.requested === null || info.requested === undefined ? "" : `asked for: ${exactValue(info.requested)}`,
    aboutKind(info),
    info.settable,
  ]
    .filter(Boolean)
    .join("\n");
}

/** Type, bounds and unit in words: `float, 0 to 1, seconds`. */
export function aboutKind({ kind, low, high, unit }) {
  const has = (bound) => bound !== null && bound !== undefined;
  let bounds = "";
  if (has(low) && has(high)) bounds = `${low} to ${high}`;
  else if (has(low)) bounds = `at least ${low}`;
  else if (has(high)) bounds = `at most ${high}`;
  return [kind, bounds, unit && `in ${unit}`].filter(Boolean).join(", ");
}
