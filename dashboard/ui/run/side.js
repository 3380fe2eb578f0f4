// The panel at the right of a run's page: what can be turned, and what was done. It can be folded to a rail of its tabs.
import { fill, h, show } from "../dom.js";
import { button } from "../shell/buttons.js";

const KEY = "bidviz-side";
const WIDE = "(min-width: 1100px)"; // on a narrower page the panels need the room more
const TELEPHONE = "(max-width: 760px)"; // there it stands above the panels, and folded or not is kept for such pages alone

/** Tabs with one content at a time; which one, and whether it is folded, is kept in this browser. */
export class Side {
  #tabs;
  #buttons = new Map();
  #list = h("div", { class: "bv-side-tabs", role: "tablist", "aria-label": "Steering" });
  #body = h("div", { class: "bv-side-body", role: "tabpanel", id: "bv-side-body", "aria-labelledby": "bv-side-tab" });
  #fold;
  #content = null;
  #chosen;
  #onShow;
  #key;

  /**
   * @param {[string, string, () => {element: HTMLElement, destroy?: () => void, focus?: () => void}][]} tabs - key, title, and what makes
   *   the content when the tab is opened.
   * @param {() => void} [onShow] - a tab is opened by name: what lies over it has to give way.
   */
  constructor(tabs, onShow = () => {}) {
    this.#tabs = tabs;
    this.#onShow = onShow;
    for (const [key, title] of tabs) {
      const tab = h("button", {
        type: "button",
        role: "tab",
        class: "bv-side-tab",
        "aria-controls": "bv-side-body",
        text: title,
        onclick: () => this.open(key),
      });
      this.#buttons.set(key, tab);
    }
    this.#list.addEventListener("keydown", (event) => this.#onKey(event));
    this.#fold = button("Fold the side panel", () => this.fold(!this.folded), { icon: "fold", bare: true });
    fill(this.#list, [...this.#buttons.values()]);
    this.element = h(
      "aside",
      { class: "bv-side" },
      h("div", { class: "bv-side-head" }, this.#list, h("span", { class: "bv-spring" }), this.#fold),
      this.#body,
    );
    this.#key = window.matchMedia(TELEPHONE).matches ? `${KEY}-narrow` : KEY;
    const kept = readKept(this.#key);
    this.#chosen = tabs.some(([key]) => key === kept.tab) ? kept.tab : tabs[0][0];
    this.fold(kept.folded ?? !window.matchMedia(WIDE).matches, false);
  }

  /** Whether only the tabs are seen. */
  get folded() {
    return this.#body.hidden;
  }

  /** The tab that is shown, or `""`. */
  get shown() {
    return this.folded ? "" : this.#chosen;
  }

  /** Shows a tab, unfolding the panel; returns its content. */
  open(key) {
    this.#onShow();
    if (key !== this.#chosen || this.folded) {
      this.#chosen = key;
      this.#leave();
      this.fold(false);
    }
    return this.#content;
  }

  fold(folded, keep = true) {
    show(this.#body, !folded);
    this.element.classList.toggle("bv-folded", folded);
    this.#fold.setAttribute("aria-expanded", String(!folded));
    const words = folded ? "Unfold the side panel" : "Fold the side panel";
    this.#fold.setAttribute("aria-label", words);
    this.#fold.title = words;
    if (folded) this.#leave();
    else if (!this.#content) this.#enter();
    this.#mark();
    if (keep) writeKept(this.#key, { tab: this.#chosen, folded });
  }

  destroy() {
    this.#leave();
  }

  #enter() {
    const [, title, make] = this.#tabs.find(([key]) => key === this.#chosen);
    this.#content = make();
    fill(this.#body, this.#content.element);
    this.#body.scrollTop = 0;
    this.element.setAttribute("aria-label", title);
  }

  #leave() {
    this.#content?.destroy?.();
    this.#content = null;
    fill(this.#body);
  }

  #mark() {
    for (const [key, tab] of this.#buttons) {
      const chosen = key === this.#chosen;
      tab.setAttribute("aria-selected", String(chosen && !this.folded));
      tab.tabIndex = chosen ? 0 : -1;
      tab.id = chosen ? "bv-side-tab" : "";
    }
  }

  #onKey(event) {
    const tabs = [...this.#buttons.values()];
    const now = tabs.indexOf(event.target);
    const move = { ArrowRight: 1, ArrowDown: 1, ArrowLeft: -1, ArrowUp: -1 }[event.key];
    if (now < 0 || !move) return;
    event.preventDefault();
    tabs[(now + move + tabs.length) % tabs.length].focus();
  }
}

function readKept(key) {
  try {
    return JSON.parse(localStorage.getItem(key)) ?? {};
  } catch {
    return {}; // nothing was kept, or storage is refused
  }
}

function writeKept(key, kept) {
  try {
    localStorage.setItem(key, JSON.stringify(kept));
  } catch {
    // It then lasts as long as the page.
  }
}
