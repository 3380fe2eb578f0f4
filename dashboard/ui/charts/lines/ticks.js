/** Where the ticks of an axis stand, and what is written at them: only as many digits as tell them apart. */

const PREFIXES = [
  [1e12, "T"],
  [1e9, "G"],
  [1e6, "M"],
  [1e3, "k"],
];

/** Round numbers between two bounds, about `wanted` of them. */
export function linearTicks(low, high, wanted) {
  const span = high - low;
  if (span === Infinity && Number.isFinite(low) && Number.isFinite(high)) return linearTicks(low / 4, high / 4, wanted).map((tick) => 4 * tick);
  if (!(span > 0 && span < Infinity)) return [low];
  const rough = span / Math.max(1, wanted);
  const power = 10 ** Math.floor(Math.log10(rough));
  let finer = FACTORS.findIndex((factor) => factor * power >= rough * 0.999);
  if (finer < 0) finer = FACTORS.length - 1;
  let ticks = every(power * FACTORS[finer], low, high);
  if (ticks.length > 1) return ticks;
  // One tick alone says nothing of how far apart two values are: then they stand nearer than was wanted, but no more of them do.
  while (ticks.length < 2 && finer-- > 0) ticks = every(power * FACTORS[finer], low, high);
  const stride = Math.ceil(ticks.length / Math.max(2, wanted));
  if (stride < 2) return ticks;
  const even = every(power * FACTORS[finer] * stride, low, high);
  return even.length > 1 ? even : ticks.filter((_, place) => place % stride === 0);
}

const FACTORS = [0.1, 0.2, 0.5, 1, 2, 5, 10];

/** The multiples of an increment between two bounds. */
function every(increment, low, high) {
  const ticks = [];
  for (let count = Math.ceil(low / increment); count * increment <= high && ticks.length < 50; count++) {
    // Through a string, because 3 × 0.1 is not 0.3.
    ticks.push(Number((count * increment).toPrecision(12)));
  }
  return ticks;
}

/** Powers of ten, with steps between them where the range is short, and there is room for them. */
export function logTicks(low, high, wanted) {
  const decades = Math.log10(high) - Math.log10(low); // not of their quotient, which may be too large for a double
  if (!(decades > 0)) return [low];
  if (decades < 0.7) return linearTicks(low, high, wanted);
  const room = Math.max(1, wanted * 1.5);
  if (decades < 1.7) return shortLogTicks(low, high, Math.max(2, room));
  const ticks = powers(low, high, [1], Math.max(1, Math.ceil(decades / room)));
  return ticks.length ? ticks : linearTicks(low, high, wanted);
}

/** The finest steps within a decade for which there is room; two ticks at least. */
function shortLogTicks(low, high, room) {
  let finer = null;
  for (const factors of [[1, 2, 5], [1, 3], [1]]) {
    const ticks = powers(low, high, factors, 1);
    if (ticks.length >= 2 && ticks.length <= room) return ticks;
    if (ticks.length >= 2) finer = ticks;
  }
  return finer ? [finer[0], finer[finer.length - 1]] : linearTicks(low, high, 2);
}

/** Multiples of every so many powers of ten between two bounds. */
function powers(low, high, factors, every) {
  const ticks = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.log10(high); power++) {
    if (power % every) continue;
    for (const factor of factors) {
      const tick = Number(`${factor}e${power}`);
      if (tick >= low && tick <= high) ticks.push(tick);
    }
  }
  return ticks;
}

/** The words at ticks: one unit for all of them, where they are evenly spaced. */
export function tickTexts(ticks, log = false) {
  if (log) return ticks.map((tick) => one(tick));
  const size = Math.max(...ticks.map(Math.abs), 0);
  const increment = ticks.length > 1 ? Math.abs(ticks[1] - ticks[0]) : size;
  if (size === 0) return ticks.map(String);
  if (size < 1e-3 || size >= 1e15) {
    const digits = Math.max(0, Math.floor(Math.log10(size)) - Math.floor(Math.log10(increment)));
    return ticks.map((tick) => minus(tick === 0 ? "0" : tick.toExponential(Math.min(9, digits)).replace("e+", "e")));
  }
  const [unit, prefix] = size >= 1e4 ? PREFIXES.find(([bound]) => size >= bound) : [1, ""];
  const digits = Math.min(9, Math.max(0, -Math.floor(Math.log10(increment / unit) + 1e-9)));
  return ticks.map((tick) => minus((tick / unit).toFixed(digits)) + (tick === 0 ? "" : prefix));
}

function one(tick) {
  const size = Math.abs(tick);
  if (size >= 1e15 || size < 1e-3) return minus(tick.toExponential().replace("e+", "e"));
  const [unit, prefix] = size >= 1e3 ? PREFIXES.find(([bound]) => size >= bound) : [1, ""];
  return minus(String(Number((tick / unit).toPrecision(6)))) + prefix;
}

function minus(text) {
  return text.replaceAll("-", "−");
}
