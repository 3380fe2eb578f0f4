/** A canvas that follows its panel's size and the screen's pixels, with plain axes for charts that are not lines. */

import { tickTexts } from "./lines/ticks.js";

export class Canvas {
  /**
   * @param {Element} host
   * @param {object} panel
   */
  constructor(host, panel) {
    this.panel = panel;
    this.element = document.createElement("canvas");
    this.context = this.element.getContext("2d");
    host.append(this.element);
  }

  /** Makes it as large as the panel and empty; afterwards lengths are CSS pixels. */
  clear() {
    const { width, height } = this.panel.size;
    const ratio = devicePixelRatio;
    this.width = width;
    this.height = height;
    const [wide, high] = [Math.round(width * ratio), Math.round(height * ratio)];
    if (this.element.width !== wide || this.element.height !== high) {
      this.element.width = wide;
      this.element.height = high;
      this.element.style.width = `${width}px`;
      this.element.style.height = `${height}px`;
    }
    const { context } = this;
    context.setTransform(ratio, 0, 0, ratio, 0, 0);
    context.clearRect(0, 0, width, height);
    context.font = `11px ${this.panel.theme.font}`;
    return context;
  }

  /** Text that is cut where there is no room for it. */
  text(words, x, y, room = Infinity, { align = "left", baseline = "middle", colour = this.panel.theme.muted } = {}) {
    const { context } = this;
    context.textAlign = align;
    context.textBaseline = baseline;
    context.fillStyle = colour;
    context.fillText(fit(context, words, room), x, y);
  }

  /** Horizontal grid lines with their values. */
  levels(ticks, toY, left, right, log = false) {
    const { context } = this;
    const texts = tickTexts(ticks, log);
    ticks.forEach((tick, i) => {
      const y = Math.round(toY(tick));
      context.fillStyle = this.panel.theme.grid;
      context.fillRect(left, y, right - left, 1);
      this.text(texts[i], left - 5, y, left - 6, { align: "right" });
    });
  }

  /** Values below the chart. */
  feet(ticks, toX, y) {
    const texts = tickTexts(ticks);
    ticks.forEach((tick, i) => this.text(texts[i], toX(tick), y, 80, { align: "center", baseline: "top" }));
  }
}

function fit(context, words, room) {
  if (context.measureText(words).width <= room) return words;
  for (let kept = words.length - 1; kept > 0; kept--) {
    const shorter = `${words.slice(0, kept)}…`;
    if (context.measureText(shorter).width <= room) return shorter;
  }
  return "";
}
