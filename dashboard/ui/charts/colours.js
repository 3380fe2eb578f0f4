/** From numbers to colours: even steps that people with any colour vision can tell apart, and that print well in grey. */

const VIRIDIS = ["#440154", "#482878", "#3e4989", "#31688e", "#26828e", "#1f9e89", "#35b779", "#6ece58", "#b5de2b", "#fde725"];
const LIGHT_MIDDLE = ["#2166ac", "#4393c3", "#92c5de", "#d1e5f0", "#f7f7f7", "#fddbc7", "#f4a582", "#d6604d", "#b2182b"];
const DARK_MIDDLE = ["#7fc4ff", "#4393c3", "#2a6a9c", "#1f3f5c", "#22262d", "#5c3327", "#a3482f", "#d6704d", "#ffb08a"];

const tables = new Map();

/** 256 colours as packed RGBA (as an `ImageData`'s Uint32Array wants them). */
function table(stops) {
  if (!tables.has(stops)) {
    const rgb = stops.map((stop) => [1, 3, 5].map((at) => parseInt(stop.slice(at, at + 2), 16)));
    const packed = new Uint32Array(256);
    for (let i = 0; i < 256; i++) {
      const place = (i / 255) * (rgb.length - 1);
      const from = Math.min(rgb.length - 2, Math.floor(place));
      const [r, g, b] = rgb[from].map((one, channel) => Math.round(one + (rgb[from + 1][channel] - one) * (place - from)));
      packed[i] = pack(r, g, b);
    }
    tables.set(stops, packed);
  }
  return tables.get(stops);
}

/** One pixel as a number, in the byte order of every machine a browser runs on. */
export function pack(r, g, b) {
  return ((255 << 24) | (b << 16) | (g << 8) | r) >>> 0;
}

/** A CSS colour (`#rrggbb`) as a pixel. */
export function packColour(css) {
  const [r, g, b] = [1, 3, 5].map((at) => parseInt(css.slice(at, at + 2), 16));
  return pack(r || 0, g || 0, b || 0);
}

/** A pixel as a CSS colour. */
export function unpack(pixel) {
  return `rgb(${pixel & 255} ${(pixel >> 8) & 255} ${(pixel >> 16) & 255})`;
}

/**
 * The colours for numbers in a range: from dark to light, or, where the range has both signs, from both sides of zero.
 *
 * @param {number} low
 * @param {number} high
 * @param {"light" | "dark"} mode the page's theme.
 * @returns {{pixel: (value: number) => number, low: number, high: number}}
 */
export function colourScale(low, high, mode) {
  const both = low < 0 && high > 0;
  const [from, to] = both ? [-Math.max(-low, high), Math.max(-low, high)] : [low, high];
  const colours = table(both ? (mode === "dark" ? DARK_MIDDLE : LIGHT_MIDDLE) : VIRIDIS);
  const factor = to > from ? 255 / (to - from) : 0;
  return { low: from, high: to, pixel: (value) => colours[Math.max(0, Math.min(255, Math.round((value - from) * factor)))] };
}

/** The least and largest finite number, or `null`. */
export function finiteExtent(numbers) {
  let low = Infinity;
  let high = -Infinity;
  for (let i = 0; i < numbers.length; i++) {
    const value = numbers[i];
    if (value < low && value > -Infinity) low = value;
    if (value > high && value < Infinity) high = value;
  }
  return low <= high ? [low, high] : null;
}
