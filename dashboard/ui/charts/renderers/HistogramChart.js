/** The latest histogram, which moves as the training does. */

import { Painting } from "../painting.js";
import { finiteExtent } from "../colours.js";
import { linearTicks, logTicks } from "../lines/ticks.js";
import { mapping } from "../lines/plot.js";

const LEFT = 46;
const FOOT = 20;

/**
 * Counts and edges of a value: a histogram's own, rows of left edge and count, or plain counts.
 *
 * @returns {?{counts: ArrayLike<number>, edges: ArrayLike<number>}}
 */
export function binsOf(value) {
  if (value.kind === "histogram") return value;
  const { shape, data } = value;
  if (!shape || value.kind === "image") return null;
  if (shape.length === 2 && shape[1] === 2 && shape[0] > 1) {
    const counts = Array.from({ length: shape[0] }, (_, i) => data[2 * i + 1]);
    const edges = Array.from({ length: shape[0] }, (_, i) => data[2 * i]);
    return { counts, edges: [...edges, 2 * edges.at(-1) - edges.at(-2)] };
  }
  return { counts: data, edges: Array.from({ length: data.length + 1 }, (_, i) => i) };
}

class Histogram extends Painting {
  draw() {
    const { panel, paper } = this;
    paper.clear();
    if (!panel.names.some((name) => panel.record(name) && binsOf(panel.record(name).value))) {
      panel.say("A histogram is drawn from bidviz.Histogram(counts, edges).");
      return;
    }
    paper.cells(panel.names, (name) => this.#one(panel.record(name)?.value));
  }

  #one(value) {
    const { panel, paper } = this;
    const bins = value && binsOf(value);
    if (!bins?.counts.length) return;
    const { context } = paper;
    const { counts, edges } = bins;
    const log = panel.view.y_scale === "log";
    const most = finiteExtent(counts)?.[1] || 1;
    const bounds = log ? [0.5, most * 1.5] : [0, most * 1.06];
    const bottom = paper.height - FOOT;
    const toY = mapping(bounds, bottom, 6 - bottom, log);
    const toX = mapping([edges[0], edges[edges.length - 1]], LEFT, paper.width - 12 - LEFT, false);
    paper.levels((log ? logTicks : linearTicks)(...bounds, bottom / 40), toY, LEFT, paper.width - 12, log);
    context.fillStyle = panel.theme.series[0];
    for (let i = 0; i < counts.length; i++) {
      if (!(counts[i] > 0)) continue;
      const [from, to] = [toX(edges[i]), toX(edges[i + 1])];
      const y = toY(counts[i]);
      context.fillRect(from, Math.min(y, bottom - 1), Math.max(1, to - from - (to - from > 4 ? 1 : 0)), Math.max(1, bottom - y));
    }
    const { bins: labels } = panel.view;
    if (labels?.length) labels.forEach((label, i) => paper.text(label, toX((edges[i] + edges[i + 1]) / 2), bottom + 5, paper.width / labels.length, { align: "center", baseline: "top" }));
    else paper.feet(linearTicks(edges[0], edges[edges.length - 1], paper.width / 90), toX, bottom + 5);
    if (edges[0] < 0 && edges[edges.length - 1] > 0) {
      context.fillStyle = panel.theme.faint;
      context.fillRect(Math.round(toX(0)), 6, 1, bottom - 6);
    }
    paper.lost(value);
  }
}

export default { light: false, create: (host, panel) => new Histogram(host, panel) };
