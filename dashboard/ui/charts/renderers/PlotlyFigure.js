/** A figure in Plotly's grammar. In a tile it stands still; enlarged it is Plotly's own, with hover and zoom. */

import { columnOf, lostNumbers, withSeries } from "../grammar.js";
import { h } from "../../dom.js";
import { loadPlotly } from "../../libraries.js";
import { plainLayout } from "../focus/lines.js";

const WEBGL = /gl$|3d$|^(surface|mesh3d|isosurface|volume|cone|streamtube)$/;
const STILL = { staticPlot: true, displaylogo: false, showSendToCloud: false, responsive: false };

/**
 * The figure of a spec with the series' values in it and the page's colours where it has none of its own.
 *
 * @param {{view: object, store: object, theme: object, record?: (name: string) => ?object}} subject a panel, or what is like one.
 * @returns {{data: object[], layout: object, lost: number}} `lost` numbers that are not finite, which Plotly leaves out.
 */
export function plotlyFigure({ view, store, theme, record }) {
  let lost = 0;
  const figure = withSeries(view.figure ?? {}, (reference) => {
    const column = columnOf(store, reference, view.window ?? null, record);
    lost += lostNumbers(column);
    return column;
  });
  const axis = { gridcolor: theme.grid, linecolor: theme.line, zerolinecolor: theme.line, automargin: true };
  const { layout = {} } = figure;
  const axes = { xaxis: axis, yaxis: axis };
  for (const [key, own] of Object.entries(layout)) if (/^[xy]axis\d*$/.test(key)) axes[key] = { ...axis, ...own };
  return { data: figure.data ?? [], layout: { ...plainLayout(theme), ...layout, ...axes }, lost };
}

/** Why Plotly may leave something out, as a sentence. */
export function lostWords(lost) {
  return lost ? `${lost} ${lost === 1 ? "value is" : "values are"} NaN or infinite, and not drawn in this figure.` : "";
}

class Figure {
  constructor(host, panel) {
    this.panel = panel;
    this.place = h("div", { class: "bvc-figure" });
    host.append(this.place);
  }

  async draw() {
    if (!this.panel.view.figure?.data?.length) {
      this.panel.say("The spec has no figure: a PlotlyFigure's figure has data, a list of traces.");
      return;
    }
    const plotly = await loadPlotly();
    if (this.gone) return;
    this.plotly = plotly;
    const { panel, place } = this;
    const { data, layout, lost } = plotlyFigure({ view: panel.view, store: panel.store, theme: panel.theme, record: (name) => panel.record(name) });
    const { width, height } = panel.size;
    const margin = { l: 44, r: 12, t: layout.title ? 34 : 10, b: 32, ...layout.margin };
    const sized = { ...layout, width, height, autosize: false, margin };
    // What needs WebGL becomes a picture at once: a browser keeps about eight contexts, and a page has more tiles.
    if (data.some(({ type }) => WEBGL.test(type ?? ""))) await this.#picture(data, sized);
    else {
      this.image?.remove();
      this.image = null;
      await plotly.react(place, data, sized, STILL);
    }
    if (!this.gone && lost) panel.warn(lostWords(lost));
  }

  async #picture(data, layout) {
    const source = await this.plotly.toImage({ data, layout }, { format: "png", width: layout.width, height: layout.height, scale: devicePixelRatio });
    if (this.gone) return;
    if (!this.image) {
      this.plotly.purge(this.place);
      this.image = h("img", { alt: "", class: "bvc-figure" });
      this.place.replaceChildren(this.image);
    }
    this.image.src = source;
    await this.image.decode();
  }

  /** A canvas with what is shown, for a picture that a person takes away. */
  async png() {
    const image = new Image();
    image.src = this.image?.src ?? (await this.plotly.toImage(this.place, { format: "png", scale: devicePixelRatio }));
    await image.decode();
    const canvas = document.createElement("canvas");
    Object.assign(canvas, { width: image.naturalWidth, height: image.naturalHeight });
    canvas.getContext("2d").drawImage(image, 0, 0);
    return canvas;
  }

  destroy() {
    this.gone = true;
    this.plotly?.purge(this.place);
  }
}

export default { light: false, create: (host, panel) => new Figure(host, panel) };
