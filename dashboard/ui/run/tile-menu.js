// The menu of a tile.
import { h } from "../dom.js";
import { openMenu } from "../shell/menu.js";
import { costText } from "./metrics.js";

const WINDOWS = [
  ["all", null],
  ["100", 100],
  ["1 000", 1000],
  ["10 000", 10_000],
];
const SMOOTHING = [
  ["raw", 0],
  ["0.6", 0.6],
  ["0.9", 0.9],
  ["0.99", 0.99],
];
const SIZES = [
  ["wider", { w: 1 }],
  ["narrower", { w: -1 }],
  ["taller", { h: 1 }],
  ["shorter", { h: -1 }],
];
const MOVES = [
  ["left", { x: -1 }],
  ["right", { x: 1 }],
  ["up", { y: -1 }],
  ["down", { y: 1 }],
];
const SCALES = [
  ["linear", "linear"],
  ["log", "log"],
];

/**
 * @param {import("./tile.js").Tile} tile
 * @param {HTMLElement} anchor
 * @param {object} view - the tile's view as it is.
 * @param {{code: string, tune: string}} reasons - why code, or metrics, cannot be changed.
 * @param {Record<string, (...values: *[]) => void>} act - edit, choose, enlarge, csv, png, share, toggle, hide, remove, nudge.
 */
export function openTileMenu(tile, anchor, view, reasons, act) {
  const { metric, spec, own } = tile.panel;
  const choose = (key) => (value) => act.choose({ [key]: value });
  const off = metric && (!metric.enabled || metric.failure);
  const items = [
    { label: "Enlarge", action: act.enlarge },
    null,
    { label: "y axis", choices: SCALES, value: view.yScale ?? spec?.y_scale ?? "linear", choose: choose("yScale") },
    {
      label: "last steps",
      choices: WINDOWS,
      value: view.window !== undefined ? view.window : (spec?.window ?? null),
      choose: choose("window"),
    },
    { label: "smoothing", choices: SMOOTHING, value: view.smooth ?? spec?.smooth ?? 0, choose: choose("smooth") },
    { label: "size", choices: SIZES, value: undefined, choose: act.nudge },
    { label: "move", choices: MOVES, value: undefined, choose: act.nudge },
    null,
    { label: "Download CSV", action: act.csv },
    { label: "Download PNG", action: act.png },
    { label: "Share…", action: act.share, reason: reasons.code },
    { label: "Hide panel", action: act.hide },
  ];
  if (metric) {
    items.unshift({ label: reasons.code || !metric.code ? "Read code" : "Edit metric…", action: act.edit });
    items.push(
      null,
      h("p", { class: "bv-menu-note", text: costText(metric) }),
      {
        label: off ? (metric.failure ? "Retry metric" : "Enable metric") : "Disable metric",
        action: act.toggle,
        reason: reasons.tune,
      },
      { label: "Remove metric", action: act.remove, reason: reasons.code, danger: true },
    );
  }
  if (own) items.push(null, { label: "Remove panel", action: act.remove, danger: true });
  openMenu(anchor, items, `Menu of ${tile.panel.title}`);
}
