/**
 * Histograms over steps, one behind the other, the latest in front. Each is as high as the others at its own peak: what is compared is
 * where the values lie and how their shape changes.
 */

import { Painting } from "../painting.js";
import { linearTicks } from "../lines/ticks.js";
import { mapping } from "../lines/plot.js";
import { binsOf } from "./HistogramChart.js";

const FOOT = 20;
const RIGHT = 62;
const APART = 3; // CSS pixels between two of them, at least

class Ridge extends Painting {
  draw() {
    const { panel, paper } = this;
    paper.clear();
    const found = panel.names.map((name) => this.#ridges(name));
    if (!found.some((ridges) => ridges.length)) {
      panel.say("Ridges are drawn from histograms over steps: bidviz.Histogram(counts, edges).");
      return;
    }
    paper.cells(panel.names, (_, at) => this.#one(found[at]));
  }

  #ridges(name) {
    if (this.panel.store.kind(name) === "scalar") return [];
    return this.panel.over(name).map(({ step, value }) => ({ step, ...(binsOf(value) ?? { counts: [] }) })).filter(({ counts }) => counts.length);
  }

  #one(all) {
    if (!all.length) return;
    const { panel, paper } = this;
    const bottom = paper.height - FOOT;
    const peak = Math.max(14, bottom * 0.28);
    const ridges = thin(all, Math.max(1, Math.floor((bottom - peak - 6) / APART)));
    const low = Math.min(...ridges.map(({ edges }) => edges[0]));
    const high = Math.max(...ridges.map(({ edges }) => edges[edges.length - 1]));
    const toX = mapping([low, high > low ? high : low + 1], 10, paper.width - 10 - RIGHT, false);
    const apart = ridges.length > 1 ? (bottom - peak - 6) / (ridges.length - 1) : 0;
    const every = Math.max(1, Math.ceil(14 / Math.max(apart, 0.1)));
    const pointed = panel.crosshair.step === null ? null : ridges.findLast(({ step }) => step <= panel.crosshair.step);
    let lost = 0;
    ridges.forEach((ridge, i) => {
      const base = bottom - (ridges.length - 1 - i) * apart;
      const chosen = ridge === pointed;
      const strength = chosen ? 1 : 0.25 + (0.75 * (i + 1)) / ridges.length;
      this.#ridge(ridge, toX, base, peak, strength, chosen ? panel.theme.accent : panel.theme.series[0]);
      const outside = (ridge.nan ?? 0) + (ridge.below ?? 0) + (ridge.above ?? 0);
      lost += outside;
      if (outside) paper.text("◆", paper.width - RIGHT, base, 12, { align: "center", baseline: "bottom", colour: panel.theme.bad });
      if (chosen || (ridges.length - 1 - i) % every === 0) {
        const colour = chosen ? panel.theme.text : undefined;
        paper.text(String(ridge.step), paper.width - RIGHT + 8, base, RIGHT - 10, { baseline: "bottom", ...(colour && { colour }) });
      }
    });
    paper.feet(linearTicks(low, high, paper.width / 90), toX, bottom + 5);
    if (lost) paper.text(`◆ ${lost} values are in no bin`, paper.width - 8, 4, paper.width - 16, { align: "right", baseline: "top", colour: panel.theme.bad });
  }

  #ridge({ counts, edges }, toX, base, peak, strength, colour) {
    const { theme } = this.panel;
    const { context } = this.paper;
    // Densities, not counts: bins may be of different widths.
    const heights = Array.from(counts, (count, i) => count / (edges[i + 1] - edges[i] || 1));
    const most = Math.max(1e-300, ...heights.filter(Number.isFinite));
    context.beginPath();
    context.moveTo(toX(edges[0]), base);
    heights.forEach((height, i) => context.lineTo((toX(edges[i]) + toX(edges[i + 1])) / 2, base - ((Number.isFinite(height) ? height : 0) / most) * peak));
    context.lineTo(toX(edges[edges.length - 1]), base);
    context.closePath();
    context.fillStyle = theme.surface;
    context.fill();
    context.globalAlpha = strength * 0.35;
    context.fillStyle = colour;
    context.fill();
    context.globalAlpha = strength;
    context.strokeStyle = colour;
    context.lineWidth = 1.2;
    context.stroke();
    context.globalAlpha = 1;
  }
}

/** As many as have room, evenly spaced over the steps, the first and the last among them. */
export function thin(records, most) {
  if (records.length <= most) return records;
  const [first, last] = [records[0].step, records.at(-1).step];
  const chosen = [];
  let next = first;
  for (const record of records.slice(0, -1)) {
    if (record.step < next) continue;
    chosen.push(record);
    next = first + Math.ceil(((record.step - first + 1) * (most - 1)) / (last - first || 1)) * ((last - first) / Math.max(1, most - 1));
  }
  return [...chosen.slice(0, most - 1), records.at(-1)];
}

export default { light: false, create: (host, panel) => new Ridge(host, panel) };
