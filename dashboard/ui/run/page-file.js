// A page of panels as a file: what stands on the board written down, and read back into an arrangement. No page is touched here.
import { matches } from "./panels.js";

export const COLUMNS = 12;
const FORMAT = 1;
const SIZE = { w: 3, h: 5 };
const BY_KIND = {
  scalar: "Line",
  scalars: "Line",
  histogram: "HistogramChart",
  matrix: "Heatmap",
  image: "ImageGrid",
  table: "TableView",
  text: "TextView",
};

/**
 * Writes a page down.
 *
 * @param {{title: string, help?: string, when?: string[]}} about
 * @param {import("./panels.js").PanelSpec[]} panels - those that stand on the board.
 * @param {Record<string, {x: number, y: number, w: number, h: number}>} places
 * @param {object[]} metrics - the run's.
 * @returns {object} a `PageFile`: metrics that a person typed travel with what shows them, those of bundles are named by their panels.
 */
export function pageOf({ title, help = "", when = [] }, panels, places, metrics) {
  const charts = panels.map(chartOf);
  const typed = metrics.filter(({ origin, code, ...one }) => origin === "person" && code && charts.some((chart) => draws(chart, one)));
  return {
    bidviz_page: FORMAT,
    title,
    help,
    when,
    panels: inOrder(panels, places).map((panel) => ({
      chart: chartOf(panel),
      ...(places[panel.id] ?? { x: 0, y: 0, ...SIZE }),
      panel: panel.awaits?.panel || panel.id,
      ...originOf(panel),
    })),
    metrics: typed.map(metricForm),
  };
}

function draws({ series }, metric) {
  return series.some((pattern) => [metric.name, ...(metric.series ?? [])].some((name) => matches(pattern, name)));
}

function metricForm({ name, code, every, where, charts }) {
  return { name, source: code, every, where, chart: charts?.[0] ?? null };
}

function originOf({ metric, origin, awaits }) {
  const from = metric?.origin || origin || awaits?.origin || "";
  return /^bidviz-/.test(from) ? { origin: from } : {};
}

/** A chart that stands for itself: its series are named, be they its metric's. */
function chartOf({ title, spec, metric }) {
  const kind = spec?.kind ?? BY_KIND[metric?.kind] ?? "Line";
  const series = spec?.series?.length ? spec.series : seriesOf(metric);
  return { ...spec, bidviz_chart: 1, kind, title: spec?.title || title, series };
}

/** A metric with a line for each layer is written as a pattern, so that it fits a model with other layers. */
function seriesOf(metric) {
  const names = metric?.series ?? [];
  if (!metric) return [];
  if (!names.length) return [metric.name];
  return names.every((name) => name.startsWith(`${metric.name}/`)) ? [`${metric.name}/*`] : [...names];
}

function inOrder(panels, places) {
  const at = ({ id }) => (places[id] ? places[id].y * COLUMNS + places[id].x : Infinity);
  return [...panels].sort((one, other) => at(one) - at(other));
}

/** Reads a file's text. Throws a sentence. */
export function readPage(text, name) {
  let page;
  try {
    page = JSON.parse(text);
  } catch {
    throw new Error(`${name} is no JSON: expected a file that “Save this page” wrote.`);
  }
  if (!page || typeof page !== "object" || page.bidviz_page === undefined)
    throw new Error(`${name} is no page of panels: expected a file that “Save this page” wrote.`);
  if (page.bidviz_page !== FORMAT)
    throw new Error(`${name} has version ${page.bidviz_page} of the format, and ${FORMAT} is known here: renew BIDViz.`);
  const panels = Array.isArray(page.panels) ? page.panels : [];
  const bad = panels.findIndex((panel) => typeof panel?.chart?.kind !== "string" || !isPlace(panel));
  if (bad >= 0)
    throw new Error(
      `Panel ${bad + 1} of ${name} cannot be placed: expected a chart, and x, y, w and h in whole cells of ${COLUMNS} columns.`,
    );
  const metrics = Array.isArray(page.metrics) ? page.metrics : [];
  return { ...page, title: String(page.title || name), panels, metrics };
}

