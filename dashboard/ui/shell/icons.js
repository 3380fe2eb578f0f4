// The few drawings on buttons, as lines in a 16 × 16 box.
import { h } from "../dom.js";

const PATHS = {
  pause: "M5 3v10M11 3v10",
  play: "M4.5 3 12.5 8 4.5 13Z",
  step: "M4 3.5 9.5 8 4 12.5ZM12 3.5v9",
  stop: "M4 4h8v8H4Z",
  restart: "M12.5 6A5 5 0 1 0 13 8.5M12.8 2.5V6H9.3",
  until: "M3 3.5 7.5 8 3 12.5ZM13 2.5v11M9.5 8h.1",
  shield: "M8 1.8 13 4v4c0 3-2.2 5.2-5 6.2C5.2 13.2 3 11 3 8V4ZM8 5.2v3M8 10.6v.1",
  theme: "M8 2.5a5.5 5.5 0 1 0 0 11ZM8 2.5a5.5 5.5 0 0 1 0 11",
  help: "M6 6.2a2 2 0 1 1 2.9 1.8c-.6.3-.9.7-.9 1.5M8 11.9v.1M8 1.8a6.2 6.2 0 1 0 0 12.4A6.2 6.2 0 0 0 8 1.8Z",
  close: "M4 4 12 12M12 4 4 12",
  menu: "M8 3.5v.1M8 8v.1M8 12.5v.1",
  enlarge: "M9.5 3H13v3.5M13 3 9 7M6.5 13H3V9.5M3 13 7 9",
  copy: "M6 5.5h7v8H6ZM3 10.5v-8h7",
  check: "M3 8.5 6.5 12 13 4.5",
  warning: "M8 2 14.5 13.5H1.5ZM8 6.5v3M8 11.5v.1",
  fold: "M3 3v10M6.5 8h7M10.5 5 13.5 8 10.5 11",
  search: "M7 2.8a4.2 4.2 0 1 0 0 8.4 4.2 4.2 0 0 0 0-8.4ZM10 10 13.5 13.5",
};

/** A drawing, hidden from screen readers: the button beside it carries the name. */
export function icon(name) {
  return h(
    "svg:svg",
    { viewBox: "0 0 16 16", class: "bv-icon", "aria-hidden": "true" },
    h("svg:path", {
      d: PATHS[name],
      fill: "none",
      stroke: "currentColor",
      "stroke-width": name === "menu" ? "2" : "1.5",
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
    }),
  );
}
