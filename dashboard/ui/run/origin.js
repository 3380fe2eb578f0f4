// From which bundle a panel comes: name and version beside its title, the hash of the code that runs for whoever looks closer.
import { h, setText, show } from "../dom.js";
import { openPopover } from "../shell/popover.js";
import { openDiscover } from "../navigate.js";

const OWN = new Set(["script", "person", "built-in"]);

/**
 * The bundle behind a panel, as far as the run's catalogue knows it.
 *
 * @param {object} catalogue
 * @param {{metric: object|null, origin?: string}} panel
 * @returns {{origin: string, label: string, name: string, version: string, hash: string}|null} null where it is nobody's bundle.
 */
export function bundleOf(catalogue, { metric, origin = "" }) {
  const from = metric?.origin || origin;
  if (!from || OWN.has(from)) return null;
  const [name, version = ""] = from.split(" ");
  // The last of that version: it may have been loaded, replaced and loaded again.
  const ran = (catalogue?.ran ?? []).findLast((one) => one.name === name && one.version === version);
  return { origin: from, label: shortName(from), name, version, hash: ran?.hash ?? "", source: ran?.source ?? "" };
}

/** `bidviz-metric-gradnorm 0.1.0` without what all bundles begin with. */
export function shortName(origin) {
  return origin.replace(/^bidviz-(metric|policy)-/, "");
}

/** The line beside a tile's title: a button, so that it is reached with the keyboard; the hash shows on hover and focus. */
export class OriginMark {
  #model;
  #bundle = null;
  #label = h("span");
  #hash = h("span", { class: "bv-origin-hash" });
  element = h(
    "button",
    { type: "button", class: "bv-tile-origin", "aria-haspopup": "dialog", onclick: () => this.#open() },
    this.#label,
    this.#hash,
  );

  /** @param {import("./model.js").RunModel} model */
  constructor(model) {
    this.#model = model;
    show(this.element, false);
  }

  /** @param {import("./panels.js").PanelSpec} panel */
  update(panel) {
    this.#bundle = bundleOf(this.#model.catalogue, panel);
    const own = panel.metric?.origin === "built-in" ? "built-in" : "";
    const { label = own, origin = own, hash = "" } = this.#bundle ?? {};
    show(this.element, Boolean(label));
    setText(this.#label, label);
    setText(this.#hash, hash ? hash.slice(0, 8) : "");
    this.element.title = hash ? `${origin}\ncode ${hash}` : origin;
    this.element.setAttribute("aria-label", hash ? `from ${origin}, code ${hash.slice(0, 12)}` : `from ${origin}`);
    this.element.setAttribute("aria-disabled", String(!this.#bundle));
    this.element.tabIndex = this.#bundle ? 0 : -1; // what opens nothing is no stop for the keyboard
  }

  #open() {
    const bundle = this.#bundle;
    if (!bundle) return;
    openPopover(
      this.element,
      bundle.name,
      h("p", { class: "bv-muted", text: `Version ${bundle.version}${bundle.source && bundle.source !== "environment" ? ` from ${bundle.source}` : ""}; this is the code that gives these values.` }),
      bundle.hash
        ? h("p", { class: "bv-code bv-hash", text: bundle.hash })
        : h("p", { class: "bv-muted", text: "The run's record does not hold the hash of its code." }),
      h("button", {
        type: "button",
        class: "bv-link",
        text: "Show it in Discover",
        onclick: () => openDiscover(this.#model.run, bundle.name),
      }),
    );
  }
}
