// One tile of the grid: the frame round a chart, or the face of a metric that failed.
import { fill, h, setText, show } from "../dom.js";
import { formatCount, spacedNumbers } from "../numbers.js";
import { createPanel } from "../charts/index.js";
import { readTheme } from "../theme.js";
import { button, refuse } from "../shell/buttons.js";
import { titleParts } from "./cut-name.js";
import { OriginMark } from "./origin.js";

/** A placed panel; the chart inside is made when it is first needed and goes while the metric is set aside. */
export class Tile {
  panel;
  chart = null;
  #model;
  #actions;
  #title = h("h2", { class: "bv-tile-title" });
  #origin;
  #note = h("span", { class: "bv-tile-note" });
  #menu;
  #enlarge;
  #body = h("div", { class: "bv-tile-body" });
  #fail = h("div", { class: "bv-tile-fail", hidden: true });
  #view;
  #failure = null;
  #acts = null; // the buttons beside a failure
  #drawn = {};

  /**
   * @param {import("./model.js").RunModel} model
   * @param {import("./panels.js").PanelSpec} panel
   * @param {object} view - what the viewer chose for it, over what was chosen for all.
   * @param {{menu: (tile: Tile, anchor: HTMLElement) => void, enlarge: (tile: Tile) => void, edit: (tile: Tile) => void, retry: (tile: Tile) => void,
   *   remove: (tile: Tile, anchor: HTMLElement) => void}} actions
   */
  constructor(model, panel, view, actions) {
    this.#model = model;
    this.#actions = actions;
    this.#view = view;
    this.panel = panel;
    this.#origin = new OriginMark(model);
    this.#menu = button(`Menu of ${panel.title}`, () => actions.menu(this, this.#menu), { icon: "menu", bare: true });
    this.#menu.setAttribute("aria-haspopup", "menu");
    this.#enlarge = button(`Enlarge ${panel.title}`, () => actions.enlarge(this), { icon: "enlarge", bare: true });
    this.#enlarge.title = `${this.#enlarge.dataset.title} (Enter on the panel)`;
    this.frame = h(
      "section",
      {
        class: "grid-stack-item-content bv-tile-frame",
        "aria-label": panel.title,
        tabindex: "0",
        "aria-keyshortcuts": "Enter",
        "aria-description": "Enter enlarges it.",
        onkeydown: (event) => this.#onKey(event),
      },
      h(
        "header",
        { class: "bv-tile-head" },
        this.#title,
        this.#origin.element,
        this.#note,
        h("span", { class: "bv-spring" }),
        this.#enlarge,
        this.#menu,
      ),
      this.#body,
      this.#fail,
    );
    this.element = h("div", { class: "grid-stack-item", "gs-id": panel.id, dataset: { panel: panel.id } }, this.frame);
    this.#body.addEventListener("bidviz:enlarge", () => actions.enlarge(this));
    this.update(panel, view);
  }

