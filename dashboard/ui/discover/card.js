// A bundle as a card: what it is, what it holds and costs, where it comes from, and its first charts drawn from its own samples.
import { fill, h } from "../dom.js";
import { drawBundle, panelsOfBundle } from "../preview/draw.js";
import { button } from "../shell/buttons.js";
import { Clamped } from "../shell/clamped.js";
import { costOf, holdsText, shortHash, shortName, sourceText, stateOf } from "./words.js";

const CHARTS = 2; // on a card; the details have them all

/** One card. */
export class Card {
  #bundle;
  #charts = h("div", { class: "bv-card-charts" });
  #drawn = null;
  #sample = "";
  #facts = h("dl", { class: "bv-card-facts" });
  #state = h("span", { class: "bv-tag" });
  #summary = new Clamped();
  #says = new Clamped(); // what went wrong with it
  #open;
  element;

  /**
   * @param {object} bundle - see `gather`.
   * @param {(name: string) => void} open
   */
  constructor(bundle, open) {
    this.#open = button("Details", () => open(bundle.name));
    this.#open.setAttribute("aria-label", `Details of ${bundle.name}`);
    this.element = h(
      "article",
      { class: "bv-card", "aria-label": bundle.name, dataset: { bundle: bundle.name } },
      h(
        "header",
        null,
        h(
          "h2",
          null,
          h("button", { type: "button", class: "bv-link bv-card-name", text: shortName(bundle.name), onclick: () => open(bundle.name), title: bundle.name }),
        ),
        this.#state,
        h("span", { class: "bv-spring" }),
        this.#open,
      ),
      this.#summary.element,
      this.#charts,
      this.#facts,
    );
    this.update(bundle);
  }

  /** Takes the bundle as it is now; charts are drawn again only where their samples changed. */
  update(bundle) {
    this.#bundle = bundle;
    const state = stateOf(bundle);
    this.#state.className = `bv-tag bv-tone-${state.tone}`;
    this.#state.textContent = state.word;
    this.#summary.say(bundle.summary || bundle.description?.summary || "It says nothing of itself.");
    this.#says.say(bundle.error ?? "");
    const { description } = bundle;
    const [first] = bundle.rows;
    const versions = [...new Set(bundle.rows.flatMap((row) => [row.version, ...(row.versions ?? [])]).filter(Boolean))];
    fill(
      this.#facts,
      fact("holds", holdsText(bundle)),
      fact("costs", costOf(description)),
      fact("versions", versions.slice(0, 4).join(", ") + (versions.length > 4 ? ` and ${versions.length - 4} more` : "")),
      fact("source", bundle.rows.map(({ source }) => sourceText(source, bundle.origin)).filter(Boolean).join("; ")),
      first?.hash ? fact("wheel", shortHash(first.hash), first.hash, true) : bundle.code && fact("code", shortHash(bundle.code), bundle.code, true),
      bundle.error && h("div", null, h("dt", { text: "says" }), h("dd", null, this.#says.element)),
    );
    this.#draw(description);
  }

  destroy() {
    this.#summary.destroy();
    this.#says.destroy();
    this.#drawn?.destroy();
  }

  #draw(description) {
    const mark = description ? `${description.version} ${description.hash ?? ""} ${Object.keys(description.samples ?? {}).length}` : "";
    if (mark === this.#sample) return;
    this.#sample = mark;
    this.#drawn?.destroy();
    this.#drawn = null;
    if (!description || !Object.keys(description.samples ?? {}).length) {
      fill(this.#charts, h("p", { class: "bv-muted", text: "It brings no samples, so there is nothing to draw before it runs." }));
      return;
    }
    const shown = new Set(firstPanels(description, CHARTS));
    this.#drawn = drawBundle(this.#charts, description, { only: ({ id }) => shown.has(id) });
  }
}

/** The ids of a bundle's first panels: one of each metric before a second of any. */
export function firstPanels(description, count) {
  const panels = panelsOfBundle(description);
  const seen = new Set();
  const fresh = ({ metric, id }) => !metric || (!seen.has(metric.name) && Boolean(seen.add(metric.name) && id));
  const [first, rest] = [panels.filter(fresh), panels];
  return [...new Set([...first, ...rest].map(({ id }) => id))].slice(0, count);
}

function fact(label, text, title = "", code = false) {
  if (!text) return null;
  return h("div", null, h("dt", { text: label }), h("dd", { text, title: title || null, class: code ? "bv-code" : null }));
}
