// The board of panels: makes, renews and takes away tiles as the catalogue and the viewer's choices change.
import { h, show } from "../dom.js";
import { openTileMenu } from "./tile-menu.js";
import { panelsOf } from "./panels.js";
import { Grid } from "./grid.js";
import { Tile } from "./tile.js";

/** All panels of a run. */
export class Board {
  #model;
  #arrangement;
  #actions;
  #page;
  #tiles = new Map();
  #grid;
  #empty = h("p", { class: "bv-empty", text: "Waiting for the run's first metrics…" });
  #hidden = h("div", { class: "bv-hidden-note" });
  #restored = false;
  #drawn = false; // whether the panels that were there first have been drawn: what comes later is kept where it stands
  element;

  /**
   * @param {import("./model.js").RunModel} model
   * @param {import("./arrangement.js").Arrangement} arrangement
   * @param {import("./actions.js").Actions} actions
   * @param {{edit: (name: string) => void, enlarge: (panel: object, view: object) => void, share: (panel: object) => void}} page
   */
  constructor(model, arrangement, actions, page) {
    this.#model = model;
    this.#arrangement = arrangement;
    this.#actions = actions;
    this.#page = page;
    this.#grid = new Grid(
      () => arrangement.save(),
      () => arrangement.keepPlaces(),
    );
    this.element = h(
      "section",
      { class: "bv-board", "aria-label": "Panels", tabindex: "-1" },
      this.#grid.element,
      this.#empty,
      this.#hidden,
    );
    arrangement.on("change", () => this.#restored && this.draw());
    for (const event of ["catalogue", "connection"]) model.on(event, () => this.draw());
    for (const event of ["status", "connection"]) model.on(event, () => this.#tiles.forEach((tile) => tile.refuse()));
    model.on("layout", (layout) => this.take(layout));
  }

  /** Takes an arrangement, be it the one that was kept or another one. */
  take(layout) {
    if (this.#arrangement.understands(layout)) this.#grid.keep(layout.places);
    this.#arrangement.restore(layout);
    this.#restored = true;
    this.draw();
    // Last: the tiles that the arrangement brings or takes away would move the others.
    this.#grid.arrange();
  }

  /** To be called once the element is in the document. */
  start() {
    this.#grid.start();
    this.draw();
  }

  /** The places of all panels. */
  places() {
    return this.#grid.places();
  }

  /** Puts the panels back into the order in which the run has them. */
  resetPlaces() {
    const panels = panelsOf(this.#model.catalogue, this.#arrangement.own);
    this.#grid.reset(panels.map(({ id }) => id).filter((id) => this.#tiles.has(id)));
  }

  /** Brings tiles in line with the catalogue and the choices; what did not change is not touched. */
  draw() {
    const { catalogue } = this.#model;
    // Without the arrangement the panels would jump as soon as it comes.
    if (!catalogue || !this.#restored) return;
    const panels = panelsOf(catalogue, this.#arrangement.own);
    const wanted = new Map(
      panels.filter((panel) => !this.#arrangement.hidden.has(panel.id)).map((panel) => [panel.id, panel]),
    );
    const changed = this.#handOver(wanted);
    for (const [id, tile] of this.#tiles) {
      if (wanted.has(id)) continue;
      tile.destroy();
      this.#grid.remove(tile);
      this.#tiles.delete(id);
    }
    const fresh = [];
    for (const [id, panel] of wanted) {
      const view = this.#arrangement.viewOf(id);
      const tile = this.#tiles.get(id);
      if (tile) tile.update(panel, view);
      else {
        this.#tiles.set(id, new Tile(this.#model, panel, view, this.#tileActions));
        fresh.push(this.#tiles.get(id));
      }
    }
    if (fresh.length) this.#grid.add(fresh, { keep: this.#drawn });
    if (changed) this.#grid.arrange(); // while one was away, the others moved up
    this.#drawn = true;
    show(this.#empty, !panels.length);
    this.#showHidden(panels.filter((panel) => this.#arrangement.hidden.has(panel.id)));
  }

  /** Gives a panel that came the place of the one that waited for it, and the other way round once it is gone. */
  #handOver(wanted) {
    let changed = false;
    for (const [id, panel] of wanted) {
      if (this.#tiles.has(id)) continue;
      const former = panel.insteadOf ?? [...this.#tiles.values()].find((tile) => tile.panel.insteadOf === id)?.panel.id;
      if (!former || (!this.#tiles.has(former) && this.#grid.knows(id))) continue;
      changed = this.#grid.handOver(former, id) || changed;
    }
    return changed;
  }

  /** Dims what does not fit the words; `jump` goes to the first that does, with the keyboard as well. */
  find(text, jump) {
    const words = text.trim().toLowerCase();
    let first = null;
    for (const tile of this.#tiles.values()) {
      const { title, metric } = tile.panel;
      const fits =
        !words ||
        `${title} ${metric?.name ?? ""} ${metric?.origin ?? ""} ${(metric?.series ?? []).join(" ")}`
          .toLowerCase()
          .includes(words);
      tile.frame.classList.toggle("bv-dimmed", !fits);
      if (fits) first ??= tile;
    }
    if (!words || !first || !jump) return;
    first.reveal();
    first.focus();
  }

  /** Gives the keyboard to the panel at the top left; where there is none, to their place. */
  focus() {
    const places = this.#grid.places();
    const at = ({ panel }) => places[panel.id] ?? { x: 0, y: 0 };
    const [first] = [...this.#tiles.values()].sort((one, other) => at(one).y - at(other).y || at(one).x - at(other).x);
    if (!first) {
      this.element.focus();
      return;
    }
    first.element.scrollIntoView({ block: "nearest" });
    first.focus();
  }

  /** Shows the panel of a metric, unhiding it where it is hidden. */
  reveal(name) {
    const panel = panelsOf(this.#model.catalogue).find((one) => one.metric?.name === name);
    if (!panel) return;
    if (this.#arrangement.hidden.has(panel.id)) this.#arrangement.unhide([panel.id]);
    this.#tiles.get(panel.id)?.reveal();
  }

  /** Shows a panel and marks it for a moment; false where there is none of that id. */
  revealPanel(id) {
    if (this.#arrangement.hidden.has(id)) this.#arrangement.unhide([id]);
    this.#tiles.get(id)?.reveal();
    return this.#tiles.has(id);
  }

  destroy() {
    this.#tiles.forEach((tile) => tile.destroy());
    this.#grid.destroy();
  }

  #tileActions = {
    menu: (tile, anchor) => this.#openMenu(tile, anchor),
    enlarge: (tile) => this.#page.enlarge(tile.panel, this.#arrangement.viewOf(tile.panel.id)),
    edit: (tile) => this.#page.edit(tile.panel.metric.name),
    retry: (tile) => this.#actions.toggle(tile.panel.metric),
    remove: (tile, anchor) => this.#actions.remove(tile.panel.metric, anchor),
  };

  #openMenu(tile, anchor) {
    const { panel } = tile;
    const { id, metric, own } = panel;
    const reasons = { code: this.#model.refusal("code"), tune: this.#model.refusal("tune") };
    openTileMenu(tile, anchor, this.#arrangement.viewOf(id), reasons, {
      edit: () => this.#page.edit(metric.name),
      enlarge: () => this.#tileActions.enlarge(tile),
      choose: (change) => this.#arrangement.choose(id, change),
      nudge: (change) => this.#grid.nudge(tile, change),
      csv: () => this.#actions.save(tile, "csv"),
      png: () => this.#actions.save(tile, "png"),
      share: () => this.#page.share(panel),
      hide: () => this.#actions.hide(panel),
      toggle: () => this.#actions.toggle(metric),
      remove: () => (own ? this.#actions.removeOwn(panel) : this.#actions.remove(metric, anchor)),
    });
  }

  #showHidden(panels) {
    show(this.#hidden, panels.length > 0);
    if (!panels.length) return;
    const names = panels.map((panel) => panel.title).join(", ");
    const link = h("button", {
      type: "button",
      class: "bv-link",
      text: "Show them",
      onclick: () => this.#arrangement.unhide(panels.map((panel) => panel.id)),
    });
    this.#hidden.replaceChildren(`${panels.length} hidden: ${names}. `, link);
  }
}
