/** What a mark says when it is pointed at or touched: who, what, why and when. One for the page, for one pointer. */

import { fill, h } from "../dom.js";
import { linesOf } from "./marks.js";

let tip = null;
let owner = null;
let shown = null;

/**
 * Shows what a group of marks stands for.
 *
 * @param {object} by who shows it: only they can hide it.
 * @param {{marks: object[]}} group
 * @param {{x: number, top: number}} place in the window.
 */
export function showTip(by, group, { x, top }) {
  owner = by;
  if (!tip) {
    tip = h("div", { class: "bvc-mark-tip", role: "tooltip" });
    document.body.append(tip);
  }
  if (shown !== group) {
    shown = group;
    const { told, band, more } = linesOf(group);
    fill(
      tip,
      band && h("p", { class: "bvc-mark-more", text: band }),
      more && h("p", { class: "bvc-mark-more", text: more }),
      told.map(({ sign, kind, author, text, when, why }) =>
        h(
          "p",
          null,
          h("b", { class: "bvc-mark-letter", text: sign }),
          h("span", null, text, why && h("i", { text: ` “${why}”` }), h("small", { text: [kind, author, when].filter(Boolean).join(" · ") })),
        ),
      ),
    );
  }
  tip.hidden = false;
  const { offsetWidth: width, offsetHeight: height } = tip;
  const left = Math.max(8, Math.min(x - width / 2, window.innerWidth - width - 8));
  tip.style.left = `${left}px`;
  tip.style.top = `${top - height - 6 > 4 ? top - height - 6 : top + 18}px`;
}

/** Hides it, where it is theirs. */
export function hideTip(by) {
  if (owner !== by || !tip) return;
  owner = null;
  shown = null;
  tip.hidden = true;
}
