/** A chart that is painted on one canvas of its panel's size: what its kind adds is `draw()`. */

import { Canvas } from "./canvas.js";

export class Painting {
  /**
   * @param {Element} host
   * @param {object} panel
   */
  constructor(host, panel) {
    this.panel = panel;
    this.paper = new Canvas(host, panel);
  }

  /** What a picture of the chart is made of. */
  canvas() {
    return this.paper.element;
  }
}
