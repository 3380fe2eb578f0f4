// The list of all metrics of a run: what each costs, its code, and what can be done with it.
import { fill, h, setText } from "../dom.js";
import { formatBytes, formatCount, formatDuration, formatPercent, spacedNumbers } from "../numbers.js";
import { button, refuse } from "../shell/buttons.js";
import { sumText, sumTitle } from "./strip-words.js";

/** A drawer's content that follows the catalogue. */
export class MetricsList {
  key = "metrics";
  title = "Metrics";
  element = h("div", { class: "bv-list" });
  #model;
  #actions;
  #off;
  #drawn = "";
  #sum = h("p", { class: "bv-muted" });
  #why = h("p", { class: "bv-hint" });
  #costs = new Map(); // of each metric's name, where its cost is told

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{edit: (name: string) => void, toggle: (metric: object) => void, remove: (metric: object, anchor: HTMLElement) => void, reveal: (name: string) => void}} actions
   */
  constructor(model, actions) {
    this.#model = model;
    this.#actions = actions;
    this.#off = ["catalogue", "connection", "costs", "status"].map((event) => model.on(event, () => this.#draw()));
    this.#draw();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  #draw() {
    const metrics = this.#model.catalogue?.metrics ?? [];
    setText(this.#sum, sumText(metrics));
    setText(this.#why, sumTitle(metrics, this.#model.status, this.#model.live));
    const reasons = [this.#model.refusal("tune"), this.#model.refusal("code")];
    const mark = JSON.stringify([metrics.map((metric) => ({ ...metric, cost: 0, share: 0 })), reasons]);
    if (mark === this.#drawn) {
      for (const metric of metrics) setText(this.#costs.get(metric.name), costText(metric));
      return;
    }
    this.#drawn = mark;
    const held = heldBy(this.element);
    this.#fill(metrics, reasons);
    held();
  }

  #fill(metrics, reasons) {
    this.#costs.clear();
    if (!metrics.length) {
      fill(this.element, h("p", { class: "bv-muted", text: "No metrics yet. Press m to write one." }));
      return;
    }
    fill(
      this.element,
      this.#sum,
      this.#why,
      metrics.map((metric) => this.#row(metric, ...reasons)),
    );
  }

  #row(metric, tuneReason, codeReason) {
    const toggle = button(metric.failure ? "Retry" : metric.enabled ? "Disable" : "Enable", () =>
      this.#actions.toggle(metric),
    );
    const remove = button("Remove", () => this.#actions.remove(metric, remove));
    refuse(toggle, tuneReason);
    refuse(remove, codeReason);
    const cost = h("p", { class: "bv-muted bv-number", text: costText(metric) });
    this.#costs.set(metric.name, cost);
    return h(
      "article",
      { class: `bv-item${metric.enabled && !metric.failure ? "" : " bv-item-off"}`, "aria-label": metric.name },
      h(
        "header",
        null,
        h("button", {
          type: "button",
          class: "bv-link bv-item-name",
          text: metric.name,
          title: "Show its panel",
          onclick: () => this.#actions.reveal(metric.name),
        }),
        h("span", { class: "bv-tag", text: metric.origin }),
        metric.failure && h("span", { class: "bv-tag bv-tone-bad", text: "set aside" }),
        !metric.enabled && !metric.failure && h("span", { class: "bv-tag", text: "disabled" }),
      ),
      metric.help && h("p", { text: metric.help.split("\n")[0] }),
      cost,
      metric.note && h("p", { class: "bv-tone-warn", text: spacedNumbers(metric.note) }),
      metric.failure && h("p", { class: "bv-tone-bad", text: spacedNumbers(metric.failure.message) }),
      metric.code &&
        h(
          "details",
          { class: "bv-fold" },
          h("summary", { text: "Code" }),
          h("pre", { class: "bv-code", text: metric.code }),
        ),
      h(
        "div",
        { class: "bv-row" },
        button(codeReason || !metric.code ? "Open" : "Edit", () => this.#actions.edit(metric.name)),
        toggle,
        remove,
      ),
    );
  }
}

/** Remembers where in the list the focus and the opened folds are; returns what gives them back after it is drawn again. */
function heldBy(element) {
  const row = document.activeElement?.closest(".bv-item");
  const name = element.contains(row) ? row.getAttribute("aria-label") : null;
  const place = name ? [...row.querySelectorAll("button, summary")].indexOf(document.activeElement) : -1;
  const open = new Set(
    [...element.querySelectorAll(".bv-item:has(details[open])")].map((item) => item.getAttribute("aria-label")),
  );
  return () => {
    for (const item of element.querySelectorAll(".bv-item")) {
      const label = item.getAttribute("aria-label");
      if (open.has(label)) item.querySelector("details")?.setAttribute("open", "");
      if (label === name) item.querySelectorAll("button, summary")[place]?.focus({ preventScroll: true });
    }
  };
}

/** What a metric costs, in words. */
export function costText(metric) {
  const cadence =
    metric.effective_every > metric.every
      ? `every ${formatCount(metric.effective_every)} steps (asked for ${formatCount(metric.every)})`
      : metric.every > 1
        ? `every ${formatCount(metric.every)} steps`
        : "every step";
  const cost = metric.cost
    ? `${formatDuration(metric.cost)} a run, ${formatPercent(metric.share)} of the step time`
    : "not measured yet";
  return [
    cost,
    cadence,
    metric.where === "worker" ? "in the worker" : "",
    metric.memory ? formatBytes(metric.memory) : "",
  ]
    .filter(Boolean)
    .join(" · ");
}
