// The top of a run's page: is it alive, where is it, what can be done about it.
import { fill, h, setText } from "../dom.js";
import { formatCount, formatDuration, formatExact, formatSpeed } from "../numbers.js";
import { switchTheme } from "../theme.js";
import { button } from "../shell/buttons.js";
import { RunControl } from "./run-control.js";
import { stateBadge } from "./states.js";

/** The header of a run; `control` has what the keys do. */
export class Header {
  #model;
  #state = h("span", { class: "bv-state-place" });
  #name = h("h1", { class: "bv-run-name" });
  #facts = {};
  #shown = "";

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{home: () => void, help: () => void}} actions
   */
  constructor(model, { home, help }) {
    this.#model = model;
    this.control = new RunControl(model);
    const fact = (key, label) =>
      (this.#facts[key] = h("span", { class: `bv-fact bv-fact-${key}`, "aria-label": label }));
    this.element = h(
      "header",
      { class: "bv-header" },
      h(
        "nav",
        { class: "bv-crumbs", "aria-label": "Where you are" },
        homeLink(home),
        h("span", { class: "bv-crumb-mark", "aria-hidden": "true", text: "▸" }),
        this.#name,
      ),
      this.#state,
      h(
        "div",
        { class: "bv-facts", role: "group", "aria-label": "Progress" },
        fact("step", "step"),
        fact("epoch", "epoch"),
        fact("speed", "speed"),
        fact("elapsed", "time"),
      ),
      this.control.words,
      this.control.element,
      h(
        "div",
        { class: "bv-controls" },
        button("Light or dark", switchTheme, { icon: "theme", bare: true }),
        button("Keys and help", help, { icon: "help", bare: true, key: "?" }),
      ),
    );
    model.on("status", () => this.#draw());
    model.on("catalogue", () => this.#draw());
    model.store.onChange(() => model.status && setText(this.#facts.step, `step ${formatCount(model.step)}`));
    this.#draw();
  }

  #draw() {
    const { status, catalogue } = this.#model;
    const name = catalogue?.run.name || this.#model.run;
    setText(this.#name, name);
    this.#name.title = catalogue
      ? `${catalogue.run.program || name} · ${catalogue.run.folder} · pid ${catalogue.run.pid} on ${catalogue.run.host}`
      : "";
    const state = status?.state ?? "unknown";
    if (state !== this.#shown) {
      this.#shown = state;
      fill(this.#state, stateBadge(state));
      document.title = `${STATE_MARKS[state] ?? ""}${name} · BIDViz`;
    }
    const facts = this.#facts;
    setText(facts.step, status ? `step ${formatCount(this.#model.step)}` : "");
    setText(
      facts.epoch,
      status && status.epoch !== null && status.epoch !== undefined ? `epoch ${formatCount(status.epoch)}` : "",
    );
    setText(facts.speed, status && this.#model.live ? formatSpeed(status.speed) : "");
    facts.speed.title = status
      ? `${formatExact(status.speed)} steps a second; a step takes ${formatDuration(status.step_time)}`
      : "";
    setText(facts.elapsed, status ? formatDuration(Math.floor(status.elapsed)) : "");
  }
}

/** What the browser's tab shows before the name, so that a look at the tabs is enough. */
const STATE_MARKS = { paused: "⏸ ", stuck: "⚠ ", failed: "✕ ", lost: "✕ ", ended: "✓ " };

/** The way back to all runs; a real link, so that it opens in a tab of its own as well. */
export function homeLink(home) {
  return h("a", {
    class: "bv-brand",
    href: "/",
    text: "bidviz",
    title: "All runs",
    onclick: (event) => {
      if (event.ctrlKey || event.metaKey || event.shiftKey || event.button) return;
      event.preventDefault();
      home();
    },
  });
}
