/**
 * Lines over steps or time. uPlot keeps the axes, the scales and what the mouse does; the series themselves are painted
 * from columns of pixels, because each series has steps of its own and buckets whose extremes must be seen.
 */

import uPlot from "uplot";

import { setTitle } from "../../dom.js";
import { groupAt, joinMarks, paintMarkHeads, paintMarkLines } from "../marks.js";
import { hideTip, showTip } from "../mark-tip.js";
import { PixelColumns, smooth } from "../pixels.js";
import { RangeKeeper } from "../range.js";
import { lastWhole, MOMENT } from "./along.js";
import { paintMarks, paintReferenceNames, paintReferences, paintSeries } from "./paint.js";
import { linearTicks, logTicks, tickTexts } from "./ticks.js";
import { visibleRange } from "./window.js";

const DASHES = [[], [6, 3], [2, 2], [8, 3, 2, 3]]; // beyond eight series the colours come again, with a dash
const AXIS = 46; // CSS pixels left of the chart, at least
const LETTER = 6.6; // CSS pixels a letter of the axis takes, about
const FOOT = 22; // and below it
const MARKS = 14; // what the heads of marks take at the upper edge
const RIGHT = 18; // and right of it
const TOP = 11; // and above it: half a number of the axis stands there, clear of the value over the chart

export class LinePlot {
  /**
   * @param {Element} host
   * @param {object} panel see `panel.js`.
   * @param {{band: boolean}} look
   */
  constructor(host, panel, look) {
    this.host = host;
    this.panel = panel;
    this.look = look;
    this.keeper = new RangeKeeper();
    this.rewinds = panel.store.rewinds; // as they were when the range was last taken
    this.columns = [];
    this.painted = [];
    this.x = [0, 1];
    this.y = [0, 1];
    this.zoom = null;
    this.marks = {};
    this.groups = []; // marks of changes, as they are joined at this width
    this.axis = AXIS;
    this.line = document.createElement("div");
    this.line.className = "bvc-crosshair";
    this.unfollow = panel.crosshair.follow((step) => this.#showCrosshair(step));
  }

  /** Draws what there is now. */
  draw() {
    const { panel } = this;
    const { width, height } = panel.size;
    if (width < 20 || height < 20) return;
    const lines = panel.lines();
    if (!lines.length) {
      panel.say("A line is drawn from numbers: choose another chart for this value.");
      return;
    }
    this.#build(width, height);
    const { field, range, steps, follows } = visibleRange(lines, panel.view, this.zoom);
    this.field = field;
    this.x = range;
    // Longer numbers on the y axis make the chart narrower: then it is drawn once more.
    for (let left = NaN; left !== this.plot.bbox.left; ) {
      const box = this.plot.bbox;
      left = box.left;
      this.#prepare(lines, steps, field, mapping(range, box.left, box.width, this.logX), box);
      // What the run left behind by going back does not hold the axis.
      if (this.rewinds !== panel.store.rewinds) this.keeper.forget();
      this.rewinds = panel.store.rewinds;
      this.y = this.keeper.update(this.#extent(box), this.logY, performance.now());
      this.plot.batch(() => this.plot.setData([range, [null, null]], true));
    }
    panel.look(lines, steps, follows, this.plot.bbox.width);
    this.#showCrosshair(panel.crosshair.step);
  }

  #prepare(lines, steps, field, toPixel, box) {
    const { smooth: weight = 0 } = this.panel.view;
    this.painted = lines.map(({ series, colour, index }, at) => {
      const columns = (this.columns[at] ??= { raw: new PixelColumns(), smoothed: new PixelColumns() });
      const parts = series.parts(...steps);
      const right = box.left + box.width;
      columns.raw.fill(parts, field, toPixel, box.left, right);
      if (this.panel.view.reduce) columns.raw.reduce(this.panel.view.reduce);
      if (weight) columns.smoothed.fill(smooth(parts, weight), field, toPixel, box.left, right);
      return { columns, colour, dash: DASHES[(index >> 3) % DASHES.length] };
    });
  }

  #extent(box) {
    let extent = null;
    const add = (low, high) => (extent = extent ? [Math.min(extent[0], low), Math.max(extent[1], high)] : [low, high]);
    for (const { columns } of this.painted) {
      const own = columns.raw.extent(box.left, box.left + box.width, this.logY);
      if (own) add(...own);
    }
    for (const { value } of this.panel.view.reference ?? []) if (extent && !(this.logY && value <= 0)) add(value, value);
    return extent;
  }

