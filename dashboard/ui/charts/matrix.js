/** Matrices as colours: whatever does not fit into the pixels keeps its extremes and its NaN. */

import { colourScale, finiteExtent, packColour, unpack } from "./colours.js";
import { formatNumber } from "../numbers.js";

const SIGNED = 200; // cells that are no number and get a sign of their own

/**
 * Fewer cells, each standing for a block: NaN if one is in it, an infinity if one is in it, otherwise what lies farthest from
 * the mean of all.
 *
 * @param {{data: ArrayLike<number>, rows: number, columns: number}} matrix
 * @param {number} most cells along an edge at most.
 * @returns {{data: ArrayLike<number>, rows: number, columns: number}}
 */
export function shrink({ data, rows, columns }, most) {
  if (rows <= most && columns <= most) return { data, rows, columns };
  const [high, wide] = [Math.min(rows, most), Math.min(columns, most)];
  const [low, top] = finiteExtent(data) ?? [0, 0];
  const middle = (low + top) / 2;
  const small = new Float64Array(high * wide).fill(middle);
  const apart = new Float64Array(high * wide).fill(-1);
  for (let row = 0; row < rows; row++) {
    const base = Math.floor((row * high) / rows) * wide;
    for (let column = 0; column < columns; column++) {
      const at = base + Math.floor((column * wide) / columns);
      const value = data[row * columns + column];
      const distance = value !== value ? Infinity : Math.abs(value - middle);
      if (distance > apart[at] || value !== value) {
        small[at] = value;
        apart[at] = distance;
      }
    }
  }
  return { data: small, rows: high, columns: wide };
}

/** Paints matrices on a `Canvas`. */
export class MatrixPainter {
  /** @param {import("./canvas.js").Canvas} paper */
  constructor(paper) {
    this.paper = paper;
    this.sheet = document.createElement("canvas");
  }

  /**
   * @param {{data: ArrayLike<number>, rows: number, columns: number}} matrix
   * @param {{left: number, top: number, width: number, height: number}} box CSS pixels.
   * @param {?[number, number]} range of the colours; `null` takes the matrix' own.
   * @returns {{low: number, high: number, pixel: Function}} the colours used.
   */
  paint(matrix, box, range = null) {
    const { theme } = this.paper.panel;
    const most = Math.max(1, Math.floor(Math.min(box.width, box.height) * devicePixelRatio));
    const { data, rows, columns } = shrink(matrix, most);
    const [low, high] = range ?? finiteExtent(data) ?? [0, 1];
    const colours = colourScale(low, high, theme.mode);
    const nothing = packColour(theme.text);
    this.sheet.width = columns;
    this.sheet.height = rows;
    const image = new ImageData(columns, rows);
    const pixels = new Uint32Array(image.data.buffer);
    for (let i = 0; i < data.length; i++) pixels[i] = Number.isFinite(data[i]) ? colours.pixel(data[i]) : nothing;
    this.sheet.getContext("2d").putImageData(image, 0, 0);
    const { context } = this.paper;
    context.imageSmoothingEnabled = false;
    context.drawImage(this.sheet, box.left, box.top, box.width, box.height);
    this.#signs({ data, rows, columns }, box);
    return colours;
  }

  /** A sign where a cell is no number: colour alone does not say which it is. */
  #signs({ data, rows, columns }, box) {
    const [wide, high] = [box.width / columns, box.height / rows];
    const small = wide < 14 || high < 12;
    for (let i = 0, left = SIGNED; i < data.length && left; i++) {
      if (Number.isFinite(data[i])) continue;
      left--;
      const x = box.left + ((i % columns) + 0.5) * wide;
      const y = box.top + (Math.floor(i / columns) + 0.5) * high;
      const { bad, surface } = this.paper.panel.theme;
      // In a cell that is too small the sign stands on it, so that one NaN among a million cells is seen.
      const sign = data[i] > 0 ? "▲" : data[i] < 0 ? "▼" : "◆";
      this.paper.text(wide > 30 && !small ? formatNumber(data[i]) : sign, x, y, Infinity, { align: "center", colour: small ? bad : surface });
    }
  }

  /** What the colours mean, at the right. */
  key(colours, box) {
    const { context, panel } = this.paper;
    const left = box.left + box.width + 8;
    for (let i = 0; i < box.height; i++) {
      context.fillStyle = unpack(colours.pixel(colours.high - (i / Math.max(1, box.height - 1)) * (colours.high - colours.low)));
      context.fillRect(left, box.top + i, 8, 1.5);
    }
    this.paper.text(formatNumber(colours.high), left + 11, box.top, 46, { baseline: "top", colour: panel.theme.muted });
    this.paper.text(formatNumber(colours.low), left + 11, box.top + box.height, 46, { baseline: "bottom", colour: panel.theme.muted });
  }

  /** The names of rows and columns, as many as have room. */
  labels(rows, columns, box) {
    const each = (labels, length, place) => {
      const every = Math.max(1, Math.ceil(14 / (length / labels.length)));
      for (let i = 0; i < labels.length; i += every) place(String(labels[i]), ((i + 0.5) * length) / labels.length);
    };
    if (rows?.length) each(rows, box.height, (text, at) => this.paper.text(text, box.left - 4, box.top + at, box.left - 6, { align: "right" }));
    if (columns?.length) {
      const every = Math.max(1, Math.ceil(36 / (box.width / columns.length)));
      for (let i = 0; i < columns.length; i += every) {
        const x = box.left + ((i + 0.5) * box.width) / columns.length;
        this.paper.text(String(columns[i]), x, box.top + box.height + 4, (every * box.width) / columns.length - 2, { align: "center", baseline: "top" });
      }
    }
  }
}