function isPlace({ x = 0, y = 0, w = 1, h = 1 }) {
  const whole = [x, y, w, h].every((value) => Number.isInteger(value));
  return whole && x >= 0 && y >= 0 && w >= 1 && h >= 1 && x + w <= COLUMNS;
}

/** The metrics of a page that a run has not: `{fresh, taken}`; `taken` are names under which other code runs. */
export function metricsToAdd(page, metrics) {
  const known = new Map(metrics.map((metric) => [metric.name, metric]));
  const fresh = page.metrics.filter(({ name }) => !known.has(name));
  const taken = page.metrics.filter(({ name, source }) => known.has(name) && known.get(name).code !== source);
  return { fresh, taken: taken.map(({ name }) => name) };
}

/**
 * The arrangement in which a page's panels stand at their places, and all others keep their order below.
 *
 * @param {object} page - what `readPage` gave.
 * @param {import("./panels.js").PanelSpec[]} panels - the run's panels as they are.
 * @param {object} layout - the present arrangement.
 * @param {string[]} series - the names of the run's series.
 * @returns {{layout: object, shown: string[], others: string[], missing: {title: string, origin: string}[]}} `missing` are panels
 *   whose series the run does not have: they stand there and wait.
 */
export function placed(page, panels, layout, series) {
  const own = layout.own.filter(({ page: of }) => !of || of !== page.title);
  const places = {};
  const missing = [];
  const taken = new Set();
  for (const entry of page.panels) {
    const there = panelFor(entry, panels, taken);
    const id = there ?? `page:${page.title}:${entry.chart.title || entry.chart.series?.join("+")}:${taken.size}`;
    if (!there) {
      const title = entry.chart.title || (entry.chart.series ?? []).join(", ") || "panel";
      own.push({ id, title, spec: entry.chart, page: page.title, panel: entry.panel ?? "", origin: entry.origin ?? "" });
      if (!hasSeries(entry.chart, series)) missing.push({ title, origin: entry.origin ?? "" });
    }
    taken.add(id);
    const { x = 0, y = 0, w = SIZE.w, h = SIZE.h } = entry;
    places[id] = { x, y, w, h };
  }
  const others = panels.map(({ id }) => id).filter((id) => !taken.has(id));
  const foot = Math.max(0, ...Object.values(places).map(({ y, h }) => y + h));
  const awaited = new Set(page.panels.map(({ panel }) => panel)); // what is to come is not hidden either
  const top = Math.min(...others.map((id) => layout.places[id]?.y ?? 0));
  for (const id of others) {
    const place = layout.places[id];
    if (place) places[id] = { ...place, y: place.y - top + foot };
  }
  return {
    layout: { ...layout, own, places, hidden: layout.hidden.filter((id) => !taken.has(id) && !awaited.has(id)) },
    shown: [...taken],
    others,
    missing,
  };
}

/** The panel that the run has for an entry: of the same id, else of the same kind and title. */
function panelFor({ panel, chart }, panels, taken) {
  const free = panels.filter(({ id, own }) => !taken.has(id) && !own);
  const same = ({ title, spec }) => title === chart.title && (spec?.kind ?? "Line") === chart.kind;
  return (free.find(({ id }) => id === panel) ?? free.find(same))?.id;
}

function hasSeries(chart, series) {
  return (chart.series ?? []).some((pattern) => series.some((name) => matches(pattern, name)));
}

/** Pages that bundles offer: those for this model first, then those for every model, then the rest. */
export function offeredPages(catalogue) {
  const rank = ({ fits, because, error }) => (error ? 3 : fits ? (because?.length ? 0 : 1) : 2);
  return (catalogue?.pages ?? [])
    .map((one) => ({ ...one, page: one.page && whole(one.page) }))
    .sort((one, other) => rank(one) - rank(other));
}

/** What is empty does not travel. */
function whole(page) {
  return { help: "", when: [], panels: [], metrics: [], ...page };
}

/** `torch.nn.modules.activation.MultiheadAttention` as people say it. */
export function className(qualified) {
  return qualified.split(".").at(-1);
}

/** The classes for which a page is meant, in words; the most particular ones. */
export function becauseText(because) {
  const names = [...new Set((because ?? []).map(className))];
  return names.length > 3 ? `${names.slice(0, 3).join(", ")} and ${names.length - 3} more` : names.join(", ");
}
