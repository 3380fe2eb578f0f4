// Where more bundles come from than those that are shown: a registry or folder to be named, and those that come with BIDViz.
import { copyText, fill, h, show } from "../dom.js";
import { button } from "../shell/buttons.js";

/** The bundles that come with BIDViz, by the names that pip knows, and what each says of itself. */
export const FIRST_PARTY = {
  "bidviz-metric-activations": "Dead and saturated units, moments of activations, and the entropy of attention",
  "bidviz-metric-classification":
    "How a classifier does while it learns: accuracy, confusion, calibration, each class, and the worst examples",
  "bidviz-metric-clustering": "Distortion, sizes, distances and movement of clusters, for k-means and its kind",
  "bidviz-metric-curvature": "Flat or sharp: the largest Hessian eigenvalue, the Hessian trace, the loss along the last step, and alpha",
  "bidviz-metric-distributions": "Weights, gradients and updates as histograms that move, with their moments and quantiles",
  "bidviz-metric-gradnorm": "Gradient norms, their ratio to the weights, and vanishing or exploding layers",
  "bidviz-metric-health": "Rules that say when a training is not well, where, and since when",
  "bidviz-metric-noise": "How noisy the gradient is: noise scale, norm, inner-product and orthogonality tests, signal to noise",
  "bidviz-metric-sparse": "Features seen, rows of embeddings that are updated and rows never touched",
  "bidviz-metric-system": "Step time by phase, throughput, CPU, memory and GPUs of a training",
  "bidviz-policy-schedules": "The usual learning-rate schedules as policies that can be armed while a training runs",
};

const EXAMPLE = `[registries]
lab = "https://bundles.lab.example"   # what \`bidviz registry serve FOLDER\` says of itself

[folders]
shared = "/data/bundles"              # a folder with wheels`;

/**
 * The bundles of BIDViz that are neither installed nor on offer.
 *
 * @param {string[]} known - names of those that are.
 * @returns {string[]}
 */
export function absent(known) {
  const names = new Set(known);
  return Object.keys(FIRST_PARTY).filter((name) => !names.has(name));
}

/**
 * The command that installs bundles of BIDViz.
 *
 * @param {string[]} names
 * @param {string} checkout - the folder they lie in; `""` where pip finds them by name.
 * @returns {string}
 */
export function installing(names, checkout) {
  const what = checkout ? names.map((name) => quoted(`${checkout}/${name}`)) : names;
  return `pip install ${what.join(" ")}`;
}

function quoted(path) {
  return /^[\w./:@+-]+$/.test(path) ? path : `"${path}"`;
}

/** What stands below the cards. */
export class Elsewhere {
  #note = h("section", { class: "bv-elsewhere", "aria-label": "Where more bundles come from", hidden: true });
  #absent = h("section", { class: "bv-elsewhere", "aria-label": "More that come with BIDViz", hidden: true });
  #drawn = "";
  #look;
  element = h("div", null, this.#note, this.#absent);

  /** @param {(name: string) => void} look - searches for a bundle by its full name. */
  constructor(look) {
    this.#look = look;
  }

  /**
   * @param {string} note - that no registry or folder is configured; `""` where one is.
   * @param {string[]} known - names of the bundles that are installed or on offer.
   * @param {string} [checkout] - where those of BIDViz lie, where it runs from a checkout.
   * @returns {boolean} whether there is anything to say.
   */
  update(note, known, checkout = "") {
    const names = absent(known);
    const mark = JSON.stringify([note, names, checkout]);
    if (mark !== this.#drawn) this.#draw(note, names, mark, checkout);
    return Boolean(note) || names.length > 0;
  }

  reveal() {
    this.element.scrollIntoView({ block: "nearest" });
  }

  #draw(note, names, mark, checkout) {
    this.#drawn = mark;
    show(this.#note, Boolean(note));
    fill(this.#note, h("p", { text: note }), h("pre", { class: "bv-code bv-long", text: EXAMPLE }));
    show(this.#absent, names.length > 0);
    fill(
      this.#absent,
      h("p", { text: "These come with BIDViz and are not installed where this training runs. Installed there, they are offered to it at once." }),
      h("ul", { class: "bv-plain" }, names.map((name) => this.#row(name))),
      names.length > 0 && command(installing(names, checkout)),
    );
  }

  #row(name) {
    const look = h("button", { type: "button", class: "bv-link bv-code", text: name, title: "Look for it at pip's index", onclick: () => this.#look(name) });
    return h("li", null, look, " ", h("span", { class: "bv-muted", text: FIRST_PARTY[name] }));
  }
}

function command(text) {
  const said = h("span", { class: "bv-muted", role: "status" });
  const copy = async () => {
    await copyText(text);
    said.textContent = "copied";
  };
  return h(
    "div",
    { class: "bv-row" },
    h("pre", { class: "bv-code bv-long", text }),
    button("Copy", copy, { icon: "copy", title: "Copy the command" }),
    said,
  );
}
