// Which bundles' code ran in a run, and between which steps: what its record keeps, long after the training is over.
import { h } from "../dom.js";
import { formatCount } from "../numbers.js";
import { shortHash, sourceText } from "./words.js";

/**
 * The list; `null` where no bundle ran.
 *
 * @param {object[]} ran - the catalogue's `ran`.
 */
export function ranView(ran) {
  if (!ran?.length) return null;
  return h(
    "section",
    { class: "bv-inspected bv-ran", "aria-label": "Whose code ran in this run" },
    h("h3", { text: "Whose code ran in this run" }),
    h(
      "ul",
      { class: "bv-plain" },
      ran.map((one) =>
        h(
          "li",
          { class: "bv-item" },
          h(
            "header",
            null,
            h("strong", { text: `${one.name} ${one.version}` }),
            h("span", { class: "bv-muted bv-number", text: stepsText(one) }),
            h("span", { class: "bv-muted", text: sourceText(one.source ?? "environment") }),
          ),
          h("span", { class: "bv-code bv-muted", text: `code ${shortHash(one.hash)}`, title: one.hash }),
          one.wheel && h("span", { class: "bv-code bv-muted", text: `wheel ${shortHash(one.wheel)}`, title: one.wheel }),
        ),
      ),
    ),
  );
}

/** Between which steps it was there. */
export function stepsText({ since = 0, until = null }) {
  const from = since ? `after step ${formatCount(since)}` : "from the beginning";
  return until === null || until === undefined ? `${from} to the end` : `${from} until step ${formatCount(until)}`;
}
