// The grid of panels: people drag and resize, and the arrangement comes back for runs of the same name.
import { GridStack } from "gridstack";
import { h } from "../dom.js";
import { firstPlaces, meet, withoutHoles } from "./kept-places.js";
import { aside, narrower, roomier } from "./roomier.js";

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
  #closed = false; // whether some stand in holes of panels that are not there: then what was kept holds for when these come
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

  /** Puts all tiles where they were kept, or into the holes of panels that are not there; those without a kept place follow below. */
  arrange() {
    if (!this.#stack || this.#stack.getColumn() !== COLUMNS) return;
    this.#placed = true;
    const { nodes } = this.#stack.engine;
    const kept = [...this.#places].map(([id, place]) => ({ ...place, id }));
    const known = withoutHoles(kept, new Set(nodes.map(({ id }) => id)));
    this.#closed = known.some(({ id, x, y }) => x !== this.#places.get(id).x || y !== this.#places.get(id).y);
    if (!known.length) return;
    const foot = Math.max(...known.map(({ y, h: height }) => y + height));
    const rest = nodes.filter((node) => !this.#places.has(node.id));
    // All in one go: a tile that is put among others, which are still to be moved, pushes whole rows of them down.
    this.#stack.load([...known, ...rest.map(({ id, x, y, w, h: height }) => ({ id, x, y: y + foot, w, h: height }))], false);
  }

  /** The places as they are, `{id: {x, y, w, h}}`, those of absent panels included. */
  places() {
    if (this.#stack.getColumn() === COLUMNS) {
      for (const { id, x, y, w, h: height } of this.#stack.engine.nodes)
        if (!this.#closed || !this.#places.has(id)) this.#places.set(id, { x, y, w, h: height });
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
    if (this.#closed && tiles.some(kept)) this.arrange();
    if (keep && tiles.some(({ panel }) => !this.#places.has(panel.id))) this.#unkept = true;
    this.#tellPlaced();
  }

  remove(tile) {
    this.#stack.removeWidget(tile.element, true, false);
  }

  /** Moves or resizes a tile without a pointer: along x by a usual panel's width, along y by a row. */
  nudge(tile, { w = 0, h: height = 0, x = 0, y = 0 }) {
    const columns = this.#stack.getColumn();
    const node = tile.element.gridstackNode;
    const places = () => this.#stack.engine.nodes.map((one) => ({ id: one.id, x: one.x, y: one.y, w: one.w, h: one.h }));
    // All in one go, as in `arrange`: of one that grows the neighbours make room without leaving a hole.
    if (w > 0) this.#stack.load(roomier(places(), node.id, "w", columns, SIZE.w), false);
    else if (height > 0) this.#stack.load(roomier(places(), node.id, "h", columns), false);
    else if (x) this.#stack.load(aside(places(), node.id, x * Math.min(SIZE.w, columns), columns), false);
    else {
      const change = w ? { w: narrower(node.w, SIZE.w) } : height ? { h: Math.max(3, node.h + height) } : { y: Math.max(0, node.y + y) };
      this.#stack.update(tile.element, change);
    }
    this.#arranged();
  }

  /**
   * Forgets the arrangement and packs the tiles in an order.
   *
   * @param {string[]} ids - of the panels, in that order.
   */
  reset(ids) {
    this.#places = new Map(firstPlaces(ids, COLUMNS, SIZE).map(({ id, ...place }) => [id, place]));
    this.#closed = false;
    this.#stack.load(firstPlaces(ids, this.#stack.getColumn(), SIZE), false); // all in one go, as in `arrange`
    this.#placed = this.#stack.getColumn() === COLUMNS;
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
    if (!this.#unkept || this.#closed || this.#stack.getColumn() !== COLUMNS) return;
    this.#unkept = false;
    this.#onPlaced();
  }

  #arranged() {
    if (this.#closed) {
      // From now on these places are somebody's choice: who comes later takes what is free.
      this.#closed = false;
      const { nodes } = this.#stack.engine;
      for (const [id, place] of [...this.#places])
        if (!nodes.some((node) => node.id === id) && nodes.some((node) => meet(node, place))) this.#places.delete(id);
    }
    this.#onArranged();
  }
}