  /** Makes the plot, again where the kind of a scale has changed. */
  #build(width, height) {
    const { view } = this.panel;
    const [logX, logY] = [view.x_scale === "log", view.y_scale === "log"];
    if (this.plot && (logX !== this.logX || logY !== this.logY)) {
      this.plot.destroy();
      this.plot = null;
      this.keeper.forget();
    }
    if (this.plot) {
      if (this.plot.width !== width || this.plot.height !== height) this.plot.setSize({ width, height });
      return;
    }
    Object.assign(this, { logX, logY });
    const theme = () => this.panel.theme;
    const axis = (log, wanted) => ({
      stroke: () => theme().muted,
      grid: { stroke: () => theme().grid, width: 1 },
      ticks: { show: false },
      gap: 4,
      // uPlot draws no axis whose range is too wide for its own table of increments, which ends at 1e32: it gets one that
      // fits any range, for where the ticks stand is decided here.
      space: () => 1,
      incrs: () => [Number.MAX_VALUE],
      splits: (plot, number, low, high) => {
        const last = this.field === "time" ? lastWhole(low, high, plot.width - this.axis - RIGHT, RIGHT) : high;
        const own = number === 0 ? this.panel.ticksAlong(low, last, wanted(plot), this.field) : null;
        if (number === 0) this.texts = own?.texts;
        return own?.at ?? (log ? logTicks : linearTicks)(low, high, wanted(plot));
      },
      filter: (plot, ticks) => ticks,
    });
    this.plot = new uPlot({
      width,
      height,
      padding: [TOP, RIGHT, 0, 0],
      legend: { show: false },
      cursor: {
        x: false,
        y: false,
        points: { show: false },
        drag: { x: true, y: false, setScale: false },
        bind: { dblclick: () => null },
      },
      series: [{}, { show: true, paths: () => null, points: { show: false } }],
      scales: {
        x: { time: false, distr: logX ? 3 : 1, range: () => this.x },
        y: { distr: logY ? 3 : 1, range: () => this.y },
      },
      axes: [
        {
          ...axis(logX, (plot) => (this.field === "time" ? (plot.width - this.axis - RIGHT) / MOMENT : plot.width / 70)),
          size: FOOT,
          values: (plot, ticks) => this.texts ?? tickTexts(ticks, logX),
        },
        { ...axis(logY, (plot) => plot.height / 36), size: (plot, texts) => this.#room(texts), values: (plot, ticks) => tickTexts(ticks, logY) },
      ],
      hooks: {
        draw: [(plot) => this.#paint(plot)],
        setCursor: [(plot) => this.#point(plot)],
        setSelect: [(plot) => this.#select(plot)],
      },
    }, [[0, 1], [null, null]], this.host);
    this.plot.over.append(this.line);
    this.plot.over.addEventListener("mouseleave", () => {
      hideTip(this);
      this.panel.crosshair.point(null);
    });
  }

  /** The room left of the chart: it grows with the numbers, in large steps and never back, so that nothing jumps. */
  #room(texts) {
    const longest = Math.max(0, ...(texts ?? []).map(({ length }) => length));
    this.axis = Math.max(this.axis, Math.ceil((longest * LETTER + 8) / 8) * 8);
    return this.axis;
  }

  #paint(plot) {
    const { ctx: context, bbox: box } = plot;
    const { theme, view } = this.panel;
    const ratio = uPlot.pxRatio;
    const toX = mapping(this.x, box.left, box.width, this.logX);
    const toY = mapping(this.y, box.top + box.height, -box.height, this.logY);
    context.save();
    context.beginPath();
    context.rect(box.left, box.top, box.width, box.height);
    context.clip();
    this.groups = this.#join(toX, box, ratio);
    paintMarkLines(context, this.groups, theme, box, ratio);
    const references = view.reference ?? [];
    paintReferences(context, references, toY, box, { colour: theme.muted, ratio });
    const smoothed = view.smooth > 0;
    for (const { columns, colour, dash } of this.painted) {
      const style = { colour, dash, ratio, band: this.look.band };
      paintSeries(context, columns.raw, toY, box, { ...style, alpha: smoothed ? 0.3 : 1 });
      if (smoothed) paintSeries(context, columns.smoothed, toY, box, { ...style, alpha: 1 });
    }
    this.marks = { nan: 0, above: 0, below: 0, under: 0 };
    for (const { columns } of this.painted) {
      const seen = paintMarks(context, columns.raw, box, { colour: theme.bad, ratio, log: this.logY });
      for (const kind of Object.keys(seen)) this.marks[kind] += seen[kind];
    }
    const names = { colour: theme.muted, ground: theme.surface, font: theme.font, ratio, clear: this.groups.length ? MARKS * ratio : 0 };
    const title = paintReferenceNames(context, references, toY, box, names).join("\n"); // on a canvas there is no hovering over a word
    setTitle(plot.over, title);
    paintMarkHeads(context, this.groups, theme, box, ratio);
    context.restore();
  }

  /** The changes in sight; where there are none it costs nothing. */
  #join(toX, box, ratio) {
    const events = this.panel.events();
    if (!events.length) return events;
    const along = this.field === "time" ? "time" : "step";
    return joinMarks(events, (mark) => (toX(mark[along]) - box.left) / ratio, 0, box.width / ratio);
  }

