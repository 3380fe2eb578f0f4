/** Histograms over steps, one behind the other, the latest in front. */

import { Canvas } from "../canvas.js";
import { linearTicks } from "../lines/ticks.js";
import { mapping } from "../lines/plot.js";
import { binsOf } from "./HistogramChart.js";

const FOOT = 20;
const RIGHT = 62;

class Ridge {
  constructor(host, panel) {
    this.panel = panel;
    this.paper = new Canvas(host, panel);
    if (panel.names[0] && panel.store.kind(panel.names[0]) !== "scalar") panel.store.arraysAt(panel.names[0], null, null, 64);
  }

  canvas() {
    return this.paper.element;
  }

  draw() {
    const { panel, paper } = this;
    const context = paper.clear();
    const records = panel.store.arrays.get(panel.names[0])?.records ?? [];
    const ridges = records.map(({ step, value }) => ({ step, ...binsOf(value) })).filter(({ counts }) => counts?.length);
    if (!ridges.length) {
      panel.say("Ridges are drawn from histograms over steps: bidviz.Histogram(counts, edges).");
      return;
    }
    const low = Math.min(...ridges.map(({ edges }) => edges[0]));
    const high = Math.max(...ridges.map(({ edges }) => edges[edges.length - 1]));
    const bottom = paper.height - FOOT;
    const toX = mapping([low, high > low ? high : low + 1], 10, paper.width - 10 - RIGHT, false);
    const peak = Math.max(14, bottom * 0.28);
    const apart = ridges.length > 1 ? (bottom - peak - 6) / (ridges.length - 1) : 0;
    const every = Math.max(1, Math.ceil(14 / Math.max(apart, 0.1)));
    ridges.forEach(({ step, counts, edges }, i) => {
      const base = bottom - (ridges.length - 1 - i) * apart;
      this.#ridge(context, counts, edges, toX, base, peak, 0.25 + (0.75 * (i + 1)) / ridges.length);
      if ((ridges.length - 1 - i) % every === 0) paper.text(String(step), paper.width - RIGHT + 6, base, RIGHT - 8, { baseline: "bottom" });
    });
    paper.feet(linearTicks(low, high, paper.width / 90), toX, bottom + 5);
  }

  #ridge(context, counts, edges, toX, base, peak, strength) {
    const { theme } = this.panel;
    // Densities, not counts: bins may be of different widths.
    const heights = Array.from(counts, (count, i) => count / (edges[i + 1] - edges[i] || 1));
    const most = Math.max(1e-300, ...heights);
    context.beginPath();
    context.moveTo(toX(edges[0]), base);
    heights.forEach((height, i) => context.lineTo((toX(edges[i]) + toX(edges[i + 1])) / 2, base - (height / most) * peak));
    context.lineTo(toX(edges[edges.length - 1]), base);
    context.closePath();
    context.fillStyle = theme.surface;
    context.fill();
    context.globalAlpha = strength * 0.35;
    context.fillStyle = theme.series[0];
    context.fill();
    context.globalAlpha = strength;
    context.strokeStyle = theme.series[0];
    context.lineWidth = 1.2;
    context.stroke();
    context.globalAlpha = 1;
  }
}

export default { light: false, create: (host, panel) => new Ridge(host, panel) };
