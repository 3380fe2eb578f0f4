// Small cards at the foot of the page: something happened, perhaps with a thing to do about it. They hide no curve.
import { h } from "../dom.js";
import { spacedNumbers } from "../numbers.js";
import { button, refuse } from "./buttons.js";

const MOST = 4; // cards at a time: more would hide curves
const STAYS = { info: 12, good: 8, bad: 15 }; // seconds, by tone; with something to do about it, as long again

/** The pile of notices of a page. What matters for longer stands elsewhere too: in the strip, the journal, a list. */
export class Notices {
  element = h("div", { class: "bv-notices", role: "region", "aria-label": "Notices", "aria-live": "polite" });
  #byKey = new Map();

  /**
   * Shows a notice.
   *
   * @param {string} text
   * @param {{key?: string, tone?: string, actions?: [string, () => void, (() => string)?, string?][], seconds?: number}} [options]
   *   the third of an action says why it cannot be done now (`""` when it can), the fourth names it where its text alone does not; a notice
   *   with the key of one that is there takes its place, and so does one with the same text; `seconds` after which it goes by itself (not
   *   while the pointer or the focus is on it).
   * @returns {() => void} what takes it away.
   */
  add(text, { key = text, tone = "info", actions = [], seconds } = {}) {
    this.#byKey.get(key)?.();
    const stays = seconds ?? (STAYS[tone] ?? STAYS.info) * (actions.length ? 2 : 1);
    const acts = [];
    let timer;
    const remove = () => {
      clearTimeout(timer);
      card.remove();
      if (this.#byKey.get(key) === remove) this.#byKey.delete(key);
    };
    const card = h(
      "div",
      { class: "bv-notice", dataset: { tone } },
      h("p", { text: spacedNumbers(text) }),
      actions.map(([label, action, refusal, name]) => {
        const element = button(label, () => {
          remove();
          action();
        });
        if (name) element.setAttribute("aria-label", name); // several may stand there
        if (refusal) acts.push([element, refusal]);
        return element;
      }),
      button("Dismiss", remove, { icon: "close", bare: true }),
    );
    remove.card = card;
    remove.refuse = () => acts.forEach(([element, refusal]) => refuse(element, refusal()));
    remove.refuse();
    const arm = () => {
      clearTimeout(timer);
      timer = setTimeout(remove, stays * 1000);
    };
    const hold = () => clearTimeout(timer);
    card.addEventListener("pointerenter", hold);
    card.addEventListener("pointerleave", arm);
    card.addEventListener("focusin", hold);
    card.addEventListener("focusout", arm);
    arm();
    this.#byKey.set(key, remove);
    this.element.append(card);
    this.#thin();
    return remove;
  }

  /** The oldest go, but for the one that the person is at. */
  #thin() {
    for (const [key, remove] of [...this.#byKey]) {
      if (this.element.childElementCount <= MOST) return;
      if (!remove.card.matches(":hover, :focus-within")) this.drop(key);
    }
  }

  /** Greys what cannot be done any more on the notices that are there, with the reasons. */
  refuse() {
    this.#byKey.forEach((remove) => remove.refuse());
  }

  /** Takes a notice away. */
  drop(key) {
    this.#byKey.get(key)?.();
  }
}
