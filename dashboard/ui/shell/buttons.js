// Buttons that say why they cannot be pressed, and words about what an action did.
import { h, setText, show } from "../dom.js";
import { formatDuration, spacedNumbers } from "../numbers.js";
import { icon } from "./icons.js";

/**
 * A button.
 *
 * @param {string} label - its text, and its name for screen readers.
 * @param {() => void} action - not called while the button is refused.
 * @param {{icon?: string, bare?: boolean, primary?: boolean, danger?: boolean, key?: string, title?: string}} [options] - `bare`: only the
 *   drawing is seen; `key`: the key that does the same.
 */
export function button(label, action, options = {}) {
  const key = options.key ? ` (${options.key})` : "";
  const element = h(
    "button",
    {
      type: "button",
      class: ["bv-button", options.primary && "bv-primary", options.danger && "bv-danger", options.bare && "bv-bare"]
        .filter(Boolean)
        .join(" "),
      "aria-label": options.bare ? label : null,
      "aria-keyshortcuts": options.key || null,
      title: options.title ?? (options.bare || key ? label + key : null),
      onclick: (event) => {
        if (element.getAttribute("aria-disabled") !== "true") action(event);
      },
    },
    options.icon && icon(options.icon),
    !options.bare && h("span", { text: label }),
  );
  element.dataset.title = element.title;
  return element;
}

/** Greys a button with the reason in its title, or gives it back (`""`). It stays in the tab order, so the reason can be read. */
export function refuse(element, reason) {
  if ((element.dataset.reason ?? "") === reason) return;
  element.dataset.reason = reason;
  if (reason) element.setAttribute("aria-disabled", "true");
  else element.removeAttribute("aria-disabled");
  element.title = reason || element.dataset.title || "";
  if (reason) element.setAttribute("aria-description", reason);
  else element.removeAttribute("aria-description");
}

/** A place for words about an action: that it is under way, what it did, or why it failed. */
export class Words {
  #text = h("span", { class: "bv-words-text" });
  #elapsed = h("span", { class: "bv-number", "aria-hidden": "true" }); // not read out: each second would be
  #cancel = h("button", { type: "button", class: "bv-link", text: "Stop waiting", hidden: true });
  #timers = [];
  element = h("span", { class: "bv-words", role: "status" }, this.#text, this.#elapsed, " ", this.#cancel);

  /**
   * Follows an action: progress after 300 ms, a way out after 3 s, then what it did or why not.
   *
   * @template T
   * @param {(signal: AbortSignal) => Promise<T>} work
   * @param {{busy: string, timed?: boolean, done?: (result: T) => string, failed?: (error: Error) => string}} texts - `timed`: the
   *   seconds that have passed stand beside it, for what takes long.
   * @returns {Promise<T|undefined>} the result; `undefined` when it failed, which has then been said.
   */
  async follow(work, { busy, timed = false, done, failed }) {
    const controller = new AbortController();
    this.clear();
    this.#timers = [setTimeout(() => this.say(busy, "busy"), 300), setTimeout(() => show(this.#cancel, true), 3000)];
    if (timed) this.#timers.push(this.#count());
    this.#cancel.onclick = () => controller.abort();
    try {
      const result = await work(controller.signal);
      this.clear();
      const text = done?.(result);
      if (text) this.say(text, "good");
      return result;
    } catch (error) {
      this.clear();
      this.say(failed ? failed(error) : error.message, "bad");
      return undefined;
    }
  }

  say(text, tone = "muted") {
    setText(this.#text, spacedNumbers(text));
    this.element.dataset.tone = tone;
  }

  clear() {
    this.#timers.forEach(clearTimeout);
    show(this.#cancel, false);
    setText(this.#elapsed, "");
    this.say("");
  }

  /** Says once a second how long it has taken. */
  #count() {
    const since = performance.now();
    const words = (seconds) => (seconds < 60 ? `${seconds} s` : formatDuration(seconds));
    return setInterval(() => setText(this.#elapsed, ` ${words(Math.round((performance.now() - since) / 1000))}`), 1000);
  }
}
