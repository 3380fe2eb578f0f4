// Small cards at the foot of the page: something happened, perhaps with a thing to do about it. They hide no curve.
import { h } from "../dom.js";
import { button } from "./buttons.js";

/** The pile of notices of a page. */
export class Notices {
  element = h("div", { class: "bv-notices", role: "region", "aria-label": "Notices", "aria-live": "polite" });
  #byKey = new Map();

  /**
   * Shows a notice.
   *
   * @param {string} text
   * @param {{key?: string, tone?: string, actions?: [string, () => void][], seconds?: number}} [options] - a notice with the key of one
   *   that is there takes its place; `seconds` after which it goes by itself (not while the pointer or the focus is on it).
   * @returns {() => void} what takes it away.
   */
  add(text, { key, tone = "info", actions = [], seconds } = {}) {
    this.#byKey.get(key)?.();
    let timer;
    const remove = () => {
      clearTimeout(timer);
      card.remove();
      if (key && this.#byKey.get(key) === remove) this.#byKey.delete(key);
    };
    const card = h(
      "div",
      { class: "bv-notice", dataset: { tone } },
      h("p", { text }),
      actions.map(([label, action]) =>
        button(label, () => {
          remove();
          action();
        }),
      ),
      button("Dismiss", remove, { icon: "close", bare: true }),
    );
    const arm = () => {
      clearTimeout(timer);
      if (seconds) timer = setTimeout(remove, seconds * 1000);
    };
    const hold = () => clearTimeout(timer);
    card.addEventListener("pointerenter", hold);
    card.addEventListener("pointerleave", arm);
    card.addEventListener("focusin", hold);
    card.addEventListener("focusout", arm);
    arm();
    if (key) this.#byKey.set(key, remove);
    this.element.append(card);
    return remove;
  }

  drop(key) {
    this.#byKey.get(key)?.();
  }
}
