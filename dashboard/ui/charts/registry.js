/**
 * Renderers by the kind of chart they draw. A renderer is a file in `renderers/` named after the kind; a bundle's own comes from the
 * bundle (`extensions.js`).
 *
 * A renderer's default export is `{light, create(host, panel, tools)}`: `light` says that drawing costs about a millisecond and
 * may happen many times a second, and `create` puts its elements into `host` and returns
 * `{draw(), destroy?(), canvas?() → canvas, png?() → canvas or promise}`. `panel` is described in `panel.js`, `tools` in `bundle-tools.js`.
 */

import { isOwnKind, ownRenderer } from "./extensions.js";

const registered = new Map();

/**
 * Registers a renderer for a kind of chart, in place of ours if there is one.
 *
 * @param {string} kind the chart spec's kind.
 * @param {{light?: boolean, create: (host: Element, panel: object) => object}} renderer
 */
export function registerRenderer(kind, renderer) {
  if (typeof renderer?.create !== "function") {
    throw new Error(`The renderer for "${kind}" has no function "create(host, panel)".`);
  }
  registered.set(kind, renderer);
}

/**
 * The renderer of a kind.
 *
 * @throws {Error} there is none.
 */
export async function rendererFor(kind) {
  if (registered.has(kind)) return registered.get(kind);
  if (isOwnKind(kind)) {
    const own = await ownRenderer(kind);
    if (own) return own;
    throw new Error(`A chart of kind “${kind}” cannot be drawn here: install the bundle that draws it where the dashboard runs, and load the page again.`);
  }
  // The kind comes from a training: only a plain word may become part of a file's name.
  if (/^[A-Za-z0-9]+$/.test(kind)) {
    try {
      return (await import(`./renderers/${kind}.js`)).default;
    } catch (error) {
      if (registered.has(kind)) return registered.get(kind);
      console.warn(`No renderer for "${kind}":`, error);
    }
  }
  throw new Error(`A chart of kind "${kind}" cannot be drawn here: the dashboard has no renderer for it.`);
}
