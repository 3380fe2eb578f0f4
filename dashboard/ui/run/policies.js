// The policies of a run: those that are armed, the editor of one, and who depends on whom.
import { fill, h, setText, show } from "../dom.js";
import { button, refuse } from "../shell/buttons.js";
import { DependencyGraph } from "./dependency-graph.js";
import { PolicyEditor } from "./policy-editor.js";
import { PolicyRow } from "./policy-row.js";
import { isOffered } from "./steered.js";

/** A side panel's content that follows the run's policies. */
export class PolicyList {
  #model;
  #off = [];
  #rows = new Map();
  #editor = null;
  #share;
  #new;
  #place = h("div", { class: "bv-policy-editor-place" });
  #list = h("div", { class: "bv-list", role: "list" });
  #empty = h("p", {
    class: "bv-muted",
    text: "No policy is armed. A policy gives a hyperparameter its value at each step: a formula such as 0.1 * 0.5 ** (step / 1000), or a named one from a bundle.",
  });
  #graph = new DependencyGraph();
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {(target: string) => void} share - *Share…* on a policy.
   */
  constructor(model, share) {
    this.#model = model;
    this.#share = share;
    this.#new = button("New policy", () => this.edit(""), { primary: true });
    this.element = h(
      "div",
      { class: "bv-side-content" },
      h("div", { class: "bv-row" }, this.#new),
      this.#place,
      this.#empty,
      this.#list,
      h("h3", { text: "Dependencies" }),
      this.#graph.element,
    );
    this.#off.push(model.on("hyperparameters", () => this.#draw()));
    for (const event of ["status", "connection"]) this.#off.push(model.on(event, () => this.#update()));
    this.#draw();
  }

  /** Opens the editor on a hyperparameter's policy, or a new one's; on none for one to choose. */
  edit(target) {
    this.#close();
    this.#editor = new PolicyEditor(this.#model, target, {
      close: () => this.#close(true),
      target: () => this.#draw(),
    });
    fill(this.#place, this.#editor.element);
    this.#draw();
    this.#editor.focus();
    this.#place.scrollIntoView({ block: "nearest" });
  }

  destroy() {
    this.#close();
    this.#off.forEach((off) => off());
  }

  #close(refocus = false) {
    this.#editor?.destroy();
    this.#editor = null;
    fill(this.#place);
    if (!refocus) return;
    this.#draw();
    this.#new.focus({ preventScroll: true });
  }

  #draw() {
    const { policies, hyperparameters } = this.#model;
    const armed = policies.filter((policy) => !isOffered(policy));
    const rows = armed.map((policy) => {
      let row = this.#rows.get(policy.target);
      if (!row) {
        row = new PolicyRow(this.#model, policy.target, { edit: () => this.edit(policy.target), share: this.#share });
        this.#rows.set(policy.target, row);
      }
      return row;
    });
    for (const [target, row] of this.#rows) if (!rows.includes(row) && !row.busy) this.#rows.delete(target);
    const elements = [...this.#rows.values()].map((row) => row.element);
    if ([...this.#list.children].some((one, at) => one !== elements[at]) || this.#list.children.length !== elements.length)
      fill(this.#list, elements);
    show(this.#empty, !elements.length && !this.#editor);
    show(this.#place, this.#editor !== null);
    const names = new Set(hyperparameters.map((info) => info.name));
    this.#graph.draw(policies, names, (target) => this.edit(target));
    this.#update();
  }

  #update() {
    refuse(this.#new, this.#model.refusal("view")); // who may only look can still see what a formula would give
    if (document.hidden) return;
    for (const [target, row] of this.#rows) {
      row.update(this.#model.policies.find((policy) => policy.target === target && !isOffered(policy)) ?? null);
    }
    this.#editor?.update();
  }
}
