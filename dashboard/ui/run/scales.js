// Numbers as people type them, and sliders on a scale that fits the thing.

/**
 * The value in a field.
 *
 * @param {string} text - `0.01`, `1e-3`, `1e−3`, `5k`, `3 000`, `0,5`, `1/3`, `50 %`.
 * @param {string} [kind] - `float`, `int`, `bool` or another type, whose text goes as it is.
 * @returns {{value: *}|{problem: string}}
 */
export function parseValue(text, kind = "float") {
  const plain = text.trim();
  if (!plain) return { problem: "Type a value first." };
  if (kind === "bool") return parseBoolean(plain);
  if (kind !== "float" && kind !== "int") return { value: plain };
  const value = parseNumber(plain);
  if (Number.isNaN(value)) return { problem: `“${plain}” is no number: write it as 0.01 or 1e-3.` };
  if (kind === "int" && !Number.isInteger(value)) return { problem: `It is a whole number; got ${plain}.` };
  return { value };
}

function parseBoolean(text) {
  const word = text.toLowerCase();
  if (["true", "1", "yes", "on"].includes(word)) return { value: true };
  if (["false", "0", "no", "off"].includes(word)) return { value: false };
  return { problem: `“${text}” is neither true nor false.` };
}

const SUFFIXES = { k: 1e3, M: 1e6, G: 1e9, m: 1e-3, µ: 1e-6, u: 1e-6, "%": 0.01 };

/** @returns {number} NaN where it is none; infinities are none either, for nothing can be set to them. */
export function parseNumber(text) {
  let plain = text.replaceAll("−", "-").replace(/[\s_\u00a0\u2009\u202f]/g, "");
  const fraction = plain.match(/^([^/]+)\/([^/]+)$/);
  if (fraction) {
    const [over, under] = [parseNumber(fraction[1]), parseNumber(fraction[2])];
    return under === 0 ? NaN : over / under;
  }
  const factor = SUFFIXES[plain.at(-1)] ?? 1;
  if (plain.at(-1) in SUFFIXES) plain = plain.slice(0, -1);
  if (!plain.includes(".") && plain.split(",").length === 2) plain = plain.replace(",", ".");
  if (!/^[+-]?(\d+\.?\d*|\.\d+)(e[+-]?\d+)?$/i.test(plain)) return NaN;
  const value = factor === 1 ? Number(plain) : clean(Number(plain) * factor);
  return Number.isFinite(value) ? value : NaN;
}

/** Why a value lies outside its bounds, or `""`. */
export function outOfBounds(value, { low, high }) {
  if (typeof value !== "number") return "";
  if (isNumber(low) && value < low) return `It must be at least ${low}; got ${value}.`;
  if (isNumber(high) && value > high) return `It must be at most ${high}; got ${value}.`;
  return "";
}

/**
 * A slider's scale.
 *
 * @param {{scale: string, kind?: string, low?: number|null, high?: number|null}} about
 * @param {number} value - where the slider stands now: where bounds are missing, the scale lies around it.
 * @returns {{toPosition: (value: number) => number, toValue: (position: number) => number, low: number, high: number}|null} positions go
 *   from 0 to 1; null where no slider fits.
 */
export function sliderScale({ scale, kind = "float", low, high }, value) {
  const whole = kind === "int" ? Math.round : (number) => number;
  if (scale === "log") return logScale(low, high, value);
  if (scale === "unit") return linearScale(isNumber(low) ? low : 0, isNumber(high) ? high : 1, whole);
  if (scale !== "linear") return null;
  const size = Math.abs(value) || 1;
  const from = isNumber(low) ? low : value < 0 ? -2 * size : 0;
  const to = isNumber(high) ? high : Math.max(from + 1e-12, 2 * size);
  return linearScale(from, to, whole);
}

/** Three decades down and two up, rounded to decades; where 0 is allowed it lies at the left end. */
function logScale(low, high, value) {
  const size = value > 0 ? value : 1e-3;
  const zero = !(isNumber(low) && low > 0);
  const from = zero ? 10 ** Math.floor(Math.log10(size) - 3) : low;
  const to = isNumber(high) && high > from ? high : 10 ** Math.ceil(Math.log10(size) + 2);
  const span = Math.log(to / from);
  const start = zero ? 0.02 : 0; // the part of the slider that is 0
  return {
    low: zero ? 0 : from,
    high: to,
    toPosition: (number) => {
      if (!(number > 0)) return 0;
      return clamp(start + (1 - start) * (Math.log(number / from) / span), number > 0 ? start : 0, 1);
    },
    toValue: (position) => {
      if (position < start) return 0;
      return rounded(from * Math.exp(span * ((position - start) / (1 - start))), from, to);
    },
  };
}

function linearScale(low, high, whole) {
  const span = high - low;
  return {
    low,
    high,
    toPosition: (number) => clamp((number - low) / span, 0, 1),
    toValue: (position) => {
      const unit = 10 ** Math.floor(Math.log10(span / 100));
      return whole(clean(Math.min(high, Math.max(low, low + Math.round((position * span) / unit) * unit))));
    },
  };
}

/** Three digits are as fine as a hand on a slider; the ends are met exactly. */
function rounded(value, low, high) {
  return Math.min(high, Math.max(low, Number(value.toPrecision(3))));
}

function clean(value) {
  return Number(value.toPrecision(12)); // 3 × 0.1 is not 0.3
}

function clamp(value, low, high) {
  return Math.min(high, Math.max(low, value));
}

function isNumber(value) {
  return typeof value === "number" && Number.isFinite(value);
}
