// A change on a lease: what ends it, how long that is, and the button that keeps it.
import { h, setText, show } from "../dom.js";
import { button, refuse, Words } from "../shell/buttons.js";
import { leaseText } from "./lease-text.js";

/** A line below a hyperparameter while its change is on a lease. */
export class LeaseLine {
  #model;
  #name;
  #text = h("span", { class: "bv-number" });
  #keep;
  #words = new Words();
  element;

  constructor(model, name) {
    this.#model = model;
    this.#name = name;
    this.#keep = button("Keep", () => this.#keepIt());
    this.element = h("div", { class: "bv-row bv-lease", hidden: true }, this.#text, this.#keep, this.#words.element);
  }

  update({ lease }) {
    show(this.element, Boolean(lease) || Boolean(this.#words.element.textContent.trim()));
    show(this.#keep, Boolean(lease));
    setText(this.#text, lease ? leaseText(lease, this.#model.status?.step ?? 0) : "");
    refuse(this.#keep, this.#model.refusal("tune"));
  }

  async #keepIt() {
    await this.#words.follow((signal) => this.#model.request("keepChange", { name: this.#name }, { signal }), {
      busy: "Keeping it…",
      done: () => "It stays.",
    });
    setTimeout(() => {
      this.#words.clear();
      show(this.element, !this.#keep.hidden);
    }, 4000);
  }
}
