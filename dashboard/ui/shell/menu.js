// A menu that hangs from a button: arrow keys move, Escape closes, a click elsewhere too. One is open at a time.
import { h } from "../dom.js";

let open = null;

/**
 * Opens a menu below a button.
 *
 * @param {HTMLElement} anchor - the button.
 * @param {Array<Item|Choice|string|null>} items - a string is a heading, null a line.
 * @param {string} label - the menu's name for screen readers.
 *
 * @typedef {{label: string, action: () => void, reason?: string, danger?: boolean, key?: string, keep?: boolean}} Item - `reason`: why it cannot be
 *   chosen; `keep`: choosing it leaves the menu open.
 * @typedef {{choices: [string, *][], value: *, choose: (value: *) => void, label: string}} Choice - a row of which one is chosen; with
 *   no `value` each press does something.
 */
export function openMenu(anchor, items, label) {
  const again = open?.anchor === anchor;
  closeMenu();
  if (again) return;
  const element = h("div", { class: "bv-menu", role: "menu", "aria-label": label }, items.map(row));
  document.body.append(element);
  place(element, anchor);
  anchor.setAttribute("aria-expanded", "true");
  const outside = (event) => !element.contains(event.target) && !anchor.contains(event.target) && closeMenu(false);
  const keys = (event) => onKey(event, element);
  document.addEventListener("pointerdown", outside, true);
  element.addEventListener("keydown", keys);
  window.addEventListener("resize", closeMenu);
  open = { anchor, element, outside };
  stops(element)[0]?.focus({ preventScroll: true });
}

/** Closes the open menu, if there is one, and gives the focus back to its button. */
export function closeMenu(refocus = true) {
  if (!open) return;
  const { anchor, element, outside } = open;
  open = null;
  document.removeEventListener("pointerdown", outside, true);
  window.removeEventListener("resize", closeMenu);
  const held = element.contains(document.activeElement);
  element.remove();
  anchor.setAttribute("aria-expanded", "false");
  if (held && refocus) anchor.focus({ preventScroll: true });
}

function row(item) {
  if (item === null) return h("hr");
  if (typeof item === "string") return h("div", { class: "bv-menu-heading", text: item });
  if (item instanceof Node) return item;
  if (item.choices) return choiceRow(item);
  return h(
    "button",
    {
      type: "button",
      role: "menuitem",
      tabindex: "-1",
      class: `bv-menu-item${item.danger ? " bv-danger" : ""}`,
      "aria-disabled": item.reason ? "true" : null,
      title: item.reason || null,
      "aria-description": item.reason || null,
      onclick: () => {
        if (item.reason) return;
        if (!item.keep) closeMenu();
        item.action();
      },
    },
    h("span", { text: item.label }),
    item.key && h("kbd", { text: item.key }),
  );
}

function choiceRow({ choices, value, choose, label }) {
  const pushed = value === undefined; // nothing is chosen: each press does something
  const buttons = choices.map(([text, choice]) =>
    h("button", {
      type: "button",
      role: pushed ? "menuitem" : "menuitemradio",
      tabindex: "-1",
      class: "bv-chip",
      "aria-checked": pushed ? null : String(choice === value),
      text,
      onclick: (event) => {
        for (const other of pushed ? [] : buttons)
          other.setAttribute("aria-checked", String(other === event.currentTarget));
        choose(choice);
      },
    }),
  );
  return h(
    "div",
    { class: "bv-menu-choice", role: "group", "aria-label": label },
    h("span", { text: label }),
    h("div", { class: "bv-chips" }, buttons),
  );
}

/**
 * Puts an element below a button, or above it where there is no room; always in sight.
 *
 * @param {HTMLElement} element
 * @param {HTMLElement} anchor
 * @param {"left"|"right"} [edge] - the edge that the two have in common.
 */
export function place(element, anchor, edge = "right") {
  const box = anchor.getBoundingClientRect();
  const { offsetWidth: width, offsetHeight: height } = element;
  const wanted = edge === "left" ? box.left : box.right - width;
  const left = Math.max(8, Math.min(wanted, window.innerWidth - width - 8));
  const below = box.bottom + 4;
  const top =
    below + height > window.innerHeight - 8
      ? Math.max(8, Math.min(box.top - height - 4, window.innerHeight - height - 8))
      : below;
  Object.assign(element.style, { left: `${left}px`, top: `${top}px` });
}

function stops(element) {
  return [...element.querySelectorAll("button, input")];
}

function onKey(event, element) {
  const all = stops(element);
  const now = all.indexOf(document.activeElement);
  const target = {
    ArrowDown: all[(now + 1) % all.length],
    ArrowRight: all[(now + 1) % all.length],
    ArrowUp: all[(now - 1 + all.length) % all.length],
    ArrowLeft: all[(now - 1 + all.length) % all.length],
    Home: all[0],
    End: all.at(-1),
  }[event.key];
  if (event.key === "Escape" || event.key === "Tab") {
    event.stopPropagation();
    if (event.key === "Escape") event.preventDefault();
    closeMenu();
  } else if (target && document.activeElement?.tagName !== "INPUT") {
    event.preventDefault();
    target.focus();
  }
}