  /** Takes the metric as it is now, and the view. */
  update(panel, view) {
    this.panel = panel;
    this.#view = view;
    const { metric } = panel;
    if (this.#title.textContent !== panel.title) fill(this.#title, titleParts(panel.title));
    // The whole title too: a narrow tile cuts it.
    this.#title.title = metric?.help && metric.help !== panel.title ? `${panel.title}\n${metric.help}` : panel.title;
    this.#origin.update(panel);
    const { text, title, short } = tileNote(metric);
    setText(this.#note, spacedNumbers(text));
    this.#note.title = spacedNumbers(title);
    this.#note.classList.toggle("bv-tile-short", short);
    this.#note.classList.toggle("bv-tile-usual", metric?.origin === "built-in"); // seldom by design, no trouble
    this.frame.classList.toggle("bv-tile-off", Boolean(metric && !metric.enabled && !metric.failure));
    this.#showFailure(metric?.failure ?? null);
    if (metric?.failure) return;
    if (!this.chart) {
      this.chart = createPanel(this.#body, {
        id: panel.id,
        spec: panel.spec,
        metric,
        store: this.#model.store,
        view,
        theme: readTheme(),
        title: panel.title,
        waits: panel.waits,
      });
      this.#drawn = this.#inputs();
      return;
    }
    const inputs = this.#inputs();
    const changed = Object.keys(inputs).some((key) => JSON.stringify(inputs[key]) !== JSON.stringify(this.#drawn[key]));
    if (changed) this.chart.update({ spec: panel.spec, metric, view, waits: panel.waits });
    this.#drawn = inputs;
  }

  /** Greys what cannot be done now, with the reason: the run may have ended meanwhile. */
  refuse() {
    if (!this.#acts) return;
    refuse(this.#acts.retry, this.#model.refusal("tune"));
    refuse(this.#acts.remove, this.#model.refusal("code"));
  }

  /** Gives it the keyboard: Enter enlarges it, and its buttons are the next. */
  focus() {
    this.frame.focus({ preventScroll: true });
  }

  /** Brings the tile to the person's eye. */
  reveal() {
    this.element.scrollIntoView({ block: "nearest", behavior: "smooth" });
    this.frame.classList.add("bv-tile-found");
    setTimeout(() => this.frame.classList.remove("bv-tile-found"), 1200);
  }

  destroy() {
    this.chart?.destroy();
    this.chart = null;
  }

  /** Enter on the tile itself; on a button, a link or a chart in it the stroke is theirs. */
  #onKey(event) {
    if (event.key !== "Enter" || event.target !== this.frame || event.defaultPrevented || event.repeat) return;
    if (event.ctrlKey || event.metaKey || event.altKey || event.shiftKey) return;
    event.preventDefault(); // what gets the keyboard next is not pressed by the same stroke
    this.#actions.enlarge(this);
  }

  #inputs() {
    const { spec, metric, waits } = this.panel;
    // Where there is no value, the chart's place says why.
    const note = metric?.series?.length ? "" : metric?.note;
    return { spec, view: this.#view, series: metric?.series, kind: metric?.kind, name: metric?.name, note, waits };
  }

  #showFailure(failure) {
    if (JSON.stringify(failure) === JSON.stringify(this.#failure) && Boolean(failure) === !this.#fail.hidden) return;
    this.#failure = failure;
    show(this.#body, !failure);
    show(this.#fail, Boolean(failure));
    this.frame.classList.toggle("bv-tile-failed", Boolean(failure));
    if (!failure) return;
    this.chart?.destroy();
    this.chart = null;
    fill(this.#body);
    const retry = button("Retry", () => this.#actions.retry(this));
    const edit = button(this.#model.refusal("code") ? "Read code" : "Edit", () => this.#actions.edit(this));
    const remove = button("Remove", () => this.#actions.remove(this, remove));
    this.#acts = { retry, remove };
    this.refuse();
    fill(
      this.#fail,
      h("p", { class: "bv-fail-head" }, h("strong", { text: `Set aside at step ${formatCount(failure.step)}` })),
      h("p", { class: "bv-fail-text", text: spacedNumbers(failure.message) }),
      codeLine(this.panel.metric, failure),
      h("div", { class: "bv-row" }, edit, retry, remove),
    );
  }
}

/** The line of a metric's code that failed, with its number. */
export function codeLine(metric, failure) {
  const line = failure.line ? metric.code.split("\n")[failure.line - 1] : undefined;
  if (line === undefined) return null;
  return h(
    "pre",
    { class: "bv-fail-code" },
    h("span", { class: "bv-line-number", text: `${failure.line}` }),
    line.trim(),
  );
}

/**
 * What stands beside a tile's title of the metric: that it is off, or runs more seldom than asked for, or what it says itself.
 *
 * @param {object|null} metric
 * @returns {{text: string, title: string, short: boolean}} a short one is never cut; the whole sentence is the title.
 */
function tileNote(metric) {
  if (!metric) return { text: "", title: "", short: false };
  if (!metric.enabled && !metric.failure) return { text: "disabled", title: metric.note ?? "", short: true };
  const seldom = metric.effective_every > metric.every;
  if (!seldom) {
    const note = (metric.series?.length && metric.note) || ""; // without a value it stands in the chart's place
    return { text: note, title: note, short: false };
  }
  const asked = `Asked for every ${formatCount(metric.every)}; it runs more seldom to keep within the budget.`;
  return { text: `every ${formatCount(metric.effective_every)} steps`, title: metric.note || asked, short: true };
}
