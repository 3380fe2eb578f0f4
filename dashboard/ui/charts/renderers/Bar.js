/** The latest value of each series, or the latest vector, as bars. */

import { formatCount } from "../../numbers.js";
import { Painting } from "../painting.js";
import { readingOf } from "../age.js";
import { finiteExtent } from "../colours.js";
import { linearTicks, logTicks } from "../lines/ticks.js";
import { mapping } from "../lines/plot.js";

const LEFT = 46;
const FOOT = 20;
const ROW = 13; // and what a further row of names takes
const NAME = 34; // CSS pixels that a name takes, about
const ROWS = 3; // of names, at most: then some are left out
const CAP = 3; // CSS pixels of a bar's end on a log axis

class Bars extends Painting {
  draw() {
    const { panel, paper } = this;
    const context = paper.clear();
    const bars = this.#bars();
    if (!bars) {
      panel.say("Bars are drawn from numbers: a vector, or series of numbers.");
      return;
    }
    const { values, labels, colours, past, at } = bars;
    const log = panel.view.y_scale === "log";
    const shown = Array.from(values).filter((value) => Number.isFinite(value) && !(log && value <= 0));
    const [low, high] = finiteExtent(shown) ?? (log ? [0.1, 1] : [0, 1]);
    const bounds = log ? [decadeBelow(low), high * 1.5] : [Math.min(0, low), Math.max(0, high) || (low < 0 ? 0 : 1)];
    const room = (paper.width - 8 - LEFT) / Math.max(1, values.length);
    const rows = labels ? rowsOf(room, paper.height) : 1;
    const bottom = paper.height - FOOT - (rows - 1) * ROW;
    const toY = mapping(bounds, bottom, 14 - bottom, log);
    paper.levels((log ? logTicks : linearTicks)(...bounds, bottom / 40), toY, LEFT, paper.width - 8, log);
    // Bars are drawn less often than lines: beside those, values that jump from step to step would seem to be others.
    const told = [panel.view.unit && panel.names.length > 1 && `in ${panel.view.unit}`, at > 0 && `step ${formatCount(at)}`];
    paper.text(told.filter(Boolean).join(" · "), LEFT, 6, paper.width - LEFT);
    const zero = toY(log ? bounds[0] : 0);
    for (let i = 0; i < values.length; i++) {
      const x = LEFT + i * room;
      const gap = room > 6 ? Math.min(6, room * 0.2) : 0;
      const bad = past?.[i] ? panel.theme.muted : panel.theme.bad;
      if (log && values[i] <= 0 && values[i] > -Infinity) {
        paper.text("▽", x + room / 2, bottom - 8, Infinity, { align: "center", colour: bad });
      } else if (Number.isFinite(values[i])) {
        const y = toY(values[i]);
        const [left, width] = [x + gap / 2, Math.max(1, room - gap)];
        if (past?.[i]) {
          outline(context, left, Math.min(y, zero), width, Math.abs(y - zero), panel.theme.muted);
          continue;
        }
        context.fillStyle = colours(i);
        // Lengths say nothing on a log axis, which has no zero: the value is where the firm end is.
        context.globalAlpha = log ? 0.35 : 1;
        context.fillRect(left, Math.min(y, zero), width, Math.max(1, Math.abs(y - zero)));
        context.globalAlpha = 1;
        if (log) context.fillRect(left, y - CAP / 2, width, CAP);
      } else {
        const [sign, edge] = values[i] > 0 ? ["▲", 10] : values[i] < 0 ? ["▼", bottom - 8] : ["◆", bottom - 8];
        paper.text(sign, x + room / 2, edge, Infinity, { align: "center", colour: bad });
      }
    }
    this.#feet(labels, room, bottom, rows);
    const over = (past ?? []).flatMap((step, i) => (step ? [`${labels[i]} (step ${formatCount(step)})`] : []));
    if (over.length) panel.warn(`Dashed: ${over.join(", ")}`);
  }

  #bars() {
    const { panel } = this;
    const lines = panel.lines();
    const record = panel.record(panel.names[0]);
    if (record) {
      const values = record.value.data ?? record.value.counts;
      if (!values) return null;
      const given = panel.view.rows?.length ? panel.view.rows : panel.view.columns;
      return { values, labels: given?.length ? given : null, colours: () => panel.theme.series[0] };
    }
    const readings = lines.map(({ name }) => readingOf(panel.store, name, panel.crosshair.step));
    return {
      values: readings.map((reading) => reading?.value ?? NaN),
      labels: lines.map(({ label }) => label),
      colours: this.#coloursOf(lines),
      past: readings.map((reading) => (reading?.past ? reading.step : 0)),
      at: Math.max(0, ...readings.map((reading) => (reading && !reading.past ? reading.step : 0))),
    };
  }

  /** Series whose last parts the spec names as rows are places along one axis: what stands before is what they are of, and has the colour. */
  #coloursOf(lines) {
    const { view, theme } = this.panel;
    const parts = lines.map(({ name }) => [name.slice(0, name.lastIndexOf("/")), name.slice(name.lastIndexOf("/") + 1)]);
    if (!view.rows?.length || !parts.every(([, last]) => view.rows.includes(last))) return (i) => lines[i].colour;
    const owners = [...new Set(parts.map(([owner]) => owner))];
    return (i) => theme.series[owners.indexOf(parts[i][0]) % theme.series.length];
  }

  /** Names in so many rows that each has room, or where they would be too many, as many of them as have. */
  #feet(labels, room, bottom, rows) {
    const { paper } = this;
    const count = Math.round((paper.width - 8 - LEFT) / room);
    const every = rows > 1 ? 1 : Math.max(1, Math.ceil((labels ? NAME : 40) / room));
    for (let i = 0; i < count; i += every) {
      const [x, y] = [LEFT + (i + 0.5) * room, bottom + 5 + (i % rows) * ROW];
      const most = Math.min(every * rows * room - 4, 2 * (paper.width - x));
      paper.text(String(labels?.[i] ?? i), x, y, most, { align: "center", baseline: "top" });
    }
  }
}

/** How many rows the names of bars take, one beside the other by turns: one, too, where they would be too many. */
function rowsOf(room, height) {
  const wanted = Math.ceil(NAME / room);
  return wanted <= ROWS && height > 90 + wanted * ROW ? wanted : 1;
}

/** A bar that is not of now: no colour, and no firm edge. */
function outline(context, left, top, width, height, colour) {
  context.save();
  context.strokeStyle = colour;
  context.setLineDash([3, 3]);
  context.strokeRect(left + 0.5, top + 0.5, Math.max(1, width - 1), Math.max(1, height - 1));
  context.restore();
}

/** A power of ten that leaves the least value a bar to be seen by. */
function decadeBelow(least) {
  const exponent = Math.floor(Math.log10(least));
  return Math.max(Number.MIN_VALUE, 10 ** (least < 1.5 * 10 ** exponent ? exponent - 1 : exponent));
}

export default { light: false, create: (host, panel) => new Bars(host, panel) };
