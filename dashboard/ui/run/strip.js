// The line below the header: what is wrong, if anything, and what watching costs.
import { fill, h, setText, show } from "../dom.js";
import { formatCount, formatTime, spacedNumbers } from "../numbers.js";
import { button, refuse } from "../shell/buttons.js";
import { silenceText } from "../socket/connection.js";
import { icon } from "../shell/icons.js";
import { goalOf, hasTraceback, stateSentence } from "./states.js";
import { calmWords, costsMuch, costText, costTitle } from "./strip-words.js";

/** The state's sentence, the failures, the connection, the cost. */
export class Strip {
  #model;
  #actions;
  #connection = h("span", { class: "bv-strip-item bv-tone-bad", role: "status" });
  #retry;
  #state = h("span", { class: "bv-strip-item", role: "status" });
  #callOff;
  #over = h("span", { class: "bv-strip-item bv-tone-muted" });
  #detail;
  #interrupt;
  #running = h("span", { class: "bv-strip-item bv-tone-warn" });
  #health = h("span", { class: "bv-strip-item" });
  #dropped = h("span", { class: "bv-strip-item bv-tone-warn" });
  #cost = h("span", { class: "bv-strip-item bv-cost" });
  #said = h("div", { class: "bv-strip-said" }); // what comes and goes; the cost keeps its place beside it
  #timer;
  #seen = 0;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{showDetail: () => void, showStacks: () => void, showFailures: () => void, interrupt: () => void, callOff: () => void}} actions
   */
  constructor(model, actions) {
    this.#model = model;
    this.#actions = actions;
    this.#retry = button("Retry now", () => model.connection.retry());
    this.#detail = button("", () => (hasTraceback(model.status) ? actions.showDetail() : actions.showStacks()));
    this.#callOff = button("Call off", actions.callOff, { title: "Go on without this pause" });
    this.#interrupt = button("Interrupt it", actions.interrupt, { danger: true });
    this.element = h(
      "div",
      { class: "bv-strip", role: "region", "aria-label": "Health" },
      this.#said,
      h("div", { class: "bv-strip-end" }, this.#dropped, this.#cost),
    );
    this.#said.append(
      this.#connection,
      this.#retry,
      this.#state,
      this.#callOff,
      this.#over,
      this.#detail,
      this.#running,
      this.#interrupt,
      this.#health,
    );
    for (const event of ["status", "failures", "connection", "silence", "catalogue"]) model.on(event, () => this.#draw());
    this.#timer = setInterval(() => model.connection.state === "lost" && this.#draw(), 1000);
    this.#draw();
  }

  destroy() {
    clearInterval(this.#timer);
  }

  /** Puts what else is to be said before all. */
  prepend(element) {
    this.#said.prepend(element);
  }

  #draw() {
    const { status, connection } = this.#model;
    const lost = connection.state === "lost";
    const wait = lost ? Math.max(0, Math.ceil(connection.retryAt - Date.now() / 1000)) : 0;
    setText(
      this.#connection,
      lost
        ? `Connection to the dashboard lost at ${formatTime(connection.lostSince)}: what you see is from then. Trying again${wait ? ` in ${wait} s` : "…"}`
        : silenceText(connection),
    );
    show(this.#connection, lost || connection.silentSince !== null);
    show(this.#retry, lost);

    const { catalogue, abilities } = this.#model;
    const sentence = status ? stateSentence(status, catalogue?.run.started, abilities.restore) : connection.state === "lost" ? "" : "Waiting for the run…";
    setText(this.#state, sentence);
    this.#state.className = `bv-strip-item bv-tone-${TONES[status?.state] ?? "muted"}`;
    show(this.#state, Boolean(sentence));
    show(this.#callOff, Boolean(goalOf(status)));
    refuse(this.#callOff, this.#model.refusal("tune"));
    // The buttons are grey; this says why to who does not point at them.
    const over = status && !this.#model.live && connection.state === "open";
    setText(this.#over, over ? "Its history can be read; there is no training any more to change." : "");
    show(this.#over, Boolean(over));
    const failed = hasTraceback(status);
    setText(this.#detail.querySelector("span"), failed ? "Show traceback" : "Show stacks");
    show(this.#detail, failed || ["stuck", "quiet"].includes(status?.state));

    const metric = this.#model.live ? status?.running_metric : "";
    setText(
      this.#running,
      metric
        ? `${metric === "console" ? "A line of the console" : `The metric ${metric}`} has been running for over a second; training waits for it.`
        : "",
    );
    show(this.#running, Boolean(metric));
    show(this.#interrupt, Boolean(metric));
    refuse(this.#interrupt, this.#model.refusal("tune"));

    this.#drawHealth();
    setText(this.#dropped, status?.dropped ? `${formatCount(status.dropped)} records dropped` : "");
    this.#dropped.title = "Records that found a full queue; training was not made to wait for them.";
    show(this.#dropped, Boolean(status?.dropped));
    setText(this.#cost, status ? costText(status, this.#model.live) : "");
    this.#cost.classList.toggle("bv-tone-warn", Boolean(status && costsMuch(status)));
    this.#cost.title = costTitle(this.#model.live, status ?? {}, this.#model.catalogue?.metrics ?? []);
  }

  #drawHealth() {
    const set = (this.#model.catalogue?.metrics ?? []).filter((metric) => metric.failure);
    const others = this.#model.failures.filter((failure) => failure.source !== "metric");
    const state = this.#model.status?.state ?? "";
    const mark = `${set.map((metric) => metric.name).join()}|${others.length}|${this.#model.catalogue ? 1 : 0}|${state}`;
    if (mark === this.#seen) return;
    this.#seen = mark;
    const last = others.at(-1);
    const texts = [];
    if (set.length)
      texts.push(
        `${set.length === 1 ? "1 metric" : `${set.length} metrics`} set aside: ${set
          .slice(0, 3)
          .map((metric) => metric.name)
          .join(", ")}${set.length > 3 ? "…" : ""}`,
      );
    if (last) texts.push(`${last.source} ${last.name}: ${spacedNumbers(last.message)}`);
    if (!texts.length) {
      const calm = this.#model.catalogue ? calmWords(state) : null;
      fill(this.#health, calm ? [calm.tick && icon("check"), calm.text] : "");
      this.#health.className = "bv-strip-item bv-tone-muted";
      this.#health.title = calm?.title ?? "";
      return;
    }
    this.#health.className = "bv-strip-item bv-tone-warn";
    this.#health.title = "";
    fill(
      this.#health,
      h(
        "button",
        { type: "button", class: "bv-link", onclick: this.#actions.showFailures, title: "Show all failures" },
        icon("warning"),
        texts.join(" · "),
      ),
    );
  }
}

const TONES = { paused: "accent", quiet: "warn", stuck: "bad", failed: "bad", lost: "bad" };
