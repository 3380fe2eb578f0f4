// The list of names in scope beside the code, with a word on each; a click puts the name into the code.
import { h } from "../dom.js";

const ALWAYS = [
  { name: "torch", help: "PyTorch" },
  { name: "np", help: "numpy" },
  { name: "math", help: "Python's math" },
];

/**
 * @param {{name: string, help: string, available?: string}[]} names - `catalogue.arguments`.
 * @param {(name: string) => void} insert
 * @param {{always?: object[], open?: boolean}} [options] - `always`: what is there beside them.
 */
export function scopeList(names, insert, { always = ALWAYS, open = true } = {}) {
  return h(
    "details",
    { class: "bv-fold bv-scope", open },
    h("summary", { text: "Names in scope" }),
    h(
      "ul",
      null,
      [...names, ...always.filter((one) => !names.some(({ name }) => name === one.name))].map(
        ({ name, help, available }) =>
          h(
            "li",
            { class: available ? "bv-unavailable" : null },
            h("button", {
              type: "button",
              class: "bv-link bv-code",
              text: name,
              title: available || `Put ${name} into the code`,
              onclick: () => insert(name),
            }),
            h("span", { text: available || help, title: available ? help : null }),
          ),
      ),
    ),
  );
}
