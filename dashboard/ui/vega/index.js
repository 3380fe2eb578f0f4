// Vega-Lite, in a file of its own that is loaded when a chart of its grammar comes. Expressions are interpreted, never compiled: the
// pages' Content-Security-Policy allows no eval. Nothing is loaded from anywhere, whatever a spec or its data says.
import embed from "vega-embed";
import { mergeConfig, Warn } from "vega";
import { expressionInterpreter } from "vega-interpreter";

const refuse = () => Promise.reject(new Error("A chart may not load anything: put the data in a series."));
const loader = { load: refuse, sanitize: refuse, http: refuse, file: refuse, options: {} };

/**
 * Draws a chart in place of what was there.
 *
 * @param {Element} element
 * @param {object} spec a Vega-Lite chart with its data.
 * @returns {Promise<{view: object, finalize: () => void}>} `view` is Vega's.
 */
export function draw(element, spec) {
  return embed(element, spec, {
    mode: "vega-lite",
    actions: false,
    renderer: "canvas",
    ast: true,
    expr: expressionInterpreter,
    loader,
    tooltip: { theme: document.documentElement.dataset.theme === "dark" ? "dark" : "light" },
    logLevel: Warn,
    downloadFileName: "chart",
  });
}

export { mergeConfig };
