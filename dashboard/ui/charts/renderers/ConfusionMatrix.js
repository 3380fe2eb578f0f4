/** The latest square matrix of true classes (rows) against predicted ones (columns), with its numbers. */

import { Canvas } from "../canvas.js";
import { unpack } from "../colours.js";
import { MatrixPainter } from "../matrix.js";
import { formatNumber } from "../../numbers.js";

class Confusion {
  constructor(host, panel) {
    this.panel = panel;
    this.paper = new Canvas(host, panel);
    this.painter = new MatrixPainter(this.paper);
  }

  canvas() {
    return this.paper.element;
  }

  draw() {
    const { panel, paper } = this;
    paper.clear();
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

export default { light: false, create: (host, panel) => new Confusion(host, panel) };
