// The choice of a chart for a metric.
import { h } from "../dom.js";

const CHOICES = [
  ["by the value", ""],
  ["Line", "Line"],
  ["Line, log scale", "Line/log"],
  ["Area (band of least and largest)", "Area"],
  ["Bar", "Bar"],
  ["Histogram", "HistogramChart"],
  ["Ridge (histograms over steps)", "Ridge"],
  ["Heatmap", "Heatmap"],
  ["Confusion matrix", "ConfusionMatrix"],
  ["Scatter", "Scatter"],
  ["Images", "ImageGrid"],
  ["Table", "TableView"],
  ["Text", "TextView"],
];
const KEEP = "keep";

/** A select of chart kinds; the charts a metric has already can be kept as they are. */
export class ChartChoice {
  #kept;

  /**
   * @param {object[]} charts - the specs the metric has.
   * @param {() => void} onChange
   */
  constructor(charts, onChange) {
    this.#kept = charts ?? [];
    const options = this.#kept.length
      ? [[`as it is (${this.#kept.map((chart) => chart.kind).join(", ")})`, KEEP], ...CHOICES]
      : CHOICES;
    this.element = h(
      "select",
      { "aria-label": "Chart", onchange: onChange },
      options.map(([text, value]) => h("option", { value, text })),
    );
  }

  /** What goes into a request: a spec, or null for "by the value". */
  get spec() {
    const chosen = this.element.value;
    // Several charts can only come from the code itself, which says them again.
    if (chosen === KEEP) return this.#kept.length === 1 ? this.#kept[0] : null;
    return chosen ? specOf(chosen) : null;
  }

  choose(chart) {
    const kind = typeof chart === "string" ? chart : (chart?.kind ?? "");
    const log = typeof chart === "object" && chart?.y_scale === "log" ? "/log" : "";
    const wanted = CHOICES.some(([, value]) => value === kind + log) ? kind + log : kind;
    this.element.value = CHOICES.some(([, value]) => value === wanted) ? wanted : "";
  }
}

function specOf(chosen) {
  const [kind, scale] = chosen.split("/");
  return { bidviz_chart: 1, kind, ...(scale ? { y_scale: scale } : {}) };
}
