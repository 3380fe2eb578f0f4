// What the viewer chose for this run's name: places, sizes, hidden panels, views; kept by the dashboard, or in this page alone.
import { Emitter } from "../emitter.js";
import { withPlaces } from "./places.js";

const VERSION = 1;
const SAVE_AFTER = 800;

/** Events: `change` (the views or what is hidden changed), `unsaved` (with the reason, when it cannot be kept). */
export class Arrangement extends Emitter {
  places = {};
  /** For all panels: `{window, x, smooth}`; absent means as each chart's spec says. */
  view = {};
  /** For single panels, by id. */
  views = {};
  hidden = new Set();
  /** Panels that a person made: `{id, title, spec}`. */
  own = [];
  #model;
  #timer = null;
  #read;
  #keeping = null; // the request that keeps places, while it is under way
  #again = false;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {() => object} readPlaces - gives the places as they are.
   */
  constructor(model, readPlaces) {
    super();
    this.#model = model;
    this.#read = readPlaces;
  }

  /** Whether an arrangement that was kept is one of this form. */
  understands(kept) {
    return kept?.version === VERSION;
  }

  /** Takes what was kept; what is not understood is left out. */
  restore(kept) {
    if (!this.understands(kept)) return;
    this.places = kept.places ?? {};
    this.view = kept.view ?? {};
    this.views = kept.views ?? {};
    this.hidden = new Set(kept.hidden ?? []);
    this.own = kept.own ?? [];
    this.emit("change");
  }

  /** All of it, as it is kept. */
  layout() {
    this.places = this.#read();
    return {
      version: VERSION,
      places: { ...this.places },
      view: { ...this.view },
      views: { ...this.views },
      hidden: [...this.hidden],
      own: [...this.own],
    };
  }

  /** The view of one panel: its own choices over those for all. */
  viewOf(id) {
    return { ...this.view, ...(this.views[id] ?? {}) };
  }

  /** Changes the view of all panels. */
  chooseForAll(change) {
    this.view = clean({ ...this.view, ...change });
    // What is chosen for all is meant for all: single choices of the same thing give way.
    for (const id of Object.keys(this.views)) {
      for (const key of Object.keys(change)) delete this.views[id][key];
    }
    this.#changed();
  }

  /** Changes the view of one panel. */
  choose(id, change) {
    this.views[id] = clean({ ...(this.views[id] ?? {}), ...change });
    this.#changed();
  }

  hide(id) {
    this.hidden.add(id);
    this.#changed();
  }

  unhide(ids) {
    ids.forEach((id) => this.hidden.delete(id));
    this.#changed();
  }

  addOwn(panel) {
    this.own = [...this.own, panel];
    this.#changed();
  }

  removeOwn(id) {
    this.own = this.own.filter((panel) => panel.id !== id);
    this.#changed();
  }

  /** Keeps the arrangement soon; several changes become one request. */
  save() {
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.#send(), SAVE_AFTER);
  }

  /** Sends at once what waits. */
  flush() {
    if (this.#timer) this.#send();
  }

  /**
   * Keeps places that panels took by themselves, so that they stand there when the page opens again.
   *
   * Nobody asked for it: who may not keep anything is not told.
   */
  async keepPlaces() {
    this.#again = true;
    if (this.#keeping) return this.#keeping;
    this.#keeping = (async () => {
      while (this.#again) {
        this.#again = false;
        await this.#addPlaces();
      }
    })();
    await this.#keeping;
    this.#keeping = null;
  }

  /** What is kept is read first: another window may have changed it since this page was opened. */
  async #addPlaces() {
    const { connection, run } = this.#model;
    if (this.#timer || this.#model.refusal("tune", { ended: true })) return; // what waits holds all places
    try {
      const { data } = await connection.request("getLayout", { run });
      const layout = withPlaces(data || null, this.#read(), VERSION);
      if (layout && !this.#timer) await connection.request("saveLayout", { run, layout });
    } catch {
      // The panels stand where they stand all the same; the next that comes tries again.
    }
  }

  #changed() {
    this.emit("change");
    this.save();
  }

  async #send() {
    clearTimeout(this.#timer);
    this.#timer = null;
    const reason = this.#model.refusal("tune", { ended: true });
    if (reason) {
      this.emit("unsaved", reason);
      return;
    }
    const layout = this.layout();
    try {
      await this.#model.connection.request("saveLayout", { run: this.#model.run, layout });
    } catch (error) {
      if (!error.lost) this.emit("unsaved", error.message);
    }
  }
}

function clean(view) {
  return Object.fromEntries(Object.entries(view).filter(([, value]) => value !== undefined));
}
