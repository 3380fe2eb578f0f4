// The top of a run's page: is it alive, where is it, what can be done about it.
import { fill, h, setText } from "../dom.js";
import { formatCount, formatDuration, formatExact, formatSpeed } from "../numbers.js";
import { switchTheme } from "../theme.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { stateBadge } from "./states.js";

const LATER = "Steering comes with a later version of BIDViz; pause and resume work now.";

/** The header of a run; `pauseOrResume()` is what the space key does. */
export class Header {
  #model;
  #state = h("span", { class: "bv-state-place" });
  #name = h("h1", { class: "bv-run-name" });
  #facts = {};
  #pause;
  #words = new Words();
  #shown = "";

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{home: () => void, help: () => void}} actions
   */
  constructor(model, { home, help }) {
    this.#model = model;
    this.#pause = button("Pause", () => this.pauseOrResume(), { icon: "pause", key: "space" });
    this.#pause.classList.add("bv-pause");
    const later = [
      ["One step", "step"],
      ["Stop", "stop"],
      ["Restart", "restart"],
    ].map(([label, drawing]) => button(label, () => {}, { icon: drawing, bare: true }));
    later.forEach((element) => refuse(element, LATER));
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
      this.#words.element,
      h("div", { class: "bv-controls", role: "toolbar", "aria-label": "Run control" }, this.#pause, later),
      h(
        "div",
        { class: "bv-controls" },
        button("Light or dark", switchTheme, { icon: "theme", bare: true }),
        button("Keys and help", help, { icon: "help", bare: true, key: "?" }),
      ),
    );
    model.on("status", () => this.#draw());
    model.on("catalogue", () => this.#draw());
    model.on("connection", () => this.#draw());
    this.#draw();
  }

  /** Pauses a run that is running and resumes one that is paused; says what it did, and when. */
  async pauseOrResume() {
    const reason = this.#model.refusal("tune");
    if (reason) {
      this.#words.say(reason, "warn");
      return;
    }
    const pause = this.#model.status?.state !== "paused";
    await this.#words.follow((signal) => this.#model.connection.request("pauseTraining", pause, { signal }), {
      busy: pause ? "Pausing at the next step…" : "Resuming…",
      done: ({ step }) => (pause ? `paused${step === null ? "" : ` after step ${formatCount(step)}`}` : "goes on"),
    });
    setTimeout(() => this.#words.clear(), 4000);
  }

  #draw() {
    const { status, catalogue, connection } = this.#model;
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
    setText(facts.step, status ? `step ${formatCount(status.step)}` : "");
    setText(
      facts.epoch,
      status && status.epoch !== null && status.epoch !== undefined ? `epoch ${formatCount(status.epoch)}` : "",
    );
    setText(facts.speed, status && this.#model.live ? formatSpeed(status.speed) : "");
    facts.speed.title = status
      ? `${formatExact(status.speed)} steps a second; a step takes ${formatDuration(status.step_time)}`
      : "";
    setText(facts.elapsed, status ? formatDuration(Math.floor(status.elapsed)) : "");
    const paused = state === "paused";
    setText(this.#pause.querySelector("span"), paused ? "Resume" : "Pause");
    this.#pause.classList.toggle("bv-primary", paused);
    this.#pause.querySelector("path").setAttribute("d", paused ? "M4.5 3 12.5 8 4.5 13Z" : "M5 3v10M11 3v10");
    refuse(
      this.#pause,
      status && connection.state === "open"
        ? this.#model.refusal("tune")
        : "There is no connection to the dashboard now.",
    );
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