  #point(plot) {
    const { left } = plot.cursor;
    if (!(left >= 0)) return;
    const group = this.groups.length ? groupAt(this.groups, left) : null;
    if (group) {
      const place = plot.over.getBoundingClientRect();
      showTip(this, group, { x: place.left + group.x, top: place.top });
    } else hideTip(this);
    this.panel.crosshair.point(this.panel.stepAt(plot.posToVal(left, "x"), this.field));
  }

  #showCrosshair(step) {
    if (!this.plot) return;
    const at = step === null ? null : this.panel.along(step, this.field);
    const left = at === null ? NaN : this.plot.valToPos(at, "x");
    const seen = left >= 0 && left <= this.plot.bbox.width / uPlot.pxRatio;
    this.line.style.display = seen ? "block" : "none";
    if (seen) this.line.style.transform = `translateX(${left}px)`;
  }

  #select(plot) {
    const { left, width } = plot.select;
    if (width < 5) return;
    const zoom = [plot.posToVal(left, "x"), plot.posToVal(left + width, "x")];
    plot.setSelect({ left: 0, top: 0, width: 0, height: 0 }, false);
    this.setZoom(zoom);
  }

  /** @param {?[number, number]} zoom what to show along x, or `null` for what the view says. */
  setZoom(zoom) {
    this.zoom = zoom;
    this.keeper.forget();
    this.panel.zoomed(Boolean(zoom));
  }

  /** The canvas, for a picture. */
  canvas() {
    return this.plot?.ctx.canvas;
  }

  destroy() {
    hideTip(this);
    this.unfollow();
    this.plot?.destroy();
  }
}

/** From a range to pixels, straight or by the logarithm; what a log scale has no place for is NaN. */
export function mapping([low, high], origin, length, log) {
  if (!log) return (value) => origin + ((value - low) / (high - low)) * length;
  const [from, to] = [Math.log(low), Math.log(high)];
  return (value) => (value > 0 ? origin + ((Math.log(value) - from) / (to - from)) * length : value === value ? origin : NaN);
}
