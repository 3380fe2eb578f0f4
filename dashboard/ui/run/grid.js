// The grid of panels: people drag and resize, and the arrangement comes back for runs of the same name.
import { GridStack } from "gridstack";
import { h } from "../dom.js";
import { roomier } from "./roomier.js";

const COLUMNS = 12;
const CELL = 44;
const MARGIN = 4;
const SIZE = { w: 3, h: 5 };

/** Places tiles; tells of every change of the arrangement that a person made. */
export class Grid {
  element = h("div", { class: "grid-stack bv-grid" });
  #stack = null;
  #placed = false; // whether the tiles have stood on all columns, so that gridstack knows their places itself
  #watch = new ResizeObserver(() => this.#placeWhenWide());
  #places = new Map(); // what was kept, also for panels that are not there yet
  #unkept = false; // whether a tile has taken a place by itself since the last `onPlaced`
  #onArranged;
  #onPlaced;

  /**
   * @param {() => void} onArranged - the person moved or resized something.
   * @param {() => void} onPlaced - tiles took places by themselves, on all columns.
   */
  constructor(onArranged, onPlaced) {
    this.#onArranged = onArranged;
    this.#onPlaced = onPlaced;
  }

  /** To be called once the element is in the document. */
  start() {
    this.#stack = GridStack.init(
      {
        column: COLUMNS,
        cellHeight: CELL,
        margin: MARGIN,
        handle: ".bv-tile-head",
        draggable: { cancel: "button, .bv-button" },
        resizable: { handles: "se, sw, e, s" },
        float: false,
        animate: false,
        columnOpts: {
          breakpoints: [
            { w: 640, c: 1 },
            { w: 880, c: 6 },
          ],
          columnMax: COLUMNS,
          layout: "list",
        },
      },
      this.element,
    );
    this.#watch.observe(this.element);
    for (const event of ["dragstop", "resizestop"]) this.#stack.on(event, () => this.#arranged());
  }

  /** Gives the places that were kept, `{id: {x, y, w, h}}`, before the tiles are added that they are for. */
  keep(places) {
    this.#places = new Map(Object.entries(places ?? {}));
    this.#placed = false;
  }

  /** Puts all tiles where they were kept; those without a kept place follow below. */
  arrange() {
    if (!this.#stack || this.#stack.getColumn() !== COLUMNS) return;
    this.#placed = true;
    const { nodes } = this.#stack.engine;
    const known = nodes.filter((node) => this.#places.has(node.id)).map(({ id }) => ({ id, ...this.#places.get(id) }));
    if (!known.length) return;
    const foot = Math.max(...known.map(({ y, h: height }) => y + height));
    const rest = nodes.filter((node) => !this.#places.has(node.id));
    // All in one go: a tile that is put among others, which are still to be moved, pushes whole rows of them down.
    this.#stack.load([...known, ...rest.map(({ id, x, y, w, h: height }) => ({ id, x, y: y + foot, w, h: height }))], false);
  }

  /** The places as they are, `{id: {x, y, w, h}}`, those of absent panels included. */
  places() {
    if (this.#stack.getColumn() === COLUMNS) {
      for (const { id, x, y, w, h: height } of this.#stack.engine.nodes) this.#places.set(id, { x, y, w, h: height });
    }
    return Object.fromEntries(this.#places);
  }

  /** Whether a panel has a place that is kept. */
  knows(id) {
    return this.#places.has(id);
  }

  /** Gives a panel the place of another; false where that has none. */
  handOver(from, to) {
    const place = this.places()[from];
    if (place) this.#places.set(to, place);
    return Boolean(place);
  }

  /**
   * Adds tiles in one go; those without a kept place take what the others leave.
   *
   * @param {import("./tile.js").Tile[]} tiles
   * @param {{keep?: boolean}} [options] - `keep`: whether `onPlaced` is to hear of places that tiles take by themselves.
   */
  add(tiles, { keep = false } = {}) {
    const wide = this.#stack.getColumn() === COLUMNS;
    const kept = (tile) => (wide ? this.#places.get(tile.panel.id) : undefined);
    this.#stack.batchUpdate();
    for (const tile of [...tiles.filter(kept), ...tiles.filter((one) => !kept(one))]) {
      const place = kept(tile);
      this.#stack.el.append(tile.element);
      this.#stack.makeWidget(tile.element, {
        id: tile.panel.id,
        minW: 2,
        minH: 3,
        ...(place ?? { ...SIZE, autoPosition: true }),
      });
    }
    this.#stack.batchUpdate(false);
    if (keep && tiles.some(({ panel }) => !this.#places.has(panel.id))) this.#unkept = true;
    this.#tellPlaced();
  }

  remove(tile) {
    this.#stack.removeWidget(tile.element, true, false);
  }

  /** Moves or resizes a tile without a pointer; of one that grows the neighbours make room without leaving a hole. */
  nudge(tile, change) {
    const node = tile.element.gridstackNode;
    const side = Object.keys(change).find((key) => (key === "w" || key === "h") && change[key] > 0);
    if (side) {
      const places = this.#stack.engine.nodes.map(({ id, x, y, w, h: height }) => ({ id, x, y, w, h: height }));
      this.#stack.load(roomier(places, node.id, side, this.#stack.getColumn()), false); // all in one go, as in `arrange`
      this.#arranged();
      return;
    }
    const next = { x: node.x, y: node.y, w: node.w, h: node.h };
    for (const [key, by] of Object.entries(change))
      next[key] = Math.max(key === "w" ? 2 : key === "h" ? 3 : 0, next[key] + by);
    this.#stack.update(tile.element, next);
    this.#arranged();
  }

  /** Forgets the arrangement and packs the tiles in their order. */
  reset() {
    this.#places.clear();
    this.#stack.batchUpdate();
    for (const node of this.#stack.engine.nodes) this.#stack.update(node.el, SIZE);
    this.#stack.compact("list");
    this.#stack.batchUpdate(false);
    this.#arranged();
  }

  destroy() {
    this.#watch.disconnect();
    this.#stack?.destroy(false);
  }

  /** A page that began narrow gets its arrangement when it becomes wide. */
  #placeWhenWide() {
    if (!this.#placed) this.arrange();
    this.#tellPlaced();
  }

  /** The places on fewer columns are nobody's choice: they are told of once there are all. */
  #tellPlaced() {
    if (!this.#unkept || this.#stack.getColumn() !== COLUMNS) return;
    this.#unkept = false;
    this.#onPlaced();
  }

  #arranged() {
    this.#onArranged();
  }
}
