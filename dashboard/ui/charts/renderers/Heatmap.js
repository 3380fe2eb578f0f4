/** The latest matrix, or a vector over steps, as colours. */

import { Painting } from "../painting.js";
import { MatrixPainter } from "../matrix.js";
import { formatNumber } from "../../numbers.js";

class Heatmap extends Painting {
  constructor(host, panel) {
    super(host, panel);
    this.painter = new MatrixPainter(this.paper);
    this.paper.element.addEventListener("mousemove", (event) => this.#point(event));
  }

  draw() {
    const { panel, paper } = this;
    paper.clear();
    const found = panel.names.map((name) => this.#matrix(name));
    this.shown = [];
    if (!found.some(Boolean)) {
      panel.say("A heatmap is drawn from a matrix, or from a vector over steps.");
      return;
    }
    const places = paper.cells(panel.names, (_, at) => this.#one(found[at]));
    this.shown = this.shown.map((one, at) => ({ ...one, box: { ...one.box, left: one.box.left + places[at].left, top: one.box.top + places[at].top } }));
  }

  #one(shown) {
    const { paper } = this;
    const left = shown?.rowNames?.length ? Math.min(90, paper.width * 0.25) : 10;
    const box = { left, top: 6, width: paper.width - left - 72, height: paper.height - 26 };
    this.shown.push({ ...shown, box });
    if (!shown || box.width < 10 || box.height < 10) return;
    const colours = this.painter.paint(shown.matrix, box);
    this.painter.key(colours, box);
    this.painter.labels(shown.rowNames, shown.columnNames, box);
  }

  #matrix(name) {
    const { panel } = this;
    const { value } = panel.record(name) ?? {};
    const { rows: rowNames, columns: columnNames } = panel.view;
    if (!value?.shape || value.shape.includes(0)) return null;
    if (value.shape.length === 1) return this.#overSteps(name, value.shape[0], rowNames);
    const [rows, columns] = [value.shape[0], value.data.length / value.shape[0]];
    const given = (own, from) => (from?.length ? from : own);
    return { matrix: { data: value.data, rows, columns }, rowNames: given(value.rows, rowNames), columnNames: given(value.columns, columnNames) };
  }

  /** Vectors over steps, one column each. */
  #overSteps(name, rows, rowNames) {
    const records = this.panel.over(name).filter(({ value }) => value.data?.length === rows);
    const data = new Float64Array(rows * records.length);
    records.forEach(({ value }, column) => {
      for (let row = 0; row < rows; row++) data[row * records.length + column] = value.data[row];
    });
    return { matrix: { data, rows, columns: records.length }, rowNames, columnNames: records.map(({ step }) => step) };
  }

  /** The exact value under the mouse. */
  #point({ offsetX, offsetY }) {
    let title = "";
    for (const { box, matrix, rowNames, columnNames } of this.shown ?? []) {
      if (!matrix) continue;
      const row = Math.floor(((offsetY - box.top) / box.height) * matrix.rows);
      const column = Math.floor(((offsetX - box.left) / box.width) * matrix.columns);
      if (row < 0 || row >= matrix.rows || column < 0 || column >= matrix.columns) continue;
      title = `${rowNames?.[row] ?? row}, ${columnNames?.[column] ?? column}: ${formatNumber(matrix.data[row * matrix.columns + column])}`;
    }
    this.paper.element.title = title;
  }
}

export default { light: false, create: (host, panel) => new Heatmap(host, panel) };
