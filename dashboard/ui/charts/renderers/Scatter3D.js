/**
 * Points in space, turned by dragging: the latest n × 3 array, or three series of numbers. Drawn without WebGL, of which a browser has
 * few; near points lie over far ones and are larger.
 */

import { Painting } from "../painting.js";
import { finiteExtent } from "../colours.js";
import { formatNumber } from "../../numbers.js";

const MOST = 20_000; // points drawn; of more, evenly chosen ones
const EDGES = [[0, 1], [0, 2], [0, 4], [1, 3], [1, 5], [2, 3], [2, 6], [3, 7], [4, 5], [4, 6], [5, 7], [6, 7]];
const NAMES = ["x", "y", "z"];

class Scatter3D extends Painting {
  constructor(host, panel) {
    super(host, panel);
    this.turn = [-0.6, 0.45]; // radians round the upright axis, and towards the eye
    this.paper.element.style.cursor = "grab";
    this.paper.element.style.touchAction = "none";
    this.paper.element.addEventListener("pointerdown", (event) => this.#grab(event));
  }

  draw() {
    const { panel, paper } = this;
    paper.clear();
    const points = this.#points();
    if (!points) {
      panel.say("Points in space are drawn from an n × 3 array, or from three series of numbers.");
      return;
    }
    const bounds = points.axes.map((axis) => finiteExtent(axis) ?? [0, 1]);
    const scale = Math.min(paper.width, paper.height - 24) * 0.3;
    const place = this.#projection(bounds, scale);
    this.#frame(bounds, place);
    const [lost, skipped] = this.#cloud(points.axes, place);
    if (lost) paper.text(`◆ ${lost} of ${points.axes[0].length} points are not finite`, paper.width - 8, 4, paper.width - 16, { align: "right", baseline: "top", colour: panel.theme.bad });
    if (skipped) panel.warn(`Of ${points.axes[0].length} points every ${skipped + 1}th is drawn.`);
  }

  #points() {
    const { panel } = this;
    const value = panel.record(panel.names[0])?.value;
    if (value?.kind !== "image" && value?.shape?.length === 2 && value.shape[1] >= 3) {
      const [rows, columns] = value.shape;
      return { axes: [0, 1, 2].map((column) => Float64Array.from({ length: rows }, (_, row) => value.data[row * columns + column])) };
    }
    const lines = panel.lines();
    return lines.length > 2 ? { axes: together(lines.slice(0, 3).map(({ series }) => series)) } : null;
  }

  /** From a point to the canvas, and how near it is (-1 to 1). */
  #projection(bounds, scale) {
    const [around, up] = this.turn;
    const [sin, cos, tilt, flat] = [Math.sin(around), Math.cos(around), Math.sin(up), Math.cos(up)];
    const unit = (value, [low, high]) => (high > low ? (2 * (value - low)) / (high - low) - 1 : 0);
    return (point) => {
      const [x, y, z] = point.map((value, axis) => unit(value, bounds[axis]));
      const [across, deep] = [x * cos - y * sin, x * sin + y * cos];
      const height = z * flat - deep * tilt;
      const near = -(deep * flat + z * tilt);
      return [this.paper.width / 2 + across * scale, this.paper.height / 2 - height * scale, near / 1.7];
    };
  }

  /** The box round the points, with the ends of its axes. */
  #frame(bounds, place) {
    const { context, panel } = { context: this.paper.context, panel: this.panel };
    const corners = Array.from({ length: 8 }, (_, i) => place([0, 1, 2].map((axis) => bounds[axis][(i >> axis) & 1])));
    context.strokeStyle = panel.theme.line;
    context.lineWidth = 1;
    context.beginPath();
    for (const [from, to] of EDGES) {
      context.moveTo(corners[from][0], corners[from][1]);
      context.lineTo(corners[to][0], corners[to][1]);
    }
    context.stroke();
    const labels = panel.view.columns?.length ? panel.view.columns : NAMES;
    bounds.forEach(([low, high], axis) => {
      const [x, y] = corners[1 << axis];
      this.paper.text(`${labels[axis] ?? NAMES[axis]} ${formatNumber(high)}`, x, y - 7, 90, { align: "center" });
      if (axis === 0) this.paper.text(bounds.map(([least]) => formatNumber(least)).join(", "), corners[0][0], corners[0][1] + 9, 140, { align: "center" });
      return low;
    });
  }

  #cloud(axes, place) {
    const { context, panel } = { context: this.paper.context, panel: this.panel };
    const count = axes[0].length;
    const skip = Math.ceil(count / MOST) - 1;
    const placed = [];
    let lost = 0;
    for (let i = 0; i < count; i++) {
      const point = [axes[0][i], axes[1][i], axes[2][i]];
      if (!point.every(Number.isFinite)) lost++;
      else if (i % (skip + 1) === 0) placed.push(place(point));
    }
    placed.sort((a, b) => a[2] - b[2]);
    const size = placed.length > 2000 ? 1.6 : 2.6;
    context.fillStyle = panel.theme.series[0];
    for (const [x, y, near] of placed) {
      context.globalAlpha = 0.45 + 0.25 * (near + 1);
      context.beginPath();
      context.arc(x, y, size * (1 + 0.35 * near), 0, 7);
      context.fill();
    }
    context.globalAlpha = 1;
    return [lost, skip];
  }

  #grab(event) {
    const { element } = this.paper;
    const from = [event.clientX, event.clientY, ...this.turn];
    element.setPointerCapture(event.pointerId);
    const move = ({ clientX, clientY }) => {
      this.turn = [from[2] + (clientX - from[0]) / 120, Math.max(-1.55, Math.min(1.55, from[3] + (clientY - from[1]) / 120))];
      this.panel.redraw();
    };
    element.addEventListener("pointermove", move);
    const end = () => element.removeEventListener("pointermove", move);
    for (const over of ["pointerup", "pointercancel"]) element.addEventListener(over, end, { once: true });
  }
}

/** Series where they all have the same steps. */
function together(series) {
  const [first, ...others] = series.map((one) => {
    const values = new Map();
    for (const { columns, from, to } of one.parts(-Infinity, Infinity)) for (let i = from; i < to; i++) values.set(columns.step[i], columns.value[i]);
    return values;
  });
  const steps = [...first.keys()].filter((step) => others.every((other) => other.has(step)));
  return [first, ...others].map((values) => steps.map((step) => values.get(step)));
}

export default { light: false, create: (host, panel) => new Scatter3D(host, panel) };
