// What the rules of bundles found of the run: a line under the header, the list behind it, and the way to the chart that shows it.
import { fill, h, show } from "../dom.js";
import { formatCount, spacedNumbers } from "../numbers.js";
import { icon } from "../shell/icons.js";
import { panelOf, rulesOf, shortText, standing, summaryOf } from "./findings.js";
import { panelsOf } from "./panels.js";

const QUIET = "Rules watch this run; none has ever found anything.";
const SHOWN = 2; // findings in the line itself; the list has them all
const TONES = { bad: "bad", warning: "warn", ok: "good" };

/** The line; hidden where no rule watches and none has ever told of anything. */
export class HealthLine {
  #model;
  #actions;
  #drawn = "";
  element = h("span", { class: "bv-strip-item bv-health", role: "group", "aria-label": "What rules found", hidden: true });

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{list: () => void, show: (finding: object) => void}} actions
   */
  constructor(model, actions) {
    this.#model = model;
    this.#actions = actions;
    for (const event of ["health", "catalogue"]) model.on(event, () => this.#draw());
    this.#draw();
  }

  #draw() {
    const { health: findings, rules } = this.#model;
    const mark = JSON.stringify([findings, rules]);
    if (mark === this.#drawn) return;
    this.#drawn = mark;
    const summary = summaryOf(findings, rules);
    show(this.element, Boolean(summary));
    if (!summary) return;
    const now = standing(findings);
    const focused = this.element.contains(document.activeElement);
    fill(
      this.element,
      h("button", {
        type: "button",
        class: "bv-link bv-health-all",
        title: findings.length ? "All that rules found" : QUIET,
        onclick: this.#actions.list,
        text: `health: ${summary}`,
      }),
      now.slice(0, SHOWN).map((finding) => this.#found(finding)),
      now.length > SHOWN && h("span", { class: "bv-muted", text: `and ${now.length - SHOWN} more` }),
    );
    if (focused) this.element.querySelector("button")?.focus({ preventScroll: true });
  }

  #found(finding) {
    return h(
      "button",
      {
        type: "button",
        class: `bv-link bv-health-found bv-tone-${TONES[finding.level]}`,
        title: `${finding.rule}: ${finding.text}\nShow its chart`,
        onclick: () => this.#actions.show(finding),
      },
      icon("warning"),
      h("span", { text: `${shortText(spacedNumbers(finding.text))} (step ${formatCount(finding.step)})` }),
    );
  }
}

/** The whole list, for a drawer; it follows the run. */
export class HealthList {
  key = "health";
  title = "Health";
  element = h("div", { class: "bv-list" });
  #model;
  #show;
  #off;
  #drawn = "";

  /**
   * @param {import("./model.js").RunModel} model
   * @param {(finding: object) => void} reveal - shows the chart of a finding.
   */
  constructor(model, reveal) {
    this.#model = model;
    this.#show = reveal;
    this.#off = ["health", "catalogue"].map((event) => model.on(event, () => this.#draw()));
    this.#draw();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  #draw() {
    const { health: findings, rules } = this.#model;
    const mark = JSON.stringify([findings, rules, Object.keys(this.#model.catalogue?.series ?? {}).length]);
    if (mark === this.#drawn) return;
    this.#drawn = mark;
    const at = this.element.contains(document.activeElement) ? document.activeElement.dataset.rule : null;
    fill(
      this.element,
      findings.length
        ? findings.map((finding) => this.#row(finding))
        : h("p", { class: "bv-muted", text: "No rule has told of anything in this run." }),
      rulesText(findings, rules).map((text) => h("p", { class: "bv-hint bv-health-rules", text })),
    );
    [...this.element.querySelectorAll("button")].find((one) => one.dataset.rule === at)?.focus({ preventScroll: true });
  }

  #row(finding) {
    const stands = finding.level !== "ok";
    const panel = panelOf(finding, panelsOf(this.#model.catalogue));
    return h(
      "article",
      { class: `bv-item${stands ? "" : " bv-item-off"}`, "aria-label": finding.rule },
      h(
        "header",
        null,
        h("strong", { text: finding.rule }),
        h(
          "span",
          { class: `bv-tag bv-tone-${TONES[finding.level]}` },
          { bad: "bad", warning: "warning", ok: "stands no more" }[finding.level],
        ),
        h("span", { class: "bv-spring" }),
        h("span", { class: "bv-muted bv-number", text: timesOf(finding) }),
      ),
      h("p", { text: spacedNumbers(finding.text) }),
      finding.action && h("p", { class: "bv-tone-accent", text: finding.action }),
      panel
        ? h("button", {
            type: "button",
            class: "bv-link",
            dataset: { rule: finding.rule },
            text: `Show “${panel.title}”`,
            onclick: () => this.#show(finding),
          })
        : h("p", {
            class: "bv-hint",
            text: finding.series ? `No panel shows its series ${finding.series} now.` : "It names no series.",
          }),
    );
  }
}

/** Which rules watch, and which are there but do not. */
function rulesText(findings, rules) {
  const { calm, off } = rulesOf(findings, rules);
  return [
    calm.length && `Watching, and finding nothing: ${calm.join(", ")}.`,
    off.length && `Not watching, since they are off or have nothing to look at: ${off.join(", ")}.`,
  ].filter(Boolean);
}

function timesOf({ level, step, since }) {
  const from = `since step ${formatCount(since)}`;
  if (level === "ok") return `step ${formatCount(since)} to ${formatCount(step)}`;
  return step > since ? `${from}, last told at ${formatCount(step)}` : from;
}
