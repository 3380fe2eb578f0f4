// The first link of a page: past all that stands before its content, for who goes by the tab key. It is seen while it has the focus.
import { h } from "../dom.js";

/**
 * @param {string} text
 * @param {HTMLElement|(() => void)} target - what gets the keyboard, or what gives it.
 * @returns {HTMLElement}
 */
export function skipLink(text, target) {
  return h("a", {
    class: "bv-skip",
    href: "#",
    text,
    onclick: (event) => {
      event.preventDefault(); // the address stays: it says which page this is
      if (typeof target === "function") target();
      else focusOn(target);
    },
  });
}

/** Gives the keyboard to what is no control; the next tab stop is the first one within it. */
export function focusOn(element) {
  element.tabIndex = -1;
  element.focus();
}
