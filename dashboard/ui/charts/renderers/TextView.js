/** The latest text. */

import { h, setText } from "../../dom.js";
import { formatExact } from "../../numbers.js";
import { rowsOf } from "../export.js";

const MOST = 500; // lines of a value that is no text

class TextChart {
  constructor(host, panel) {
    this.panel = panel;
    this.text = h("pre", { class: "bvc-text" });
    host.append(h("div", { class: "bvc-scroll", tabindex: "0" }, this.text));
  }

  draw() {
    const { panel } = this;
    const value = panel.record(panel.names[0])?.value;
    const written = () => rowsOf(value).slice(0, MOST).join("\n");
    const scalars = () => panel.lines().map(({ label, series }) => `${label}: ${formatExact(series.latest?.value)}`).join("\n");
    setText(this.text, value ? (value.text ?? written()) : scalars());
  }
}

export default { light: false, create: (host, panel) => new TextChart(host, panel) };
