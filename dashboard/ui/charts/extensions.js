/**
 * Kinds of charts that bundles draw themselves. Their scripts come from the dashboard, which found them in its own environment; a
 * training names a kind and never brings a script.
 */

const LISTING = "/bidviz/extensions.json";
const OWN = /^[a-z][a-z0-9_-]*\.[A-Za-z]\w*$/;
const AGAIN = 3000; // ms after which what was not there is asked for again

let listing = null;
let asked = -Infinity;
const placed = new Map();
const loading = new Map();

/** Says where renderers are, on a page that is not the dashboard's. */
export function placeRenderers(renderers) {
  for (const [kind, one] of Object.entries(renderers)) placed.set(kind, typeof one === "string" ? { script: one } : one);
}

/** Says that there is no dashboard to ask: what is placed is all there is. */
export function withoutDashboard() {
  listing = Promise.resolve({ renderers: [], pages: [], problems: [] });
  asked = Infinity;
}

/** Whether a kind is named as bundles name theirs. */
export function isOwnKind(kind) {
  return OWN.test(kind);
}

/**
 * What the bundles of the dashboard's environment give.
 *
 * @returns {Promise<{renderers: object[], pages: object[], problems: {origin: string, message: string}[]}>}
 */
export function extensions() {
  if (!listing || performance.now() - asked > AGAIN) {
    asked = performance.now();
    listing = fetch(LISTING).then((answer) => {
      if (!answer.ok) throw new Error(`The dashboard does not say which bundles draw charts (${answer.status}).`);
      return answer.json();
    });
    listing.catch(() => (listing = null));
  }
  return listing;
}

/**
 * Loads the script of a bundle's kind of chart, once.
 *
 * @param {string} kind
 * @returns {Promise<?object>} the renderer; `null` where no bundle here draws that kind.
 * @throws {Error} the script cannot be loaded, or gives no renderer.
 */
export async function ownRenderer(kind) {
  const found = placed.get(kind) ?? (await extensions()).renderers.find((one) => one.kind === kind);
  if (!found) return null;
  if (!loading.has(found.script)) loading.set(found.script, load(kind, found));
  try {
    return await loading.get(found.script);
  } catch (error) {
    loading.delete(found.script);
    throw error;
  }
}

async function load(kind, { script, style, origin = "the bundle" }) {
  if (style && !document.querySelector(`link[href="${CSS.escape(style)}"]`)) {
    const link = Object.assign(document.createElement("link"), { rel: "stylesheet", href: style });
    document.head.append(link);
  }
  let module;
  try {
    module = await import(script);
  } catch (error) {
    throw new Error(`The script that draws “${kind}” (of ${origin}) failed: ${error.message}`);
  }
  if (typeof module.default?.create !== "function") {
    throw new Error(`The script that draws “${kind}” (of ${origin}) exports no { create(host, panel, tools) } as its default.`);
  }
  return module.default;
}
