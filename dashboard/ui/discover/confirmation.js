// The question before an installation: exactly this wheel, by its hash, and what comes along.
import { fill, h, show } from "../dom.js";
import { formatCount } from "../numbers.js";
import { button, refuse } from "../shell/buttons.js";
import { sourceText, standingOf } from "./words.js";

/** It stands in the details, under the buttons; nothing is covered. */
export class Confirmation {
  #go;
  #dependencies = h("input", { type: "checkbox", onchange: () => this.#refuse() });
  #missing = false; // whether something has to come along
  #reason = "";
  element = h("section", { class: "bv-confirm", "aria-label": "Install exactly this?", hidden: true });

  /** @param {(options: {dependencies: boolean}) => void} install */
  constructor(install) {
    this.#go = button("Install exactly this", () => install({ dependencies: this.#dependencies.checked }), { primary: true });
  }

  /** @param {object} said - the inspection. */
  open(said) {
    const { name, version, source, hash, files = [] } = said;
    const { missing } = standingOf(said);
    const code = files.filter(({ runs }) => runs).length;
    this.#dependencies.checked = false; // nothing comes along unasked
    this.#missing = missing.length > 0;
    this.#refuse();
    fill(
      this.element,
      h("h3", { text: `Install ${name} ${version} ${sourceText(source)}?` }),
      hash
        ? h("p", null, "The wheel with the SHA-256 ", h("code", { class: "bv-hash", text: hash }), ", and no other.")
        : h("p", { class: "bv-tone-warn", text: "The hash of its wheel is not known: what comes may be another one." }),
      h("p", {
        text: `It goes into a folder of this run's own; nothing else in the environment changes. ${code ? `${formatCount(code)} ${code === 1 ? "file" : "files"} of code` : "Its code"} will then run inside the training, from the next step on.`,
      }),
      missing.length > 0 &&
        h(
          "label",
          { class: "bv-check" },
          this.#dependencies,
          h("span", { text: `with what it needs and is missing: ${missing.join(", ")}` }),
        ),
      h("div", { class: "bv-row" }, this.#go, button("Cancel", () => this.close())),
    );
    show(this.element, true);
    this.#go.focus({ preventScroll: true });
    this.element.scrollIntoView({ block: "nearest" });
  }

  close() {
    show(this.element, false);
  }

  /** Greys the button with a reason, or gives it back. */
  refuse(reason) {
    this.#reason = reason;
    this.#refuse();
  }

  #refuse() {
    const unasked = this.#missing && !this.#dependencies.checked;
    refuse(this.#go, this.#reason || (unasked ? "It needs what is missing: tick that it comes along." : ""));
  }
}
