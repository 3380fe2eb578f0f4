/** Points: the latest n × 2 array, or one series against another. */

import { Painting } from "../painting.js";
import { finiteExtent } from "../colours.js";
import { linearTicks, logTicks } from "../lines/ticks.js";
import { mapping } from "../lines/plot.js";

const LEFT = 46;
const FOOT = 20;
const NAME = 13; // and what the name of an axis takes

class Scatter extends Painting {
  draw() {
    const { panel, paper } = this;
    const context = paper.clear();
    const points = this.#points();
    if (!points) {
      panel.say("A scatter chart is drawn from an n × 2 array, or from two series of numbers.");
      return;
    }
    const [logX, logY] = [panel.view.x_scale === "log", panel.view.y_scale === "log"];
    const [across, up] = points.names;
    const right = paper.width - 12;
    const bottom = paper.height - FOOT - (across ? NAME : 0);
    const top = up ? 6 + NAME : 6;
    const [boundsX, boundsY] = [bounds(reach(points, 0), logX), bounds(reach(points, 1), logY)];
    const toX = mapping(boundsX, LEFT, right - LEFT, logX);
    const toY = mapping(boundsY, bottom, top - bottom, logY);
    paper.levels((logY ? logTicks : linearTicks)(...boundsY, bottom / 40), toY, LEFT, right, logY);
    paper.feet((logX ? logTicks : linearTicks)(...boundsX, paper.width / 60), toX, bottom + 5);
    if (across) paper.text(across, right, paper.height - 2, right - LEFT, { align: "right", baseline: "bottom" });
    if (up) paper.text(up, 4, 2, right - 4, { baseline: "top" });
    context.fillStyle = panel.theme.series[0];
    if (points.boxes) this.#boxes(points.boxes, toX, toY);
    const size = points.x.length > 2000 ? 2 : 4;
    context.globalAlpha = points.x.length > 500 ? 0.5 : 0.85;
    let lost = 0;
    for (let i = 0; i < points.x.length; i++) {
      const [x, y] = [toX(points.x[i]), toY(points.y[i])];
      if (Number.isFinite(points.x[i]) && Number.isFinite(points.y[i])) context.fillRect(x - size / 2, y - size / 2, size, size);
      else lost++;
    }
    context.globalAlpha = 1;
    if (lost) paper.text(`◆ ${lost} of ${points.x.length} points are not finite`, right, top + 2, right - LEFT, { align: "right", baseline: "top", colour: panel.theme.bad });
  }

  /** Points that stand for many records: how far those reach, so that no extreme is lost. */
  #boxes(boxes, toX, toY) {
    const { context } = this.paper;
    context.globalAlpha = 0.18;
    for (const [left, right, low, high] of boxes) {
      const [x, y] = [toX(left), toY(high)];
      const sides = [toX(right) - x, toY(low) - y];
      if ([x, y, ...sides].every(Number.isFinite)) context.fillRect(x, y, Math.max(1, sides[0]), Math.max(1, sides[1]));
    }
  }

  #points() {
    const { panel } = this;
    const value = panel.record(panel.names[0])?.value;
    if (value?.shape?.length === 2 && value.shape[1] >= 2) {
      const [rows, columns] = value.shape;
      const pick = (column) => Float64Array.from({ length: rows }, (_, row) => value.data[row * columns + column]);
      return { x: pick(0), y: pick(1), names: panel.view.columns ?? [] };
    }
    const [across, up] = panel.lines();
    if (!up) return null;
    const given = panel.view.columns ?? [];
    return { ...pairs(across.series, up.series), names: given.length ? given : [across.label, up.label] };
  }
}

/** Two series where they have the same steps. */
function pairs(across, up) {
  const entries = new Map();
  for (const { columns, from, to } of across.parts(-Infinity, Infinity)) for (let i = from; i < to; i++) entries.set(columns.step[i], { columns, i });
  const [x, y, boxes] = [[], [], []];
  for (const { columns, from, to } of up.parts(-Infinity, Infinity)) {
    for (let i = from; i < to; i++) {
      const other = entries.get(columns.step[i]);
      if (!other) continue;
      x.push(other.columns.value[other.i]);
      y.push(columns.value[i]);
      if (columns.count[i] > 1) boxes.push([other.columns.low[other.i], other.columns.high[other.i], columns.low[i], columns.high[i]]);
    }
  }
  return { x, y, boxes };
}

/** The numbers that an axis has to hold: the points' and those of what they stand for. */
function reach(points, at) {
  return points.boxes?.length ? [...points[at === 0 ? "x" : "y"], ...points.boxes.flatMap((box) => [box[2 * at], box[2 * at + 1]])] : points[at === 0 ? "x" : "y"];
}

function bounds(numbers, log) {
  const [low, high] = finiteExtent(log ? Array.from(numbers).filter((value) => value > 0) : numbers) ?? [log ? 0.1 : 0, 1];
  if (log) return [low / 1.2, high * 1.2];
  const more = (high - low) * 0.05 || Math.abs(low) * 0.1 || 1;
  return [low - more, high + more];
}

export default { light: false, create: (host, panel) => new Scatter(host, panel) };
