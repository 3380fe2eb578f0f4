/**
 * A chart on the page: it finds the series, the renderer and the size, keeps the readout above the chart true, and asks
 * the scheduler to be drawn when a record of its series comes.
 *
 * What a renderer sees of it: `view` (spec and viewer's choice as one), `theme`, `size` (CSS pixels), `names`, `lines()`,
 * `record(name)`, `over(name)`, `crosshair`, `stepAt` and `along` (between steps and what runs along x), `events()`, `look(…)`
 * (asks for detail), `zoomed(on)`, `say(text)` (a sentence in place of the chart), `warn(text)` (one below it).
 */

import { fill, h, setText, show } from "../dom.js";
import { spacedNumbers } from "../numbers.js";
import { readTheme } from "../theme.js";
import { chooseSpec, matchNames, namedOf, patternsOf, shortNames } from "./choose.js";
import { crosshairOf } from "./crosshair.js";
import { epochTicks, timeTicks } from "./lines/along.js";
import { exportCSV, pictureOf } from "./export.js";
import { Readout } from "./readout.js";
import { rendererFor } from "./registry.js";
import { scheduler } from "./scheduler.js";
import { toolsFor } from "./bundle-tools.js";
import { emptinessOf } from "./values.js";

const PAUSE = 80; // ms the crosshair rests before arrays are drawn at it

const NONE = [];
const FREE = new Set(["PlotlyFigure", "VegaLite"]); // kinds that may need no series
const MARKED = new Set(["Line", "Area"]); // kinds that run over steps, on which changes are marked

const open = new Set();

/** Re-colours every open chart. */
export function setTheme(theme) {
  for (const panel of open) {
    if (panel.element.closest("[data-theme]") !== document.documentElement) continue; // it has a theme of its own
    panel.recolour(theme);
  }
}

class Panel {
  #place;
  #stops = [];
  #followed = new Map();
  #kind = null;
  #renderer = null;
  #watcher;
  #visiting;
  #finish;

