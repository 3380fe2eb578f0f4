// Numbers as people read them: four significant digits, SI prefixes, the same width whenever possible.

const PREFIXES = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/**
 * A value with four significant digits.
 *
 * @param {number|null|undefined} value
 * @param {{whole?: boolean}} [options] - `whole`: whether a whole number has no digits after its point; not so beside others that have.
 * @returns {string} `"0.2310"`, `"12.48k"`, `"1.000e−5"`, `"NaN"`, `"+∞"`, `"−∞"`, `"–"` for nothing.
 */
export function formatNumber(value, { whole = true } = {}) {
  if (value === null || value === undefined) return "–";
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+∞";
  if (value === -Infinity) return "−∞";
  if (value === 0) return "0";
  const size = Math.abs(value);
  if (size >= 1e15 || size < 1e-4) return minus(value.toExponential(3).replace("e+", "e"));
  if (size >= 9999.5) {
    for (const [unit, prefix] of PREFIXES) {
      if (size >= unit * 0.99995) return minus(fixed(value / unit) + prefix);
    }
  }
  return minus(whole && Number.isInteger(value) ? String(value) : fixed(value));
}

function fixed(value) {
  const rounded = Number(value.toPrecision(4)); // 99.999 has three digits before its point
  const before = Math.floor(Math.log10(Math.abs(rounded))) + 1; // negative for zeros after the point
  return value.toFixed(Math.max(0, 4 - before));
}

function minus(text) {
  return text.replaceAll("-", "−");
}

/** Every digit of a value, for hovers and tables. */
export function formatExact(value) {
  if (value === null || value === undefined) return "no value";
  if (Number.isNaN(value)) return "NaN";
  if (value === Infinity) return "+∞";
  if (value === -Infinity) return "−∞";
  return String(value);
}

const THIN = "\u202f"; // narrow, and no line breaks at it

/** A whole number with thin spaces between thousands: `12 480`. */
export function formatCount(count) {
  return Math.round(count)
    .toString()
    .replace(/\B(?=(\d{3})+(?!\d))/g, THIN);
}

/** A run's own sentence with its numbers as the page writes them: `back to step 6,989` is `back to step 6 989`. */
export function spacedNumbers(text) {
  // In a formula or a list, max(1,200) or [5,000], these are two numbers: they stay as they are.
  return text.replace(GROUPED, (found) => found.replaceAll(",", THIN));
}

const GROUPED = /(?<![\w.,([='"`])\d{1,3}(?:,\d{3})+(?![\w)\]'"`]|[.,]\w)|(?<=\()\d{1,3}(?:,\d{3})+(?= [a-z])/gi;

/** Seconds as `850 ms`, `12.4 s`, `3 min 20 s`, `2 h 14 min`, `3 d 4 h`. */
export function formatDuration(seconds) {
  if (seconds === null || seconds === undefined || !Number.isFinite(seconds)) return "–";
  if (seconds < 1e-3) return `${significant(seconds * 1e6)} µs`;
  if (seconds < 1) return `${significant(seconds * 1e3)} ms`;
  if (seconds < 60) return `${seconds < 10 ? seconds.toFixed(1) : Math.floor(seconds)} s`;
  const whole = Math.floor(seconds);
  if (whole < 3600) return `${Math.floor(whole / 60)} min ${pad(whole % 60)} s`;
  if (whole < 86_400) return `${Math.floor(whole / 3600)} h ${pad(Math.floor((whole % 3600) / 60))} min`;
  return `${Math.floor(whole / 86_400)} d ${Math.floor((whole % 86_400) / 3600)} h`;
}

function significant(value) {
  return value >= 100 ? value.toFixed(0) : value.toPrecision(3).replace(/\.?0+$/, "");
}

function pad(value) {
  return String(value).padStart(2, "0");
}

/** Steps a second: `913 steps/s`; slow ones as seconds a step: `12.4 s/step`. */
export function formatSpeed(speed) {
  if (!speed) return "0 steps/s";
  if (speed < 0.5) return `${formatDuration(1 / speed)}/step`;
  if (speed < 10) return `${speed.toFixed(2)} steps/s`;
  return `${speed < 100 ? speed.toFixed(1) : formatCount(speed)} steps/s`;
}

/** A share of one as percent: `0.8 %`. */
export function formatPercent(share) {
  if (share === null || share === undefined || !Number.isFinite(share)) return "–";
  const percent = share * 100;
  if (percent !== 0 && percent < 0.05) return "< 0.1 %";
  return `${percent < 10 ? percent.toFixed(1) : percent.toFixed(0)} %`;
}

/** Bytes as `512 B`, `1.4 MB`. */
export function formatBytes(bytes) {
  if (!bytes) return "0 B";
  const units = ["B", "kB", "MB", "GB", "TB"];
  const power = Math.min(units.length - 1, Math.floor(Math.log10(bytes) / 3));
  const value = bytes / 1000 ** power;
  return `${power === 0 ? value : value.toPrecision(3)} ${units[power]}`;
}

/** The time of day of a moment, with the date when it was not today. */
export function formatTime(secondsSinceEpoch) {
  const date = new Date(secondsSinceEpoch * 1000);
  const time = [date.getHours(), date.getMinutes(), date.getSeconds()].map(pad).join(":");
  const today = new Date().toDateString() === date.toDateString();
  return today ? time : `${date.getFullYear()}-${pad(date.getMonth() + 1)}-${pad(date.getDate())} ${time}`;
}

/** How long ago a moment was: `now`, `12 s ago`, `3 min ago`. */
export function formatAge(secondsSinceEpoch, now = Date.now() / 1000) {
  const seconds = Math.max(0, now - secondsSinceEpoch);
  if (seconds < 5) return "now";
  if (seconds < 60) return `${Math.floor(seconds)} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

/** A number as it travels in JSON (`"NaN"`, `"Infinity"`, `"-Infinity"` are words there). */
export function fromWire(value) {
  return typeof value === "string" && ["NaN", "Infinity", "-Infinity"].includes(value) ? Number(value) : value;
}
