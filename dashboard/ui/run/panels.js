// Which panels a run has: one for each chart of each metric, the charts that bundles give, and series that belong to no metric.

/**
 * @typedef {object} PanelSpec
 * @property {string} id - the same in every run of that name, so that the arrangement finds it again.
 * @property {string} title
 * @property {object|null} spec - the chart spec; null is "by the value".
 * @property {object|null} metric - the metric it shows.
 * @property {string} [origin] - the bundle that gave the chart, where it is no metric's.
 * @property {string} [own] - set for panels that a person made on the page.
 * @property {{panel: string, origin: string}} [awaits] - of a panel that a page brought: the one it stands for, and whose that is.
 * @property {string} [waits] - what such a panel waits for, in a sentence; empty where there is something to show.
 * @property {string} [insteadOf] - the id of such a panel in whose place this one stands, now that it has come.
 */

/**
 * @param {object} catalogue
 * @param {{id: string, title: string, spec: object, page?: string, panel?: string, origin?: string}[]} [own] - panels a person made, or
 *   that a page of panels (`page`) brought for others that the run did not have (`panel`, of the bundle `origin`).
 * @returns {PanelSpec[]}
 */
export function panelsOf(catalogue, own = []) {
  const panels = [];
  const shown = new Set();
  const covers = (pattern) => {
    for (const name of Object.keys(catalogue.series)) if (matches(pattern, name)) shown.add(name);
  };
  for (const metric of catalogue.metrics) {
    const charts = metric.charts?.length ? metric.charts : [null];
    charts.forEach((spec, number) =>
      panels.push({
        id: `metric:${metric.name}${number ? `:${number}` : ""}`,
        title: spec?.title || metric.name,
        spec,
        metric,
      }),
    );
    metric.series.forEach((name) => shown.add(name));
    shown.add(metric.name);
  }
  catalogue.charts.forEach((spec, number) => {
    (spec.series ?? []).forEach(covers);
    panels.push({
      id: `chart:${spec.title || (spec.series ?? []).join("+")}`,
      title: spec.title || (spec.series ?? []).join(", "),
      spec,
      metric: null,
      origin: catalogue.chart_origins?.[number] ?? "",
    });
  });
  for (const name of Object.keys(catalogue.series)) {
    // The epochs are an x axis; what a removed metric gave is history; values of policies are kept where they change, as steps, and
    // stand beside their hyperparameter.
    if (shown.has(name) || name === "epoch" || name.startsWith("hp/") || catalogue.retired?.includes(name)) continue;
    panels.push({
      id: `series:${name}`,
      title: name,
      spec: { bidviz_chart: 1, ...seriesSpec(catalogue.series[name], name) },
      metric: null,
    });
  }
  const given = [...unique(panels)];
  for (const one of own) {
    const { id, title, spec, page, panel = "", origin = "" } = one;
    const come = page === undefined ? undefined : cameFor(one, given);
    if (come) come.insteadOf ??= id;
    else if (page === undefined) panels.push({ id, title, spec, metric: null, own: id });
    else panels.push({ id, title, spec, metric: null, own: id, awaits: { panel, origin }, waits: waitsFor(one, catalogue) });
  }
  return unique(panels);
}

/** The run's panel for which one of a page stood: of the same id, else of the same kind and title. */
function cameFor({ panel, title, spec }, panels) {
  const alike = panels.filter((one) => one.title === title && (one.spec?.kind ?? "Line") === spec?.kind);
  return panels.find(({ id }) => id === panel) ?? alike.find(({ insteadOf }) => !insteadOf) ?? alike[0];
}

function waitsFor({ spec, origin = "" }, catalogue) {
  const series = spec?.series ?? [];
  if (!series.length || series.some((pattern) => Object.keys(catalogue.series).some((name) => matches(pattern, name)))) return "";
  const bundle = origin.split(" ")[0];
  const origins = [...catalogue.metrics.map((metric) => metric.origin), ...(catalogue.chart_origins ?? [])];
  if (bundle && !origins.some((one) => one?.split(" ")[0] === bundle)) return `It waits for ${origin}, which is not loaded: see Discover.`;
  return `It waits for ${series.join(", ")}, which this run does not have.`;
}

const BY_KIND = {
  scalar: "Line",
  histogram: "HistogramChart",
  matrix: "Heatmap",
  image: "ImageGrid",
  table: "TableView",
  text: "TextView",
};

function seriesSpec(kind, name) {
  return { kind: BY_KIND[kind] ?? "Bar", series: [name] };
}

/** Whether a series' name fits a name or a pattern with `*`. */
export function matches(pattern, name) {
  if (!pattern.includes("*")) return pattern === name;
  const escaped = pattern.split("*").map((part) => part.replace(/[.+?^${}()|[\]\\]/g, "\\$&"));
  return new RegExp(`^${escaped.join(".*")}$`).test(name);
}

function unique(panels) {
  const seen = new Map();
  for (const panel of panels) {
    const count = seen.get(panel.id) ?? 0;
    seen.set(panel.id, count + 1);
    if (count) panel.id = `${panel.id}~${count}`;
  }
  return panels;
}
