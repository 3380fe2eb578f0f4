// The place beside the panels where one thing at a time is worked on; the panels go on moving.
import { fill, h, show } from "../dom.js";
import { button } from "./buttons.js";

/** Events come through `onChange`: the page makes room, or takes it back. */
export class Drawer {
  #title = h("h2", { class: "bv-drawer-title", id: "bv-drawer-title", tabindex: "-1" });
  #body = h("div", { class: "bv-drawer-body" });
  #content = null;
  #before = null;
  element = h(
    "aside",
    { class: "bv-drawer", "aria-labelledby": "bv-drawer-title", hidden: true },
    h(
      "header",
      { class: "bv-drawer-head" },
      this.#title,
      button("Close", () => this.close(), { icon: "close", bare: true, key: "Escape" }),
    ),
    this.#body,
  );

  /** @param {() => void} [onChange] - called when the drawer came or went. */
  constructor(onChange = () => {}) {
    this.onChange = onChange;
    this.element.addEventListener("keydown", (event) => {
      if (event.key === "Escape" && !event.defaultPrevented) this.close();
    });
    // What had the focus may be gone, with the button that was pressed: the key then comes from nowhere.
    this.element.addEventListener("focusout", () => {
      requestAnimationFrame(() => {
        if (!this.element.hidden && document.activeElement === document.body) this.#title.focus({ preventScroll: true });
      });
    });
  }

  /**
   * Shows something in place of what was there.
   *
   * @param {{key: string, title: string, element: HTMLElement, destroy?: () => void, focus?: () => void}} content
   */
  open(content) {
    if (this.element.hidden) this.#before = document.activeElement;
    this.#leave();
    this.#content = content;
    this.#title.textContent = content.title;
    fill(this.#body, content.element);
    this.#body.scrollTop = 0;
    show(this.element, true);
    this.onChange();
    if (content.focus) content.focus();
    else this.element.querySelector("button, input, select, textarea, [tabindex]")?.focus({ preventScroll: true });
  }

  /** The key of what is shown, or `""`. */
  get key() {
    return this.#content?.key ?? "";
  }

  set title(text) {
    this.#title.textContent = text;
  }

  close() {
    if (this.element.hidden) return;
    this.#leave();
    show(this.element, false);
    fill(this.#body);
    this.onChange();
    this.#before?.isConnected && this.#before.focus({ preventScroll: true });
  }

  #leave() {
    this.#content?.destroy?.();
    this.#content = null;
  }
}
