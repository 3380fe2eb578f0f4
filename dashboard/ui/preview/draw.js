/** A bundle's metrics and charts on a page, drawn from its samples. Inside the dashboard this is imported as it stands. */

import "../charts/charts.css";
import "./preview.css";
import { fill, h } from "../dom.js";
import { placeLibraries } from "../libraries.js";
import { formatDuration, formatPercent } from "../numbers.js";
import { onThemeChange, readTheme } from "../theme.js";
import { matchNames } from "../charts/choose.js";
import { placeRenderers } from "../charts/extensions.js";
import { createPanel } from "../charts/panel.js";
import { storeOfSamples } from "../charts/samples.js";

/**
 * Draws every metric's and every chart's panel of a bundle.
 *
 * @param {Element} element an empty one on the page; panels fill its width, side by side where they have room.
 * @param {object} description the decoded `bidviz-bundle.json`.
 * @param {object} [options]
 * @param {"light" | "dark"} [options.theme] the page's own if there is none.
 * @param {{plotly?: string, vega?: string}} [options.libraries] where the drawing libraries are, if not beside the module.
 * @param {Object<string, string | {script: string, style?: string}>} [options.renderers] the scripts that draw the bundle's own kinds.
 * @param {(panel: object) => boolean} [options.only] which of `panelsOfBundle` to draw; all by default.
 * @returns {{ready: Promise<void>, destroy: () => void}} `ready` resolves when each panel is drawn or says why it is not; panels
 *   out of sight are drawn when they are seen.
 */
export function drawBundle(element, description, { theme, libraries = {}, renderers = {}, only = () => true } = {}) {
  placeLibraries(libraries);
  placeRenderers(renderers);
  const store = storeOfSamples(description.samples ?? {});
  const place = h("div", { class: "bvp", "data-theme": theme });
  const drawn = [];
  fill(element, place);
  for (const group of groupsOf(description, only)) {
    const boxes = group.panels.map((panel) => ({ panel, box: h("div", { class: "bvp-chart" }) }));
    place.append(
      h(
        "section",
        { class: "bvp-group", "data-metric": group.metric?.name },
        group.metric && headOf(group.metric),
        h("div", { class: "bvp-panels" }, boxes.map(({ panel, box }) => figureOf(panel, box))),
      ),
    );
    const colours = readTheme(theme ? place : undefined);
    for (const { panel, box } of boxes) {
      const { spec, metric, title } = panel;
      // Samples have no clock: what would run over time runs over steps.
      const view = spec?.x === "time" ? { x: "step" } : {};
      drawn.push(createPanel(box, { id: panel.id, spec, metric, store, view, theme: colours, title }));
    }
  }
  if (!drawn.length) place.append(h("p", { class: "bvp-nothing", text: "This bundle has no charts." }));
  const off = theme ? () => {} : onThemeChange((changed) => drawn.forEach((panel) => panel.recolour(changed)));
  return {
    ready: Promise.all(drawn.map((panel) => panel.drawn)).then(() => {}),
    destroy() {
      off();
      drawn.forEach((panel) => panel.destroy());
      store.destroy();
      fill(element);
    },
  };
}

/**
 * What `drawBundle` draws, in its order.
 *
 * @param {object} description
 * @returns {{id: string, title: string, spec: ?object, metric: ?object, help: string}[]} `id` is
 *   `metric:NAME`, `metric:NAME:1`, … or `chart:TITLE`, and stands on the page as `data-panel`.
 */
export function panelsOfBundle(description) {
  return groupsOf(description, () => true).flatMap(({ panels }) => panels);
}

function groupsOf({ metrics = [], charts = [], samples = {} }, only) {
  const names = Object.keys(samples);
  const groups = metrics.map((described) => {
    const series = names.filter((name) => name === described.name || name.startsWith(`${described.name}/`));
    const metric = { ...described, series: series.length ? series : [described.name], kind: samples[series[0]]?.kind };
    const specs = described.charts?.length ? described.charts : [null];
    const panels = specs.map((spec, i) => ({
      id: `metric:${described.name}${i ? `:${i}` : ""}`,
      title: spec?.title || described.name,
      spec,
      metric,
      help: spec?.help ?? "",
    }));
    return { metric, panels: panels.filter(only) };
  });
  const several = charts.map((spec) => {
    const title = spec.title || matchNames(spec.series ?? [], names).join(", ") || spec.kind;
    return { id: `chart:${title}`, title, spec, metric: null, help: spec.help ?? "" };
  });
  return [...groups, { metric: null, panels: several.filter(only) }].filter(({ panels }) => panels.length);
}

function headOf({ name, help, every = 1, where, arguments: needs = [], cost, share, cost_on: on }) {
  const facts = [
    every > 1 ? `every ${every} steps` : "every step",
    needs.length > 0 && `reads ${needs.join(", ")}`,
    where === "worker" && "runs in the worker",
    costOf(cost, share, on),
  ];
  return h(
    "header",
    { class: "bvp-head" },
    h("h3", { text: name }),
    help && h("p", { class: "bvp-help", text: help }),
    h("ul", { class: "bvp-facts" }, facts.filter(Boolean).map((text) => h("li", { text }))),
  );
}

/** What one value costs: measured on a sample learner, or unknown. */
function costOf(cost, share, on) {
  if (typeof cost !== "number") return "cost not measured";
  const part = typeof share === "number" ? `, ${formatPercent(share)} of a step` : "";
  return `${formatDuration(cost / 1e6)} a value${part}${on ? ` on the sample ${on}` : ""}`;
}

function figureOf({ id, title, help }, box) {
  return h(
    "figure",
    { class: "bvp-panel", "data-panel": id },
    h("h4", { text: title }),
    box,
    help && h("figcaption", { text: help }),
  );
}
