// Other runs beside the one on the page: each with a connection of its own, so that nothing meant for one reaches another.
import { Emitter } from "../emitter.js";
import { RunModel } from "./model.js";

/** Events: `change` when a run came, went, or told its name. */
export class Others extends Emitter {
  #models = new Map();

  /** The ids of the runs that are open. */
  get ids() {
    return new Set(this.#models.keys());
  }

  /** What a chart needs of each; names that are alike get the beginning of the id. */
  get runs() {
    const all = [...this.#models.values()].map((model) => ({ run: model.run, name: model.catalogue?.run.name ?? model.run, store: model.store }));
    return all.map(({ run, name, store }) => ({
      run,
      store,
      label: all.filter((one) => one.name === name).length > 1 ? `${name} (${run.slice(0, 6)})` : name,
    }));
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

  clear() {
    for (const run of this.ids) this.remove(run);
  }
}
