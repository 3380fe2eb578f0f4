/** What is written at a logarithmic axis of the view: Plotly by itself writes every digit of each decade. */

import { tickTexts } from "../lines/ticks.js";

const LETTERS = { x: 46, y: 18 }; // CSS pixels that a label takes along its axis

/**
 * Ticks at the gridlines that Plotly itself would draw, with words at the powers of ten, and at 2 and 5 where there are few of them and
 * room. Over less than a decade, and over many, Plotly's own are few enough.
 *
 * @param {?[number, number]} range what is in sight, as powers of ten.
 * @param {"x"|"y"} way
 * @param {number} length of the axis, in CSS pixels.
 * @returns {object} of a Plotly axis; empty where it is to choose itself.
 */
export function logAxis(range, way, length) {
  if (!range) return {};
  const [low, high] = [Math.min(...range), Math.max(...range)];
  const span = high - low;
  if (!(span >= 1 && span <= 7)) return {};
  const margin = 0.1 * span; // Plotly leaves some room round the curves
  const digits = span < 3 ? [1, 2, 3, 4, 5, 6, 7, 8, 9] : [1, 2, 5];
  const roomy = span < 3 && 3 * span * LETTERS[way] <= length;
  const [tickvals, ticktext] = [[], []];
  for (let power = Math.floor(low - margin); power <= Math.ceil(high + margin); power++) {
    for (const digit of digits) {
      const tick = Number(`${digit}e${power}`);
      const said = digit === 1 || (roomy && (digit === 2 || digit === 5));
      tickvals.push(tick);
      ticktext.push(said ? tickTexts([tick], true)[0] : "");
    }
  }
  return { tickmode: "array", tickvals, ticktext };
}

/** Over which powers of ten positive numbers reach; `null` where there are none. */
export function powersOf(values) {
  let [low, high] = [Infinity, 0];
  for (const value of values) if (value > 0 && value < Infinity) [low, high] = [Math.min(low, value), Math.max(high, value)];
  return low <= high ? [Math.log10(low), Math.log10(high)] : null;
}

/** The same of what traces draw along `x` or `y`; marks at the edges have heights of their own. */
export function powersIn(traces, way) {
  const ends = traces.filter(({ yaxis }) => way === "x" || !yaxis).map((trace) => powersOf(trace[way])).filter(Boolean);
  return ends.length ? [Math.min(...ends.map(([low]) => low)), Math.max(...ends.map(([, high]) => high))] : null;
}
