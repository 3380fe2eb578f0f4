// Every hyperparameter of the run, one line each; a line opens to be changed where it stands.
import { h, setText, show } from "../dom.js";
import { HyperparameterRow } from "./hyperparameter-row.js";
import { folded, policyOf } from "./steered.js";

const MANY = 12; // from here on a filter helps

/** A side panel's content that follows the run's hyperparameters. */
export class HyperparameterList {
  #model;
  #actions;
  #rows = new Map();
  #open = new Set(); // groups that are unfolded
  #off = [];
  #list = h("div", { class: "bv-hypers", role: "list" });
  #empty = h("p", { class: "bv-muted" });
  #filter = h("input", {
    type: "search",
    placeholder: "filter",
    "aria-label": "Filter the hyperparameters",
    oninput: () => this.#draw(),
  });
  element = h("div", { class: "bv-side-content" }, this.#filter, this.#empty, this.#list);

  /**
   * @param {import("./model.js").RunModel} model
   * @param {{policy: (target: string) => void}} actions - `policy`: opens the editor of the policy on a hyperparameter.
   */
  constructor(model, actions) {
    this.#model = model;
    this.#actions = actions;
    this.#off.push(model.on("hyperparameters", () => this.#draw()));
    for (const event of ["status", "connection"]) this.#off.push(model.on(event, () => this.#update()));
    // Records come more often than beats, and of a run that is over they alone may still be on their way.
    const recorded = (names) => {
      const rates = [...names].some((name) => /^lr(\/\d+)?$/.test(name));
      this.#update(({ name }) => (rates && /^lr(\[\d+\])?$/.test(name)) || names.has(`hp/${name}`));
    };
    this.#off.push(model.store.onChange(recorded));
    const shown = () => !document.hidden && this.#update();
    document.addEventListener("visibilitychange", shown);
    this.#off.push(() => document.removeEventListener("visibilitychange", shown));
    this.#draw();
  }

  destroy() {
    this.#off.forEach((off) => off());
    this.#rows.forEach((row) => row.destroy());
  }

  #draw() {
    const { hyperparameters, catalogue } = this.#model;
    show(this.#filter, hyperparameters.length >= MANY);
    show(this.#empty, !hyperparameters.length);
    setText(
      this.#empty,
      catalogue
        ? "This run has no hyperparameters: give watch its optimizer, or add values with session.expose(name, …)."
        : "Waiting for the run…",
    );
    const wanted = this.#filter.hidden ? "" : this.#filter.value.trim().toLowerCase();
    const rows = [];
    for (const { info, members } of folded(hyperparameters)) {
      const fits = (one) => one.name.toLowerCase().includes(wanted);
      if (wanted && ![info, ...members].some(fits)) continue;
      const differ = members.some((one) => one.owner !== info.owner) || Array.isArray(info.value);
      const unfolded = this.#open.has(info.name);
      rows.push(this.#row(info, { members, unfolded, differ }));
      if (unfolded) rows.push(...members.map((one) => this.#row(one, { member: true })));
    }
    for (const [name, row] of this.#rows) if (!rows.includes(row) && !row.busy) this.#drop(name, row);
    const elements = rows.map((row) => row.element);
    if (!sameElements(this.#list.children, elements)) this.#arrange(elements);
    this.#update();
  }

  /** Moves only what is out of place: a field that is being typed in must not lose its focus. */
  #arrange(elements) {
    elements.forEach((element, at) => {
      if (this.#list.children[at] !== element) this.#list.insertBefore(element, this.#list.children[at] ?? null);
    });
    while (this.#list.children.length > elements.length) this.#list.lastChild.remove();
  }

  #row(info, place) {
    let row = this.#rows.get(info.name);
    if (!row) {
      row = new HyperparameterRow(this.#model, info, {
        ...this.#actions,
        unfold: () => {
          if (!this.#open.delete(info.name)) this.#open.add(info.name);
          this.#draw();
        },
      });
      this.#rows.set(info.name, row);
    }
    row.place(place);
    return row;
  }

  #drop(name, row) {
    row.destroy();
    row.element.remove();
    this.#rows.delete(name);
  }

  #update(which = () => true) {
    if (document.hidden) return;
    const { hyperparameters, policies } = this.#model;
    const names = new Set(hyperparameters.map((info) => info.name));
    for (const info of hyperparameters.filter(which)) this.#rows.get(info.name)?.update(info, policyOf(policies, info.name), names);
  }
}

function sameElements(children, elements) {
  return children.length === elements.length && elements.every((element, at) => children[at] === element);
}
