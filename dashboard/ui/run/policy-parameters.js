// The form of a named policy, made from its parameters and their defaults.
import { withCode } from "../code-words.js";
import { fill, h } from "../dom.js";
import { parseValue } from "./scales.js";
import { numberText } from "./value-field.js";

/** The parameter that says from which step on a policy counts. */
const BEGIN = "begin";
const BEGINS_NOW = "Unless you put another, it is the present step when it is armed; 0 counts from the run's first.";

/** Fields for a named policy's parameters. */
export class PolicyParameters {
  #fields = new Map();
  #begin = null; // the control of `begin`, while it is the present step because nobody has put another
  #onChange;
  element = h("div", { class: "bv-form bv-policy-form", role: "group", "aria-label": "Parameters" });

  /** @param {() => void} onChange */
  constructor(onChange) {
    this.#onChange = onChange;
  }

  /**
   * Makes the fields anew.
   *
   * @param {Record<string, *>} defaults - what the policy has where nothing is given; says the types too.
   * @param {Record<string, *>} [given] - the values of one that is armed.
   * @param {Record<string, string>} [about] - what each is for.
   * @param {number} [step] - the present one, at which one that is not armed begins.
   */
  show(defaults, given, about = {}, step = 0) {
    this.#fields.clear();
    for (const [name, standard] of Object.entries(defaults)) {
      this.#fields.set(name, { standard, control: this.#control(name, standard, given?.[name] ?? standard) });
    }
    const begin = this.#fields.get(BEGIN);
    this.#begin = !given && begin?.standard === 0 ? begin.control : null;
    this.beginAt(step);
    fill(
      this.element,
      [...this.#fields].map(([name, { control }]) =>
        h(
          "label",
          { class: "bv-field bv-explained" },
          h("span", { text: name.replaceAll("_", " "), title: name }),
          control,
          about[name] && h("small", { class: "bv-hint" }, withCode(about[name])),
          control === this.#begin && h("small", { class: "bv-hint bv-begins-now", text: BEGINS_NOW }),
        ),
      ),
    );
  }

  /** The present moves on: what nobody has put a beginning for begins there. */
  beginAt(step) {
    if (this.#begin && this.#begin !== document.activeElement) this.#begin.value = numberText(step);
  }

  /** It is armed: its beginning stays. */
  armed() {
    this.#begin = null;
  }

  /** What stands in the fields, be it right or not. */
  texts() {
    return [...this.#fields.values()].map(({ control }) => (control.type === "checkbox" ? control.checked : control.value));
  }

  /** @returns {{value: Record<string, *>}|{problem: string}} */
  read() {
    const value = {};
    for (const [name, { standard, control }] of this.#fields) {
      if (typeof standard === "boolean") {
        value[name] = control.checked;
        continue;
      }
      if (standard === null && !control.value.trim()) continue; // none is the default
      const kind = typeof standard === "string" ? "str" : "float";
      const read = parseValue(control.value, kind);
      if ("problem" in read) return { problem: `${name}: ${read.problem}` };
      value[name] = read.value;
    }
    return { value };
  }

  #control(name, standard, value) {
    const title = standard === null ? "none by default" : `${standard} by default`;
    if (typeof standard === "boolean") {
      const box = h("input", { type: "checkbox", "aria-label": name, title, onchange: this.#onChange });
      box.checked = Boolean(value);
      return box;
    }
    return h("input", {
      type: "text",
      inputmode: typeof standard === "string" ? "text" : "decimal",
      class: "bv-number",
      "aria-label": name,
      autocomplete: "off",
      value: numberText(value),
      title,
      oninput: (event) => {
        if (event.currentTarget === this.#begin) this.#begin = null;
        this.#onChange();
      },
    });
  }
}
