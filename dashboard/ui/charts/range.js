/** How the y axis moves: it grows at once, so that nothing is outside, and shrinks slowly, so that it does not twitch. */

const PAD = 0.06; // of the range, above and below
const MOST = 100; // times the wanted range that is given back slowly
const HALF = 1500; // ms in which half of a needless range is given back

export class RangeKeeper {
  constructor() {
    this.range = null;
    this.at = 0;
  }

  /** The next range is taken as it is: after a zoom, or a change of scale. */
  forget() {
    this.range = null;
  }

  /**
   * @param {?[number, number]} extent least and largest of what is in sight.
   * @param {boolean} log whether the scale is logarithmic (then both are above 0).
   * @param {number} now milliseconds.
   * @returns {[number, number]} the range to draw.
   */
  update(extent, log, now) {
    if (!extent) return this.range ?? (log ? [0.1, 1] : [0, 1]);
    const wanted = log ? padLog(extent) : pad(extent);
    if (this.range) {
      if (!log) this.range = within(this.range, wanted);
      const part = 0.5 ** ((now - this.at) / HALF);
      const ease = (was, is, outwards) => (outwards ? is : approach(was, is, part, log));
      wanted[0] = ease(this.range[0], wanted[0], wanted[0] <= this.range[0]);
      wanted[1] = ease(this.range[1], wanted[1], wanted[1] >= this.range[1]);
    }
    this.range = wanted;
    this.at = now;
    return wanted;
  }
}

/**
 * Whether two numbers differ by no more than what rounding does to one and the same: a mean of equal numbers differs from them in
 * its last digits, and a number that went through 32 bits in its eighth. Whole numbers are counted, so that theirs are exact.
 */
export function isConstant(low, high) {
  const rounding = Number.isInteger(low) && Number.isInteger(high) ? 1e-9 : 1e-6;
  return high - low <= Math.max(Math.abs(low), Math.abs(high)) * rounding;
}

/** A range that is beyond all measure of another would take minutes to shrink to it. */
function within([low, high], wanted) {
  const most = MOST * (wanted[1] - wanted[0]);
  return [Math.max(low, wanted[0] - most), Math.min(high, wanted[1] + most)];
}

function approach(was, is, part, log) {
  if (log) return was > 0 ? is * (was / is) ** part : is;
  return is + (was - is) * part;
}

function pad([low, high]) {
  if (isConstant(low, high)) {
    const around = Math.abs(low) * 0.1 || 1;
    return [low - around, high + around];
  }
  // A distance that no double holds cannot be drawn: what is farther out is beyond the edges then.
  if (high - low === Infinity) return [Math.max(low, -Number.MAX_VALUE / 2), Math.min(high, Number.MAX_VALUE / 2)];
  const more = (high - low) * PAD;
  // Doubles near their limits would overflow: then there is no room for padding.
  return Number.isFinite(high + more - (low - more)) ? [low - more, high + more] : [low, high];
}

function padLog([low, high]) {
  const more = Math.max(high ** PAD / low ** PAD, 1.05);
  return [low / more || Number.MIN_VALUE, Number.isFinite(high * more) ? high * more : high];
}
