// Other runs beside the one on the page: each with a connection of its own, so that nothing meant for one reaches another.
import { Emitter } from "../emitter.js";
import { labelsOf } from "./labels.js";
import { RunModel } from "./model.js";

/** Events: `change` when a run came, went, or told its name. */
export class Others extends Emitter {
  #models = new Map();
  #own;

  /** @param {{run: string, name: string}} own - the run on the page. */
  constructor(own) {
    super();
    this.#own = own;
  }

  /** The ids of the runs that are open. */
  get ids() {
    return new Set(this.#models.keys());
  }

  /** How the run on the page is called among them. */
  get own() {
    return this.#labels()[0];
  }

  /** What a chart needs of each. */
  get runs() {
    const [, ...labels] = this.#labels();
    return [...this.#models.values()].map(({ run, store }, i) => ({ run, store, label: labels[i] }));
  }

  /** Opens a run, live or from its file. */
  add(run) {
    if (this.#models.has(run)) return;
    const model = new RunModel(run);
    this.#models.set(run, model);
    let named = false;
    model.on("catalogue", () => {
      if (!named) this.emit("change");
      named = true;
    });
    this.emit("change");
  }

  remove(run) {
    this.#models.get(run)?.close();
    if (this.#models.delete(run)) this.emit("change");
  }

  #labels() {
    const others = [...this.#models.values()].map(({ run, catalogue }) => ({ run, name: catalogue?.run.name ?? run }));
    return labelsOf([this.#own, ...others]);
  }

  clear() {
    for (const run of this.ids) this.remove(run);
  }
}
