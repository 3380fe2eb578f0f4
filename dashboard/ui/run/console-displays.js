// Figures, images and tables of console lines, beside the terminal, newest first.
import { h, show } from "../dom.js";
import { loadPlotly } from "../libraries.js";
import { readTheme } from "../theme.js";
import { button } from "../shell/buttons.js";

const PLOTLY = "application/vnd.plotly.v1+json";
const IMAGES = ["image/png", "image/jpeg", "image/gif", "image/svg+xml"];
const KEPT = 30;
const TABLE_STYLE =
  "<style>:root{color-scheme:light dark}body{margin:4px;font:13px system-ui,sans-serif;color:CanvasText;background:transparent}" +
  "table{border-collapse:collapse}td,th{padding:2px 8px;border:1px solid GrayText;text-align:right}</style>";

/** The form of a display that is drawn here, or `""` for text alone. */
export function richForm(data) {
  if (data[PLOTLY]) return PLOTLY;
  return IMAGES.find((kind) => data[kind]) ?? (data["text/html"] ? "text/html" : "");
}

export class Displays {
  #list = h("div", { class: "bv-console-shown" });
  #number = 0;
  element = h(
    "aside",
    { class: "bv-console-displays", "aria-label": "Figures and tables", tabindex: "0", hidden: true },
    this.#list,
  );

  /** Shows one, and gives the number that the terminal calls it by. */
  add(data) {
    this.#number += 1;
    const number = this.#number;
    const kind = richForm(data);
    const caption = (data["text/plain"] ?? "").trim().split("\n")[0].slice(0, 80);
    const title = `${kind === "text/html" ? "Table" : "Figure"} ${number}`;
    const figure = h(
      "figure",
      { class: "bv-console-figure", "aria-label": title },
      h(
        "figcaption",
        null,
        h("b", { text: title }),
        " ",
        h("span", { class: "bv-muted", text: caption === title ? "" : caption }),
        h("span", { class: "bv-spring" }),
        button(`Remove ${title}`, () => this.#remove(figure), { icon: "close", bare: true }),
      ),
      draw(kind, data, caption),
    );
    this.#list.prepend(figure);
    while (this.#list.childElementCount > KEPT) this.#remove(this.#list.lastElementChild);
    show(this.element, true);
    this.element.scrollTop = 0;
    return title;
  }

  clear() {
    for (const figure of [...this.#list.children]) this.#remove(figure);
  }

  #remove(figure) {
    const drawn = figure.querySelector(".js-plotly-plot");
    if (drawn) window.Plotly?.purge(drawn);
    figure.remove();
    show(this.element, this.#list.childElementCount > 0);
  }
}

function draw(kind, data, caption) {
  if (kind === PLOTLY) return plotly(data[PLOTLY]);
  if (kind === "text/html") return html(data[kind], caption);
  const source =
    kind === "image/svg+xml"
      ? `data:image/svg+xml;charset=utf-8,${encodeURIComponent(data[kind])}`
      : `data:${kind};base64,${data[kind]}`;
  return h("img", { src: source, alt: caption || "An image without a description" });
}

/** HTML of the training's: in a frame without scripts, forms or an origin, so that it can do nothing but be read. */
function html(text, caption) {
  const frame = h("iframe", { sandbox: "", title: caption || "A table", class: "bv-console-frame" });
  frame.srcdoc = TABLE_STYLE + text;
  const rows = (text.match(/<tr/gi) ?? []).length;
  frame.style.height = `${Math.min(420, Math.max(60, 30 + 27 * (rows || 4)))}px`;
  return frame;
}

function plotly(figure) {
  const place = h("div", { class: "bv-console-plot" });
  loadPlotly()
    .then((Plotly) => {
      const theme = readTheme();
      const layout = {
        ...figure.layout,
        autosize: true,
        height: 300,
        width: undefined,
        margin: { l: 48, r: 16, t: figure.layout?.title?.text ? 40 : 16, b: 40 },
        paper_bgcolor: theme.surface,
        font: { ...figure.layout?.font, color: theme.text },
      };
      if (theme.mode === "dark") {
        layout.plot_bgcolor = theme.raised;
        for (const axis of ["xaxis", "yaxis"]) {
          layout[axis] = { gridcolor: theme.grid, zerolinecolor: theme.line, ...layout[axis] };
        }
      }
      const config = { responsive: true, displaylogo: false, showSendToCloud: false };
      return Plotly.newPlot(place, figure.data, layout, config);
    })
    .catch((error) => {
      place.textContent = error.message;
    });
  return place;
}
