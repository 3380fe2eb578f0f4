// The form below a hyperparameter's line: a value or a factor, for one group or all, now or at a step, for good or on a lease.
import { h, setText, show } from "../dom.js";
import { button, refuse } from "../shell/buttons.js";
import { Change } from "./change.js";
import { farText } from "./far-off.js";
import { ValueField } from "./value-field.js";
import { factorWords, groupIn, isScalable } from "./steered.js";
import { aboutKind, plainValue } from "./values.js";

/** Give it a hyperparameter's info whenever there is a new one. */
export class HyperparameterEdit {
  #model;
  #info;
  #target;
  #field;
  #change;
  #mode = "override";
  #modes = new Map();
  #modeRow;
  #group;
  #at = numberInput("at step", "now");
  #steps = numberInput("steps of the lease", "steps");
  #rise = numberInput("rise of the loss", "0.5");
  #reason = h("input", { type: "text", placeholder: "for the journal", "aria-label": "Reason", autocomplete: "off" });
  #about = h("p", { class: "bv-hint" });
  #apply;
  #release;
  #policy;
  #armed = null;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {object} info
   * @param {{close: () => void, policy: () => void}} actions
   */
  constructor(model, info, actions) {
    this.#model = model;
    this.#info = info;
    const names = model.hyperparameters.map((one) => one.name);
    this.#target = groupIn(info.name, names);
    this.#field = new ValueField(info, { enter: () => this.#applyIt(), remark: (value) => this.#far(value) });
    this.#change = new Change(model);
    this.#group = this.#groupChoice(names);
    for (const [mode, text] of [
      ["override", "set to"],
      ["scale", factorWords(info.scheduled)],
    ]) {
      const chip = h("button", {
        type: "button",
        role: "radio",
        class: "bv-chip",
        text,
        onclick: () => chip.getAttribute("aria-disabled") !== "true" && this.#choose(mode),
      });
      this.#modes.set(mode, chip);
    }
    this.#modeRow = h(
      "div",
      { class: "bv-chips", role: "radiogroup", "aria-label": "How" },
      [...this.#modes.values()],
      this.#group,
    );
    this.#apply = button("Apply", () => this.#applyIt(), { primary: true });
    this.#release = button("Release", () => this.#change.release(this.#name()));
    this.#policy = button("Policy…", actions.policy);
    this.element = h(
      "form",
      {
        class: "bv-hyper-form",
        "aria-label": `Change ${info.name}`,
        onsubmit: (event) => event.preventDefault(),
        onkeydown: (event) => {
          if (event.key !== "Escape" || event.defaultPrevented) return;
          event.stopPropagation();
          actions.close();
        },
      },
      this.#modeRow,
      this.#field.element,
      this.#about,
      h(
        "details",
        { class: "bv-fold" },
        h("summary", { text: "When, for how long, why" }),
        h(
          "div",
          { class: "bv-hyper-more" },
          line("At step", this.#at, "empty: at the next one"),
          line("Back after", this.#steps, "steps, unless I keep it"),
          line("Back if the loss rises by", this.#rise, "over its mean of the 50 steps before", RISE),
          line("Reason", this.#reason, ""),
        ),
      ),
      h("div", { class: "bv-row bv-actions" }, this.#apply, this.#release, this.#policy),
      this.#change.element,
    );
    const float = info.kind === "float";
    show(this.#modeRow, float || !this.#group.hidden);
    this.#modes.forEach((chip) => show(chip, float));
    this.#choose(info.mode === "scale" ? "scale" : "override");
  }

  focus() {
    this.#field.focus();
  }

  /** Follows the run; what is being typed stays. */
  update(info, policy) {
    this.#info = info;
    this.#armed = policy;
    const scheduled = info.scheduled;
    // What is shown is for the form's whole life: a row that came by itself would push the buttons away under the hand.
    refuse(this.#modes.get("scale"), isScalable(info) ? "" : "Nothing to multiply: only the script has set it.");
    setText(this.#modes.get("scale"), factorWords(scheduled));
    // What moves by itself would have the sentence change under the eye: it is said as it was when it was typed.
    if (!this.#field.touched) this.#showPresent();
    else if (info.owner !== "scheduler" && info.owner !== "policy") this.#field.remark();
    const kind = aboutKind(info);
    setText(
      this.#about,
      this.#mode === "scale" ? `A factor on what the ${scheduled ? "scheduler" : "script"} says, now ${plainValue(info.base)}. ${kind}` : kind,
    );
    const reason = info.settable || this.#model.refusal("tune");
    refuse(this.#apply, reason);
    refuse(this.#release, reason || releaseRefusal(info));
    setText(this.#policy.querySelector("span"), policy ? "Edit its policy…" : "Policy…");
    const number = info.kind === "float" || info.kind === "int";
    refuse(this.#policy, this.#model.refusal("view") || (number ? "" : "A policy gives numbers; this is none."));
    this.#change.update();
  }

  destroy() {
    this.#change.destroy();
  }

  #choose(mode) {
    this.#mode = mode;
    for (const [key, chip] of this.#modes) chip.setAttribute("aria-checked", String(key === mode));
    const scale = mode === "scale";
    const about = scale ? { kind: "float", scale: "log", low: 0.01, high: 100, unit: "" } : this.#info;
    this.#field.about(about, scale ? "Factor" : "Value");
    this.#showPresent();
    this.update(this.#info, this.#armed);
  }

  #showPresent() {
    const { mode, requested, value } = this.#info;
    if (this.#mode === "scale") this.#field.show(mode === "scale" ? requested : 1);
    else this.#field.show(Array.isArray(value) ? value[0] : value);
  }

  /** What is said of a value that lies far from the one in force: nobody is kept from it. */
  #far(value) {
    const { value: present, base } = this.#model.hyperparameters.find((one) => one.name === this.#name()) ?? this.#info;
    if (this.#mode !== "scale") return farText(value, present);
    const far = [base ?? present].flat().map((one, at) => farText(one * value, [present].flat()[at] ?? present, { factor: value }));
    // What is near for one of the groups is not far off.
    return far.includes("") ? "" : far[0];
  }

  #groupChoice(names) {
    const [name, group] = this.#target;
    const groups = names.map((one) => groupIn(one, names)).filter(([parent, number]) => parent === name && number !== null);
    const element = h(
      "select",
      { "aria-label": "Parameter group", onchange: () => this.#field.remark() },
      h("option", { value: "", text: "all groups" }),
      groups.map(([, number]) => h("option", { value: String(number), text: `group ${number}` })),
    );
    element.value = group === null ? "" : String(group);
    show(element, groups.length > 0);
    return element;
  }

  /** The name that is meant: with its group where one is chosen. */
  #name() {
    return this.#group.value === "" ? this.#target[0] : `${this.#target[0]}[${this.#group.value}]`;
  }

  #applyIt() {
    const reason = this.#info.settable || this.#model.refusal("tune");
    const given = reason ? { problem: reason } : this.#content();
    // What is wrong with the value stands below it already, as it was typed: said once, and there.
    this.#change.say(given.ofValue ? "" : (given.problem ?? ""), "warn");
    if (given.ofValue) this.#field.complain(given.problem);
    else if (!given.problem) this.#sendIt(given);
  }

  async #sendIt(content) {
    if (await this.#change.set(content, this.#name())) {
      this.#field.touched = false;
      for (const input of [this.#at, this.#steps, this.#rise, this.#reason]) input.value = "";
    }
  }

  /** What goes into the request, or `{problem}`. */
  #content() {
    const value = this.#field.read();
    if ("problem" in value) return { ...value, ofValue: true };
    const at = whole(this.#at.value, "“At step”");
    const steps = whole(this.#steps.value, "The length of a lease");
    const rise = positive(this.#rise.value);
    const wrong = [at, steps, rise].find((one) => one.problem);
    if (wrong) return wrong;
    const lease = steps.value || rise.value ? { steps: steps.value, loss_rise: rise.value } : null;
    return {
      name: this.#target[0],
      group: this.#group.value === "" ? null : Number(this.#group.value),
      value: value.value,
      mode: this.#mode,
      at: at.value,
      lease,
      reason: this.#reason.value.trim(),
    };
  }
}

function releaseRefusal({ owner }) {
  if (owner === "person") return "";
  return owner === "policy"
    ? "A policy holds it: disarm that under Policies."
    : "Nothing to release: nobody has set it by hand.";
}

function whole(text, what) {
  if (!text.trim()) return { value: null };
  const value = Number(text);
  return Number.isInteger(value) && value > 0 ? { value } : { problem: `${what} is a whole number of steps; got ${text}.` };
}

function positive(text) {
  if (!text.trim()) return { value: null };
  const value = Number(text);
  return value > 0 ? { value } : { problem: `The rise of the loss is a number above 0; got ${text}.` };
}

function numberInput(label, hint) {
  return h("input", { type: "text", inputmode: "decimal", placeholder: hint, "aria-label": label, autocomplete: "off" });
}

/** What the number of a lease on the loss is of; as the session has it. */
const RISE =
  "In the loss's own units, no share of it: with 0.5 and a mean of 0.9 over the 50 steps before the change, it goes back once the loss is above 1.4. The loss is smoothed for that: one bad batch ends no lease.";

function line(label, control, after, title = null) {
  return h(
    "label",
    { class: "bv-field", title },
    h("span", { text: label }),
    control,
    after && h("span", { class: "bv-muted", text: after }),
  );
}

