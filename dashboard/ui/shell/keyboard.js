// The keys of a page. Whoever is typing is left alone.
import { h } from "../dom.js";

/**
 * @param {Record<string, {key?: string, text: string, action: (event: KeyboardEvent) => void}>} keys - by `event.key`.
 * @returns {() => void} what takes them away.
 */
export function bindKeys(keys) {
  const listener = (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey || isTyping(event)) return;
    const bound = keys[event.key];
    if (!bound) return;
    event.preventDefault();
    bound.action(event);
  };
  document.addEventListener("keydown", listener);
  return () => document.removeEventListener("keydown", listener);
}

function isTyping(event) {
  const target = event.target;
  if (!(target instanceof Element)) return false;
  if (target.closest("input, textarea, select, [contenteditable='true'], .cm-editor, [role='menu']")) return true;
  return event.key === " " && Boolean(target.closest("button, a, summary"));
}

/** A table of keys for the drawer. */
export function keyTable(keys, more = []) {
  const rows = [...Object.entries(keys).map(([key, { text }]) => [key === " " ? "space" : key, text]), ...more];
  return h(
    "table",
    { class: "bv-keys" },
    h(
      "tbody",
      null,
      rows.map(([key, text]) => h("tr", null, h("th", { scope: "row" }, h("kbd", { text: key })), h("td", { text }))),
    ),
  );
}
