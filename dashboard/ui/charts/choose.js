/** Which chart a value gets when nobody said, and which series a chart shows. */

import { namedSeries } from "./grammar.js";

const BY_KIND = { scalar: "Line", array: "Bar", matrix: "Heatmap", histogram: "HistogramChart", image: "ImageGrid", table: "TableView", text: "TextView" };

/**
 * @param {string} kind the kind of the value: `"scalar"`, `"array"`, `"matrix"`, `"histogram"`, `"image"`, `"table"`, `"text"`.
 * @param {?object} spec the chart spec there is, if any.
 * @param {?object} value the value itself, where it is at hand: an array of two dimensions is drawn as a heatmap.
 * @returns {object} a chart spec.
 */
export function chooseSpec(kind, spec = null, value = null) {
  if (typeof spec === "string") return { kind: spec };
  // A bundle's own kind, as core holds it, says what it is in `of`.
  if (spec?.kind === "Own") return { ...spec, ...spec.fields, kind: spec.of };
  if (spec?.kind) return spec;
  const flat = !(value?.shape?.length > 1 && value.shape[1] > 1 && value.shape[0] > 1);
  const chosen = kind === "array" && !flat ? "Heatmap" : (BY_KIND[kind] ?? "TextView");
  return { kind: chosen };
}

/**
 * What a chart shows: what its spec names, in `series` or where its data goes, or else what its metric gives.
 *
 * @param {?object} spec
 * @param {?object} metric
 * @returns {string[]} names and patterns.
 */
export function patternsOf(spec, metric) {
  const named = namedOf(spec);
  if (named.length) return named;
  return metric?.series?.length ? metric.series : [metric?.name].filter(Boolean);
}

/** What a spec itself names. */
export function namedOf(spec) {
  const { series, ...free } = spec ?? {};
  return [...new Set([...(series ?? []), ...namedSeries(free)])];
}

/**
 * The names that patterns stand for, in the patterns' order.
 *
 * @param {string[]} patterns names, or names with `*`.
 * @param {string[]} names all there are.
 * @returns {string[]} a plain name stands for itself, whether it is there yet or not.
 */
export function matchNames(patterns, names) {
  const found = new Set();
  for (const pattern of patterns) {
    if (!pattern.includes("*") || names.includes(pattern)) found.add(pattern);
    else {
      const parts = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
      const expression = new RegExp(`^${parts.join(".*")}$`);
      for (const name of names) if (expression.test(name)) found.add(name);
    }
  }
  return [...found];
}

/** Names without what they all begin with (up to a `/` or `.`): `layer/0`, `layer/1` → `0`, `1`. */
export function shortNames(names) {
  if (names.length < 2) return names;
  let common = names.reduce((shared, name) => {
    let same = 0;
    while (same < shared.length && shared[same] === name[same]) same++;
    return shared.slice(0, same);
  });
  common = common.slice(0, Math.max(common.lastIndexOf("/"), common.lastIndexOf(".")) + 1);
  return names.map((name) => name.slice(common.length) || name);
}
