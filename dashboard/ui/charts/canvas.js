/** A canvas that follows its panel's size and the screen's pixels, with plain axes for charts that are not lines. */

import { tickTexts } from "./lines/ticks.js";

const CELL = { width: 150, height: 96, title: 15 }; // CSS pixels of one of several charts side by side, at least

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

  /**
   * Draws a chart for each name, side by side where there are several and there is room: within `draw` the canvas is as large as
   * one of them.
   *
   * @param {string[]} names
   * @param {(name: string, at: number) => void} draw
   * @returns {{left: number, top: number}[]} where each was drawn.
   */
  cells(names, draw) {
    if (names.length < 2) {
      if (names.length) draw(names[0], 0);
      return [{ left: 0, top: 0 }];
    }
    const { context, width, height } = this;
    const [most, deep] = [Math.max(1, Math.floor(width / CELL.width)), Math.max(1, Math.floor(height / CELL.height))];
    const shown = Math.min(names.length, most * deep);
    const across = Math.min(most, Math.max(Math.ceil(shown / deep), Math.round(Math.sqrt((shown * width) / height / 1.6)) || 1));
    const down = Math.ceil(shown / across);
    const [wide, high] = [width / across, height / down];
    const places = names.slice(0, shown).map((name, at) => {
      const place = { left: (at % across) * wide, top: Math.floor(at / across) * high };
      this.text(this.panel.labels[at] ?? name, place.left + 8, place.top + CELL.title / 2, wide - 12, { colour: this.panel.theme.text });
      context.save();
      context.translate(place.left, place.top + CELL.title);
      this.width = wide;
      this.height = high - CELL.title;
      draw(name, at);
      context.restore();
      return { left: place.left, top: place.top + CELL.title };
    });
    Object.assign(this, { width, height });
    const rest = names.length - shown;
    if (rest > 0) this.panel.warn(`${rest} more ${rest === 1 ? "has" : "have"} no room here: enlarge the chart.`);
    return places;
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

  /** At the upper right, how much of a value has no place in its chart: never lost without a word. */
  lost({ nan = 0, below = 0, above = 0 }, right = this.width - 8) {
    const counts = [["◆", nan, "NaN"], ["▼", below, "below"], ["▲", above, "above"]].filter(([, count]) => count > 0);
    const words = counts.map(([sign, count, word]) => `${sign} ${count} ${word}`).join("  ");
    if (words) this.text(words, right, 4, right - 8, { align: "right", baseline: "top", colour: this.panel.theme.bad });
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