  /** Resolves when it has been drawn for the first time, or says in words why it is not. */
  drawn = new Promise((resolve) => (this.#finish = resolve));

  constructor(element, { id, spec = null, metric = null, store, view = {}, theme, title = "", waits = "" }) {
    Object.assign(this, { element, id, metric, store, title, waits, theme: theme ?? readTheme() });
    this.given = spec;
    this.chosen = view;
    this.names = [];
    this.size = { width: 0, height: 0 };
    this.crosshair = crosshairOf(store);
    this.readout = new Readout(this);
    this.host = h("div", { class: "bvc-chart", role: "img" });
    this.note = h("p", { class: "bvc-note", role: "status", hidden: true });
    this.gap = h("p", { class: "bvc-gap", role: "status", hidden: true });
    this.unzoom = h("button", { class: "bvc-unzoom", type: "button", hidden: true, text: "Reset zoom", onclick: () => this.#renderer?.setZoom(null) });
    this.frame = h("div", { class: "bvc-panel" }, this.readout.element, h("div", { class: "bvc-box" }, this.host, this.note, this.unzoom), this.gap);
    element.append(this.frame);
    this.host.addEventListener("dblclick", () => element.dispatchEvent(new CustomEvent("bidviz:enlarge", { bubbles: true })));
    this.#place = scheduler.add(this.frame, () => this.#draw(), true, this);
    this.#watcher = new ResizeObserver(([{ contentRect }]) => {
      this.size = { width: Math.floor(contentRect.width), height: Math.floor(contentRect.height) };
      this.readout.settle();
      this.#place.now();
    });
    this.#watcher.observe(this.host);
    this.#stops.push(store.listen(() => this.#settle()));
    this.#stops.push(this.crosshair.follow((step) => this.#visit(step)));
    open.add(this);
    this.#settle();
  }

  /** The spec with what the viewer chose in its place. */
  get view() {
    const { yScale, xScale, window, smooth, x } = this.chosen;
    const choice = { y_scale: yScale, x_scale: xScale, window, smooth, x };
    return { ...this.spec, ...Object.fromEntries(Object.entries(choice).filter(([, value]) => value !== undefined)) };
  }

  /** Finds names and renderer again; what has not changed stays. */
  #settle() {
    const names = matchNames(patternsOf(this.given, this.metric), this.store.names());
    this.#follow(names);
    this.names = names;
    this.labels = shortNames(names);
    const kind = names.length ? this.store.kind(names[0]) : this.metric?.kind || "scalar";
    this.spec = chooseSpec(kind, this.given, this.store.latest(names[0])?.value);
    this.store.need(names);
    this.lacking = this.#lack();
    const marks = MARKED.has(this.spec.kind) ? this.events().length : 0;
    const also = marks ? `, ${marks} ${marks === 1 ? "mark of a change" : "marks of changes"}` : "";
    this.host.setAttribute("aria-label", `${this.title || names.join(", ")}: ${this.spec.kind}${also}`);
    if (this.spec.kind !== this.#kind) this.#mount(this.spec.kind);
    this.readout.settle();
    this.#place.invalidate();
  }

  #follow(names) {
    for (const [name, stop] of this.#followed) {
      if (names.includes(name)) continue;
      stop();
      this.#followed.delete(name);
    }
    for (const name of names) {
      if (!this.#followed.has(name)) this.#followed.set(name, this.store.follow(name, () => this.#place.invalidate()));
    }
  }

  async #mount(kind) {
    this.#kind = kind;
    this.#unmount();
    try {
      const renderer = await rendererFor(kind);
      if (this.#kind !== kind || !open.has(this)) return;
      this.#renderer = renderer.create(this.host, this, toolsFor(this));
      this.#place.remove();
      this.#place = scheduler.add(this.frame, () => this.#draw(), Boolean(renderer.light), this);
    } catch (error) {
      this.say(error.message);
      this.#finish();
    }
    this.#place.invalidate();
  }

  #unmount() {
    this.#renderer?.destroy?.();
    this.#renderer = null;
    this.host.replaceChildren();
    show(this.unzoom, false);
  }

  /** The crosshair has moved: numbers are read at it; values of arrays are drawn, from the run's file where need be. */
  #visit(step) {
    this.readout.update(step);
    const arrays = this.names.map((name) => this.store.arrays.get(name)).filter(Boolean);
    if (!arrays.length) return;
    clearTimeout(this.#visiting);
    this.#visiting = setTimeout(async () => {
      if (step !== null) {
        const whole = Math.floor(step);
        const lacking = arrays.filter((series) => series.lacks(whole));
        await Promise.all(lacking.map((series) => this.store.arraysAt(series.name, null, whole + 1, 1)));
        for (const series of lacking) if (series.visited) series.visited.asked = whole;
      }
      this.redraw();
    }, PAUSE);
  }

  #draw() {
    const array = this.#renderer && this.store.kind(this.names[0]) === "array" && this.given?.kind === undefined;
    if (array && chooseSpec("array", null, this.store.latest(this.names[0])?.value).kind !== this.#kind) {
      this.#settle();
      return;
    }
    if (!this.#renderer || !this.size.width) return;
    const empty = !this.names.some((name) => this.store.latest(name) !== undefined);
    const value = this.record(this.names[0])?.value;
    // A figure without series is whole as it stands.
    const why = empty && (this.names.length || !FREE.has(this.spec.kind)) ? this.store.problem || this.waits || this.lacking || this.metric?.note || "No value yet." : value ? emptinessOf(value) : "";
    if (why) {
      this.say(why);
      this.#finish();
      return;
    }
    this.say("");
    this.warn("");
    this.readout.refresh();
    // What a library draws may take longer than this call.
    Promise.resolve(this.#renderer.draw()).then(this.#finish, (error) => {
      this.say(error.message);
      this.#finish();
    });
  }

  /** Series that the spec names, and that the run does not have: a sentence, or nothing. */
  #lack() {
    const named = namedOf(this.given);
    if (!named.length || !this.store.told) return "";
    const there = this.store.names();
    const lacking = named.filter((name) => !matchNames([name], there).some((one) => there.includes(one)));
    if (!lacking.length) return "";
    return `${lacking.length > 1 ? "There are no series" : "There is no series"} ${lacking.map((name) => `“${name}”`).join(", ")} in this run yet.`;
  }

  // --- what renderers use ------------------------------------------------------------------------------------------

  /** A sentence in place of the chart; an empty one shows the chart. */
  say(text) {
    setText(this.note, spacedNumbers(text));
    show(this.note, Boolean(text));
    this.host.classList.toggle("bvc-veiled", Boolean(text));
  }

  /** A sentence below the chart, beside what its spec names in vain: what is drawn is not all there is. */
  warn(text) {
    const words = [this.lacking, text].filter(Boolean).join(" ");
    setText(this.gap, words);
    this.gap.title = words;
    show(this.gap, Boolean(words));
  }

  /** The scalar series with their colours. */
  lines() {
    const { series } = this.theme;
    return this.names.flatMap((name, index) => {
      const one = this.store.scalars.get(name);
      return one ? [{ series: one, name, label: this.labels[index], index, colour: series[index % series.length] }] : [];
    });
  }

  /** The array record of a series at the crosshair, or the latest one. */
  record(name) {
    const series = this.store.arrays.get(name);
    return this.crosshair.step === null ? series?.latest : series?.at(this.crosshair.step);
  }

  /**
   * The records of a series of arrays over steps, oldest first, of the whole run or the spec's window: sparse at first, where the
   * run is long.
   */
  over(name) {
    this.store.needSpread(name);
    const series = this.store.arrays.get(name);
    const { window } = this.view;
    return series?.over(window ? series.latest.step - window : -Infinity) ?? [];
  }

  /** Asks for a finer resolution of what is seen, where the run's file has one. */
  look(lines, [start, stop], follows, pixels) {
    const coarse = lines.filter(({ series }) => series.coarse(start, stop, pixels)).map(({ name }) => name);
    if (!coarse.length) return;
    // A window that moves with the run would ask at each step: it asks for a stretch that begins earlier, in jumps.
    // Jumps are shorter than what is kept of live records as they came, so that no bucket of theirs comes into sight.
    const jump = this.view.window ? this.view.window / 8 : 1;
    const from = follows ? Math.max(0, Math.floor(start / jump) * jump) : start;
    const newest = Math.max(...lines.map(({ series }) => series.extent()?.[1] ?? 0));
    this.store.detail(this, coarse, from, follows || stop >= newest ? Infinity : stop, Math.ceil(pixels));
  }

  /** The step under a place along x. */
  stepAt(place, field) {
    if (field !== "time") return place;
    return this.lines()[0]?.series.stepAt(place) ?? null;
  }

  /** Where a step is along x. */
  along(step, field) {
    if (field !== "time") return step;
    return this.lines()[0]?.series.at(step)?.time ?? null;
  }

  /**
   * Ticks where x is not the plain step: moments of the day, or where epochs begin.
   *
   * @returns {?{at: number[], texts: string[]}} `null` where the plain numbers do.
   */
  ticksAlong(low, high, wanted, field) {
    if (field === "time") return timeTicks(low, high, wanted);
    return this.view.x === "epoch" ? epochTicks(this.store.scalars.get("epoch"), low, high, wanted) : null;
  }

  /** The changes that somebody made, in order; none where the viewer has switched them off. */
  events() {
    return this.chosen.marks === false ? NONE : this.store.marks;
  }

  /** The renderer shows a part that a person chose, or no longer. */
  zoomed(on) {
    show(this.unzoom, on);
    this.redraw();
  }

  redraw() {
    this.#place.now();
  }

  // --- what the page uses ------------------------------------------------------------------------------------------

  /** Takes over a changed spec, metric, view or title. */
  update({ spec = this.given, metric = this.metric, view = this.chosen, title = this.title, waits = this.waits }) {
    Object.assign(this, { given: spec, metric, chosen: view, title, waits });
    this.#settle();
    this.redraw();
  }

  /** Draws it in other colours. */
  recolour(theme) {
    this.theme = theme;
    this.readout.settle();
    this.redraw();
  }

  /** The names it shows now. */
  series() {
    return [...this.names];
  }

  /** A picture of the chart with its title. */
  async exportPNG() {
    return pictureOf(this, this.#renderer);
  }

  /** The series' records as comma-separated values. */
  exportCSV() {
    return exportCSV(this.store, this.names);
  }

  destroy() {
    open.delete(this);
    this.readout.destroy();
    this.#finish();
    this.#watcher.disconnect();
    clearTimeout(this.#visiting);
    this.#place.remove();
    this.#follow([]);
    this.#stops.forEach((stop) => stop());
    this.#unmount();
    fill(this.element);
  }
}

/**
 * Puts a chart into an element.
 *
 * @param {Element} element an empty box; the chart follows its size.
 * @param {{id?: string, spec?: ?object, metric?: ?object, store: object, view?: object, theme?: object, title?: string}} options
 * @returns {{update: Function, destroy: Function, exportPNG: () => Promise<Blob>, exportCSV: () => Promise<string>, series: () => string[], drawn: Promise<void>, recolour: Function}}
 */
export function createPanel(element, options) {
  return new Panel(element, options);
}
