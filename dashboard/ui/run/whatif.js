// What if: a value tried for some steps from here and put back, both curves, then apply it or not; and a range test.
import { fill, h, setText } from "../dom.js";
import { formatCount, formatNumber, fromWire, spacedNumbers } from "../numbers.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { curvesChart, runsAwayAt } from "./curves.js";
import { numericOf, outcomeOf, verdictOf } from "./whatif-result.js";

const STEPS = 50;
const TEST_STEPS = 100;

/** The panel, for a drawer. */
export class WhatIf {
  key = "what-if";
  title = "What if";
  #model;
  #off;
  #name = h("select", { "aria-label": "Hyperparameter", onchange: () => this.#fillIn() });
  #now = h("span", { class: "bv-muted bv-whatif-now" });
  #value = number("Value to try");
  #steps = number("Steps", { value: String(STEPS), min: "1", step: "1" });
  #low = number("From");
  #high = number("To");
  #testSteps = number("Steps of the range test", { value: String(TEST_STEPS), min: "2", step: "1" });
  #words = new Words();
  #result = h("section", { class: "bv-whatif-result", "aria-label": "Result", "aria-live": "polite" });
  #try;
  #test;
  #names = "";
  #busy = false;
  #acts = []; // the buttons below a result
  element;

  /** @param {import("./model.js").RunModel} model */
  constructor(model) {
    this.#model = model;
    this.#try = button("Try it", () => this.#run(), { primary: true });
    this.#test = button("Range test", () => this.#runTest());
    const form = (submit, ...children) =>
      h("form", { class: "bv-whatif-form", onsubmit: (event) => (event.preventDefault(), submit()) }, ...children);
    this.element = h(
      "div",
      null,
      h("p", {
        class: "bv-muted",
        text: "Trains some steps from here with the present value and with another, on the same batches, and puts everything back. The run itself is untouched; it waits meanwhile.",
      }),
      form(
        () => this.#press(this.#try, () => this.#run()),
        field("What if", this.#name),
        this.#now,
        field("were", this.#value),
        field("for", this.#steps),
        h("span", { class: "bv-muted", text: "steps" }),
        this.#try,
      ),
      form(
        () => this.#press(this.#test, () => this.#runTest()),
        field("or from", this.#low),
        field("to", this.#high),
        field("in", this.#testSteps),
        h("span", { class: "bv-muted", text: "steps" }),
        this.#test,
      ),
      this.#words.element,
      this.#result,
    );
    this.#off = ["hyperparameters", "status", "connection"].map((event) => model.on(event, () => this.#draw()));
    this.#draw();
  }

  focus() {
    this.#value.focus();
  }

  destroy() {
    this.#off.forEach((off) => off());
  }

  #press(element, action) {
    if (element.getAttribute("aria-disabled") !== "true") action();
  }

  #draw() {
    const held = numericOf(this.#model.hyperparameters);
    const names = held.map(({ name }) => name).join("\n");
    if (names !== this.#names) {
      this.#names = names;
      const chosen = this.#name.value || held.find(({ name }) => /^lr/.test(name))?.name;
      fill(this.#name, held.map(({ name }) => h("option", { value: name, text: name })));
      if (chosen) this.#name.value = chosen;
      this.#fillIn();
    }
    this.#tellPresent();
    const reason =
      this.#model.refusal("tune") ||
      this.#model.abilities.what_if ||
      (held.length ? "" : "The run has no hyperparameter that is a number and may be set.") ||
      (this.#busy ? "One is tried now." : "");
    refuse(this.#try, reason);
    refuse(this.#test, reason);
    this.#acts.forEach((element) => refuse(element, this.#model.refusal("tune")));
    const stands = this.#model.abilities.what_if;
    if (stands && !this.#result.childElementCount && !this.#busy) this.#words.say(stands, "warn");
  }

  /** Fitting numbers to begin with: half the present value, and two decades on either side. */
  #fillIn() {
    const held = this.#held(this.#name.value);
    if (!held) return;
    this.#name.title = held.name; // a long one is cut in the box
    const present = Number(held.value);
    const short = (value) => String(Number(value.toPrecision(3)));
    this.#value.value = short(present / 2);
    const unit = held.scale === "unit";
    this.#low.value = short(unit ? 0.01 : present ? present / 100 : 1e-5);
    this.#high.value = short(unit ? 0.99 : present ? present * 100 : 1);
    this.#tellPresent();
  }

  #tellPresent() {
    const held = this.#held(this.#name.value);
    setText(this.#now, held ? `(now ${formatNumber(held.value)})` : "");
  }

  #held(name) {
    return this.#model.hyperparameters.find((one) => one.name === name);
  }

  async #run() {
    const [name, value, steps] = [this.#name.value, Number(this.#value.value), Number(this.#steps.value)];
    if (this.#value.value === "" || !Number.isFinite(value)) {
      this.#words.say(`Say which value of ${name} to try, as a number.`, "warn");
      return;
    }
    const reply = await this.#ask({ name, value, steps }, `Training ${formatCount(2 * steps)} steps and putting them back…`);
    if (reply) this.#showBoth(name, value, reply.data);
  }

  async #runTest() {
    const [name, low, high] = [this.#name.value, Number(this.#low.value), Number(this.#high.value)];
    if (!(low > 0 && high > low)) {
      this.#words.say("A range test goes from a number above 0 to a larger one.", "warn");
      return;
    }
    const steps = Number(this.#testSteps.value);
    const reply = await this.#ask({ name, low, high, steps }, `Training ${formatCount(steps)} steps and putting them back…`);
    if (reply) this.#showTest(name, reply.data);
  }

  async #ask(content, busy) {
    if (!Number.isInteger(content.steps) || content.steps < 1) {
      this.#words.say("Say how many steps, as a whole number from 1.", "warn");
      return undefined;
    }
    this.#busy = true;
    this.#draw();
    fill(this.#result);
    try {
      return await this.#words.follow(
        (signal) =>
          this.#model.request("whatIf", content, { signal, progress: (text) => this.#words.say(text, "busy") }),
        { busy },
      );
    } finally {
      this.#busy = false;
      this.#draw();
    }
  }

  #showBoth(name, value, data) {
    const names = [`${name} = ${formatNumber(data.held)} (now)`, `${name} = ${formatNumber(value)}`];
    const x = data.step;
    if (!data.other.length) {
      this.#words.say(data.note || "It gave no loss.", "warn");
      return;
    }
    fill(
      this.#result,
      curvesChart({
        curves: [
          { label: names[0], x: x.slice(0, data.present.length), y: data.present, colour: "s1" },
          { label: names[1], x: x.slice(0, data.other.length), y: data.other, colour: "s2" },
        ],
        xTitle: "step",
        yTitle: "loss",
      }),
      legend(names, ["s1", "s2"]),
      data.note && h("p", { class: "bv-tone-warn", text: spacedNumbers(data.note) }),
      h("p", { text: `${verdictOf(outcomeOf(data), names)} All is put back.` }),
      this.#decide(name, () => value),
    );
  }

  #showTest(name, data) {
    const losses = data.other;
    if (!losses.length) {
      this.#words.say(data.note || "It gave no loss.", "warn");
      return;
    }
    const picked = h("p", { text: "Click a point of the curve, or use the arrow keys, to choose a value." });
    let chosen = null;
    const decide = this.#decide(name, () => chosen);
    decide.hidden = true;
    // What comes after would press all that is of use to a line at the bottom.
    const kept = runsAwayAt(losses);
    const away =
      kept < losses.length &&
      h("p", {
        class: "bv-muted",
        text: `From ${name} = ${formatNumber(data.value[kept])} on the loss runs away (up to ${formatNumber(greatest(losses))}); that is not drawn.`,
      });
    fill(
      this.#result,
      curvesChart({
        curves: [{ label: "loss", x: data.value.slice(0, kept), y: losses.slice(0, kept), colour: "s2" }],
        xLog: true,
        xTitle: name,
        yTitle: "loss",
        pick: (value, loss) => {
          chosen = Number(value.toPrecision(3));
          decide.hidden = false;
          picked.textContent = `${name} = ${formatNumber(chosen)}, where the loss was ${formatNumber(loss)}. A third to a tenth of where it turns up is the usual choice.`;
        },
      }),
      away,
      data.note && h("p", { class: "bv-tone-warn", text: spacedNumbers(data.note) }),
      picked,
      decide,
    );
  }

  /** *Apply this value* and *Discard*, for what was tried. */
  #decide(name, value) {
    const words = new Words();
    const apply = button(
      "Apply this value",
      async () => {
        const before = this.#held(name)?.value;
        const reply = await this.#set(words, name, value(), "after a what-if");
        if (!reply) return;
        const undo = button(`Undo: ${formatNumber(before)} again`, () => this.#set(words, name, before, "undone"));
        this.#acts.push(undo);
        row.append(undo);
        this.#draw();
      },
      { primary: true },
    );
    this.#acts = [apply];
    this.#draw();
    const row = h(
      "div",
      { class: "bv-row bv-actions" },
      apply,
      button("Discard", () => {
        fill(this.#result);
        this.#words.say("Discarded; the run is as it was.");
      }),
      words.element,
    );
    return row;
  }

  #set(words, name, value, reason) {
    return words.follow((signal) => this.#model.request("setHyperparameter", { name, value, reason }, { signal }), {
      busy: "At the next step…",
      done: ({ data, step }) =>
        `${name} is ${formatNumber(data?.applied ?? value)}${step === null ? "" : ` since step ${formatCount(step)}`}.`,
    });
  }
}

function legend(names, colours) {
  return h(
    "ul",
    { class: "bv-curves-legend" },
    names.map((name, i) => h("li", { class: `bv-curve-${i}`, style: { color: `var(--bv-${colours[i]})` } }, h("span", { text: name }))),
  );
}

function number(label, more = {}) {
  return h("input", { type: "number", step: "any", "aria-label": label, class: "bv-short", ...more });
}

function field(text, control) {
  return h("label", { class: "bv-field" }, h("span", { text }), control);
}

/** The greatest of losses; infinite where one is no number any more. */
function greatest(losses) {
  return losses.map(fromWire).reduce((most, loss) => (loss <= most ? most : Number.isNaN(loss) ? Infinity : loss), -Infinity);
}
