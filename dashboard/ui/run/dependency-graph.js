// Who depends on whom: hyperparameters, the series and the other hyperparameters that their policies read.
import { fill, h, show } from "../dom.js";
import { layoutGraph } from "./graph-layout.js";
import { isOffered } from "./steered.js";

/** A drawing of the armed policies' inputs; it changes with them. */
export class DependencyGraph {
  #svg = h("svg:svg", { class: "bv-graph-drawing", role: "img" });
  #none = h("p", {
    class: "bv-muted",
    text: "None: no formula reads another hyperparameter or a metric. One such as 0.1 * lr makes a dependency.",
  });
  #key = h("p", { class: "bv-hint", text: "An arrow leads from what is read to what follows it; series are round." });
  #drawn = "";
  element = h("div", { class: "bv-graph" }, h("div", { class: "bv-graph-frame" }, this.#svg), this.#none, this.#key);

  /**
   * @param {object[]} policies
   * @param {Set<string>} names - of hyperparameters; other inputs are series.
   * @param {(target: string) => void} choose - a target was clicked.
   */
  draw(policies, names, choose) {
    const rules = policies
      .filter((policy) => !isOffered(policy) && policy.inputs.length)
      .map(({ target, inputs, state }) => ({ target, inputs: [...inputs], state }));
    const drawn = JSON.stringify([rules, [...names]]);
    if (drawn === this.#drawn) return;
    this.#drawn = drawn;
    show(this.#none, !rules.length);
    show(this.#key, rules.length > 0);
    show(this.#svg.parentElement, rules.length > 0);
    if (rules.length) this.#paint(layoutGraph(rules), rules, names, choose);
  }

  #paint({ nodes, edges, width, height }, rules, names, choose) {
    const states = new Map(rules.map(({ target, state }) => [target, state]));
    this.#svg.setAttribute("viewBox", `0 0 ${width} ${height}`);
    Object.assign(this.#svg.style, { width: `${width}px`, height: `${height}px` });
    this.#svg.setAttribute("aria-label", rules.map(({ target, inputs }) => `${target} follows ${inputs.join(", ")}`).join("; "));
    fill(
      this.#svg,
      arrowHead(),
      edges.map(({ to, path }) =>
        h("svg:path", {
          class: `bv-graph-edge bv-graph-${states.get(to) ?? "armed"}`,
          d: path,
          fill: "none",
          "marker-end": "url(#bv-graph-arrow)",
        }),
      ),
      nodes.map((node) => this.#node(node, states.get(node.name), names.has(node.name), choose)),
    );
  }

  #node({ name, x, y, width, height }, state, isHyperparameter, choose) {
    const kind = isHyperparameter ? "hyper" : "series";
    const element = h(
      "svg:g",
      { class: `bv-graph-node bv-graph-node-${kind} bv-graph-${state ?? "free"}`, transform: `translate(${x} ${y})` },
      h("svg:title", { text: state ? `${name}: ${state}` : name }),
      h("svg:rect", { width, height, rx: isHyperparameter ? 4 : height / 2 }),
      h("svg:text", { x: width / 2, y: height / 2 + 4, "text-anchor": "middle" }, name),
    );
    if (state) element.addEventListener("click", () => choose(name));
    return element;
  }
}

function arrowHead() {
  return h(
    "svg:defs",
    null,
    h(
      "svg:marker",
      { id: "bv-graph-arrow", viewBox: "0 0 8 8", refX: 7, refY: 4, markerWidth: 7, markerHeight: 7, orient: "auto" },
      h("svg:path", { d: "M0 0 8 4 0 8Z", class: "bv-graph-arrow" }),
    ),
  );
}
