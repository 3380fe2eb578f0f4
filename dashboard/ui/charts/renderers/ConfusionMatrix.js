/** The latest square matrix of true classes (rows) against predicted ones (columns), with its numbers. */

import { Painting } from "../painting.js";
import { unpack } from "../colours.js";
import { MatrixPainter } from "../matrix.js";
import { formatNumber, formatPercent } from "../../numbers.js";

class Confusion extends Painting {
  constructor(host, panel) {
    super(host, panel);
    this.painter = new MatrixPainter(this.paper);
    this.paper.element.addEventListener("mousemove", (event) => this.#point(event));
  }

  draw() {
    const { panel, paper } = this;
    paper.clear();
    this.shown = null;
    const value = panel.record(panel.names[0])?.value;
    if (!value?.shape || value.shape[0] !== value.data.length / value.shape[0]) {
      panel.say("A confusion matrix is drawn from a square matrix: true classes are its rows, predicted ones its columns.");
      return;
    }
    const size = value.shape[0];
    const { rows, columns } = panel.view;
    const names = [rows, value.rows, columns, value.columns].find((list) => list?.length) ?? Array.from({ length: size }, (_, i) => i);
    const edge = Math.max(10, Math.min(paper.width - 70, paper.height - 42));
    const box = { left: 52 + Math.max(0, (paper.width - 70 - edge) / 2), top: 6, width: edge, height: edge };
    const matrix = { data: value.data, rows: size, columns: size };
    const colours = this.painter.paint(matrix, box);
    this.painter.labels(names, names, box);
    paper.text("predicted →", box.left + edge / 2, box.top + edge + 20, edge, { align: "center", baseline: "top" });
    paper.text("true ↓", 4, paper.height - 8, 48);
    this.#numbers(matrix, box, colours);
    this.shown = { matrix, box, names };
  }

  /** What the cell under the mouse counts, and its share of the true class. */
  #point({ offsetX, offsetY }) {
    if (!this.shown) return;
    const { matrix: { data, rows: size }, box, names } = this.shown;
    const [row, column] = [Math.floor(((offsetY - box.top) / box.height) * size), Math.floor(((offsetX - box.left) / box.width) * size)];
    const inside = row >= 0 && row < size && column >= 0 && column < size;
    this.paper.element.title = inside ? cellWords(data, size, row, column, names) : "";
  }

  #numbers({ data, rows }, box, colours) {
    const cell = box.width / rows;
    if (cell < 22) return;
    for (let i = 0; i < data.length; i++) {
      if (!Number.isFinite(data[i])) continue;
      const [r, g, b] = unpack(colours.pixel(data[i])).match(/\d+/g).map(Number);
      const colour = 0.3 * r + 0.59 * g + 0.11 * b > 130 ? "#000000" : "#ffffff";
      this.paper.text(formatNumber(data[i]), box.left + ((i % rows) + 0.5) * cell, box.top + (Math.floor(i / rows) + 0.5) * cell, cell - 2, { align: "center", colour });
    }
  }
}

/** `true a, taken for b: 5 (12 % of a)`. */
export function cellWords(data, size, row, column, names) {
  const value = data[row * size + column];
  let sum = 0;
  for (let i = 0; i < size; i++) sum += data[row * size + i];
  const share = sum > 0 && Number.isFinite(value) ? ` (${formatPercent(value / sum)} of ${names[row]})` : "";
  const what = row === column ? `${names[row]}, taken for what it is` : `${names[row]}, taken for ${names[column]}`;
  return `${what}: ${formatNumber(value)}${share}`;
}

export default { light: false, create: (host, panel) => new Confusion(host, panel) };
