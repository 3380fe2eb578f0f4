/** The latest table, or the latest values of the series by name. */

import { fill, h } from "../../dom.js";
import { formatExact, formatNumber } from "../../numbers.js";
import { hintScroll } from "../scroll-hint.js";

const SHORT = 24; // letters in a cell that stay on one line: a table whose lines break has other heights with each value
const MOST = 500; // rows put on the page; the rest is counted

class TableChart {
  constructor(host, panel) {
    this.panel = panel;
    this.body = h("div", { class: "bvc-scroll", tabindex: "0" });
    const aside = (this.aside = h("button", {
      class: "bvc-aside",
      type: "button",
      "aria-label": "More columns",
      title: "There are more columns: show those to the right",
      text: "›",
      onclick: () => this.body.scrollBy({ left: Math.max(40, this.body.clientWidth - 40) }),
    }));
    // In the line over the table, where there is room for it at all times: beside the table it would lie over a column's name.
    panel.readout.element.append(aside);
    host.append(this.body);
    this.hint = hintScroll(this.body, (more) => aside.classList.toggle("bvc-needless", !more.includes("right")));
  }

  draw() {
    const { columns, rows } = this.#content();
    const line = (row) => h("tr", null, ...columns.map((_, i) => cell(row[i])));
    const rest = rows.length - MOST;
    fill(
      this.body,
      h("table", { class: "bvc-table" },
        h("thead", null, h("tr", null, ...columns.map((name, i) => h("th", { scope: "col", class: typeof rows[0]?.[i] === "number" ? "bvc-number" : null, text: String(name) })))),
        h("tbody", null, ...rows.slice(0, MOST).map(line))),
      !rows.length && h("p", { class: "bvc-rest", text: "The latest table has no rows." }),
      rest > 0 && h("p", { class: "bvc-rest", text: `+ ${rest} more rows: download them as CSV` }),
    );
    this.hint.look();
  }

  destroy() {
    this.hint.stop();
    this.aside.remove();
  }

  #content() {
    const { panel } = this;
    const record = panel.record(panel.names[0]);
    const { value } = record ?? {};
    if (value?.kind === "table") return { columns: value.columns, rows: value.rows };
    if (value?.shape) {
      const width = value.shape.length > 1 ? value.data.length / value.shape[0] : 1;
      const given = value.columns?.length ? value.columns : panel.view.columns;
      const columns = Array.from({ length: width }, (_, i) => given?.[i] ?? i);
      const rows = Array.from({ length: Math.min(MOST + 1, value.data.length / width) }, (_, row) => [...value.data.subarray(row * width, (row + 1) * width)]);
      return { columns, rows };
    }
    if (value?.kind === "histogram") {
      const { counts, edges } = value;
      return { columns: ["from", "to", "count"], rows: Array.from(counts, (count, i) => [edges[i], edges[i + 1], count]) };
    }
    if (value) return { columns: ["text"], rows: [[value.text]] };
    const rows = panel.lines().map(({ label, series }) => [label, series.latest?.value ?? null, series.latest?.step ?? null]);
    return { columns: ["series", "value", "step"], rows };
  }
}

function cell(value) {
  if (typeof value !== "number") {
    const text = value === null || value === undefined ? "" : String(value);
    return h("td", { class: text.length > SHORT ? "bvc-long" : null, text });
  }
  const bad = Number.isFinite(value) ? "" : " bvc-bad";
  return h("td", { class: `bvc-number${bad}`, title: formatExact(value), text: formatNumber(value) });
}

export default { light: false, create: (host, panel) => new TableChart(host, panel) };
