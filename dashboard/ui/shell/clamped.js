// A text that may be long: a few lines of it, and the rest when it is asked for.
import { h, setText, show } from "../dom.js";
import { spacedNumbers } from "../numbers.js";

/** Put `element` where the text is to stand; it keeps whether it was opened. */
export class Clamped {
  #text = h("div", { class: "bv-clamped-text" });
  #more = h("button", {
    type: "button",
    class: "bv-link",
    text: "more",
    "aria-expanded": "false",
    hidden: true,
    onclick: () => this.#open(this.#more.getAttribute("aria-expanded") !== "true"),
  });
  #watcher = new ResizeObserver(() => this.#look());
  element = h("div", { class: "bv-clamped" }, this.#text, this.#more);

  constructor() {
    this.#watcher.observe(this.#text);
  }

  /** Says a text in place of the one before. */
  say(text) {
    setText(this.#text, spacedNumbers(text));
    this.#look();
  }

  destroy() {
    this.#watcher.disconnect();
  }

  #open(open) {
    this.element.classList.toggle("bv-clamped-open", open);
    this.#more.setAttribute("aria-expanded", String(open));
    setText(this.#more, open ? "less" : "more");
    this.#look();
  }

  /** Only what is cut needs a way to the rest. */
  #look() {
    const open = this.#more.getAttribute("aria-expanded") === "true";
    show(this.#more, open || this.#text.scrollHeight > this.#text.clientHeight + 1);
  }
}
