// A value that is typed or set on a slider; both show the same.
import { fill, h, setText, show } from "../dom.js";
import { outOfBounds, parseValue, sliderScale } from "./scales.js";

const FINE = 1000; // positions of a slider

/** A field with a slider where one fits; a switch for what is true or false. */
export class ValueField {
  touched = false;
  #about;
  #scale = null;
  #label = h("span", { class: "bv-hyper-field-label" });
  #row = h("label", { class: "bv-field" });
  #input;
  #switch;
  #slider;
  #ends = h("span", { class: "bv-hint bv-number bv-hyper-ends" });
  #problem = h("span", { class: "bv-words", role: "status", dataset: { tone: "warn" } });
  #remark;
  #shown = { text: "", value: null }; // the value that nobody typed, and how it stands in the field

  /**
   * @param {object} about - kind, scale, low, high, unit.
   * @param {{enter: () => void, remark?: (value: *) => string}} actions - `remark`: what is to be said of a value that is
   *   accepted all the same, below the field.
   */
  constructor(about, { enter, remark = () => "" }) {
    this.#remark = remark;
    this.#input = h("input", {
      type: "text",
      inputmode: about.kind === "float" || about.kind === "int" ? "decimal" : "text",
      class: "bv-hyper-input bv-number",
      autocomplete: "off",
      spellcheck: "false",
      oninput: () => this.#typed(),
      onkeydown: (event) => {
        if (event.key !== "Enter") return;
        event.preventDefault();
        enter();
      },
    });
    this.#switch = h(
      "select",
      { onchange: () => (this.touched = true) },
      h("option", { value: "true", text: "true" }),
      h("option", { value: "false", text: "false" }),
    );
    this.#slider = h("input", {
      type: "range",
      min: "0",
      max: String(FINE),
      step: "1",
      class: "bv-hyper-slider",
      oninput: () => this.#slid(),
    });
    this.element = h(
      "div",
      { class: "bv-hyper-field" },
      this.#row,
      h("div", { class: "bv-hyper-slide" }, this.#slider, this.#ends),
      this.#problem,
    );
    this.about(about, "Value");
  }

  /** What is asked for now. */
  about(about, label) {
    this.#about = about;
    this.#scale = null;
    this.touched = false;
    setText(this.#label, label);
    const control = about.kind === "bool" ? this.#switch : this.#input;
    control.setAttribute("aria-label", label);
    fill(this.#row, this.#label, control);
    this.#slider.setAttribute("aria-label", `${label} on a slider`);
  }

  focus() {
    const element = this.#about.kind === "bool" ? this.#switch : this.#input;
    element.focus({ preventScroll: true });
    element.select?.();
  }

  /** Shows a value that nobody typed. */
  show(value) {
    // Under the hand it stands still: what is typed next replaces what is selected there, and would be added to another.
    if (document.activeElement === this.#input && this.#shown.text) return;
    this.#switch.value = String(value === true);
    // Six digits fit into the field; the others stay meant until something else is typed.
    this.#shown = { text: shortText(value), value };
    if (this.#input.value !== this.#shown.text) this.#input.value = this.#shown.text;
    const exact = numberText(value);
    this.#input.title = exact === this.#shown.text ? "" : exact;
    const number = Number(value);
    if (!this.#scale && (this.#about.kind === "float" || this.#about.kind === "int")) {
      // Made once: a scale that moved under the hand could not be aimed with.
      this.#scale = sliderScale(this.#about, number);
      if (this.#scale) setText(this.#ends, `${numberText(this.#scale.low)} … ${numberText(this.#scale.high)}`);
    }
    show(this.#slider.parentElement, this.#scale !== null);
    this.#slide(number);
    this.#tell("");
  }

  /** Says anew what there is to say of what is typed: what it is compared with has moved, or is another. */
  remark() {
    const read = this.touched ? this.read() : {};
    if ("value" in read) this.#tell("", this.#remark(read.value));
  }

  /** Says below the value why it is refused, and has it typed again. */
  complain(problem) {
    this.#tell(problem);
    this.focus();
  }

  /** @returns {{value: *}|{problem: string}} */
  read() {
    if (this.#about.kind === "bool") return { value: this.#switch.value === "true" };
    const { text, value } = this.#shown;
    if (typeof value === "number" && Number.isFinite(value) && this.#input.value === text) return { value };
    const read = parseValue(this.#input.value, this.#about.kind);
    const outside = "value" in read ? outOfBounds(read.value, this.#about) : "";
    return outside ? { problem: outside } : read;
  }

  #typed() {
    this.touched = true;
    const read = this.read();
    this.#tell(this.#input.value.trim() ? (read.problem ?? "") : "");
    if ("value" in read) this.#slide(Number(read.value));
    this.remark();
  }

  #slid() {
    this.touched = true;
    this.#input.value = numberText(this.#scale.toValue(Number(this.#slider.value) / FINE));
    this.#slider.setAttribute("aria-valuetext", this.#input.value);
    this.#tell("");
    this.remark();
  }

  #tell(problem, remark = "") {
    setText(this.#problem, problem || remark);
    if (problem) this.#input.setAttribute("aria-invalid", "true");
    else this.#input.removeAttribute("aria-invalid");
  }

  #slide(number) {
    if (!this.#scale || Number.isNaN(number)) return;
    this.#slider.value = String(Math.round(this.#scale.toPosition(number) * FINE));
    this.#slider.setAttribute("aria-valuetext", this.#input.value);
  }
}

/** Every digit of a number as it would be typed. */
export function numberText(value) {
  if (typeof value !== "number") return value === null || value === undefined ? "" : String(value);
  const text = String(value);
  const size = Math.abs(value);
  return size !== 0 && size < 1e-3 && !text.includes("e") ? value.toExponential().replace("e+", "e") : text;
}

/** A computed number in six digits; what is short enough stands as it is. */
export function shortText(value) {
  const text = numberText(value);
  if (typeof value !== "number" || !Number.isFinite(value) || Number.isInteger(value) || text.length <= 10) return text;
  return numberText(Number(value.toPrecision(6)));
}
