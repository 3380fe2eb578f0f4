// A small card that hangs from a button and hides no curve for long: Escape and a click elsewhere close it. One is open at a time.
import { fill, h } from "../dom.js";
import { button } from "./buttons.js";
import { closeMenu, place } from "./menu.js";

let open = null;

/**
 * Opens a card below a button, or closes the one that hangs there.
 *
 * @param {HTMLElement} anchor - the button.
 * @param {string} title - its heading, and its name for screen readers.
 * @param {...*} children - what `h` takes.
 * @returns {?{element: HTMLElement, close: () => void, open: boolean}} `null` when it was closed.
 */
export function openPopover(anchor, title, ...children) {
  const again = open?.anchor === anchor;
  closePopover();
  closeMenu();
  if (again) return null;
  const element = h("div", { class: "bv-popover", role: "dialog", "aria-label": title }, h("h2", { text: title }));
  element.append(fill(h("div", { class: "bv-popover-body" }), ...children));
  (anchor.closest(".bv-page") ?? anchor.closest(".bv-place") ?? document.body).append(element);
  const follow = () => place(element, anchor, "left");
  follow();
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => !element.contains(event.target) && !anchor.contains(event.target) && closePopover(false);
  element.addEventListener("keydown", (event) => {
    if (event.key !== "Escape") return;
    event.preventDefault();
    event.stopPropagation();
    closePopover();
  });
  document.addEventListener("pointerdown", outside, true);
  window.addEventListener("resize", follow);
  const watcher = new ResizeObserver(follow);
  watcher.observe(element);
  const leave = () => {
    document.removeEventListener("pointerdown", outside, true);
    window.removeEventListener("resize", follow);
    watcher.disconnect();
  };
  open = { anchor, element, leave };
  element.querySelector("input, button")?.focus({ preventScroll: true });
  return { element, close: () => open?.element === element && closePopover(), get open() { return open?.element === element; } };
}

/** Closes the open card, if there is one, and gives the focus back to its button. */
export function closePopover(refocus = true) {
  if (!open) return;
  const { anchor, element, leave } = open;
  open = null;
  leave();
  const held = element.contains(document.activeElement);
  element.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (held && refocus && anchor.isConnected) anchor.focus({ preventScroll: true });
}

/**
 * Asks before something that cannot be taken back.
 *
 * @param {HTMLElement} anchor - the button that was pressed.
 * @param {{title: string, texts: (string|Node|null)[], label: string, action: () => void, danger?: boolean, more?: Node[]}} question - `texts`: what will
 *   happen, sentence by sentence; `label`: the button that does it.
 * @returns {?{element: HTMLElement, close: () => void, open: boolean}} the card, as of `openPopover`.
 */
export function askFirst(anchor, { title, texts, label, action, danger = true, more = [] }) {
  const go = button(
    label,
    () => {
      closePopover();
      action();
    },
    { danger, primary: !danger },
  );
  return openPopover(
    anchor,
    title,
    texts.filter(Boolean).map((text) => (text instanceof Node ? text : h("p", { text }))),
    h("div", { class: "bv-row" }, go, button("Cancel", () => closePopover()), more),
  );
}
