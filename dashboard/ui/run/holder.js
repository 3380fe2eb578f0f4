// The chip that says who holds a hyperparameter: a word and a colour.
import { h, setText, setTitle } from "../dom.js";

/** An empty chip. */
export function holderChip() {
  return h("span", { class: "bv-holder" });
}

/** Writes a holder into its chip. */
export function showHolder(chip, { kind, text, title }) {
  chip.dataset.kind = kind;
  setText(chip, text);
  setTitle(chip, title);
}
