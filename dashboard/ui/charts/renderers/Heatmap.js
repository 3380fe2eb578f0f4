/** The latest matrix, or a vector over steps, as colours. */

import { Canvas } from "../canvas.js";
import { MatrixPainter } from "../matrix.js";
import { formatNumber } from "../../numbers.js";

class Heatmap {
  constructor(host, panel) {
    this.panel = panel;
    this.paper = new Canvas(host, panel);
    this.painter = new MatrixPainter(this.paper);
    this.paper.element.addEventListener("mousemove", (event) => this.#point(event));
  }

  canvas() {
    return this.paper.element;
  }

  draw() {
    const { panel, paper } = this;
    paper.clear();
    const shown = this.#matrix();
    if (!shown) {
      panel.say("A heatmap is drawn from a matrix, or from a vector over steps.");
      return;
    }
    const left = shown.rowNames?.length ? Math.min(90, paper.width * 0.25) : 10;
    const box = { left, top: 6, width: paper.width - left - 72, height: paper.height - 26 };
    if (box.width < 10 || box.height < 10) return;
    const colours = this.painter.paint(shown.matrix, box);
    this.painter.key(colours, box);
    this.painter.labels(shown.rowNames, shown.columnNames, box);
    this.shown = { ...shown, box };
  }

  #matrix() {
    const { panel } = this;
    const record = panel.record(panel.names[0]);
    const { value } = record ?? {};
    const { rows: rowNames, columns: columnNames } = panel.view;
    if (!value?.shape) return null;
    if (value.shape.length === 1) return this.#overSteps(value.shape[0], rowNames);
    const [rows, columns] = [value.shape[0], value.data.length / value.shape[0]];
    const given = (own, from) => (from?.length ? from : own);
    return { matrix: { data: value.data, rows, columns }, rowNames: given(value.rows, rowNames), columnNames: given(value.columns, columnNames) };
  }

  /** The vectors that are kept, one column each. */
  #overSteps(rows, rowNames) {
    const [name] = this.panel.names;
    if (!this.asked) {
      this.asked = true;
      this.panel.store.arraysAt(name, null, null, 64);
    }
    const records = this.panel.store.arrays.get(name).records.filter(({ value }) => value.data?.length === rows);
    const data = new Float64Array(rows * records.length);
    records.forEach(({ value }, column) => {
      for (let row = 0; row < rows; row++) data[row * records.length + column] = value.data[row];
    });
    return { matrix: { data, rows, columns: records.length }, rowNames, columnNames: records.map(({ step }) => step) };
  }

  /** The exact value under the mouse. */
  #point({ offsetX, offsetY }) {
    if (!this.shown) return;
    const { box, matrix, rowNames, columnNames } = this.shown;
    const row = Math.floor(((offsetY - box.top) / box.height) * matrix.rows);
    const column = Math.floor(((offsetX - box.left) / box.width) * matrix.columns);
    const inside = row >= 0 && row < matrix.rows && column >= 0 && column < matrix.columns;
    const value = matrix.data[row * matrix.columns + column];
    this.paper.element.title = inside ? `${rowNames?.[row] ?? row}, ${columnNames?.[column] ?? column}: ${formatNumber(value)}` : "";
  }
}

export default { light: false, create: (host, panel) => new Heatmap(host, panel) };
