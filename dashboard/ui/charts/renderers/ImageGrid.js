/** The latest images side by side. */

import { Painting } from "../painting.js";
import { finiteExtent, pack, packColour } from "../colours.js";

const MOST = 256; // images drawn; the rest is counted

/** The pictures of a value: `{count, height, width, channels}`. */
export function layoutOf(shape) {
  const colour = shape.length >= 3 && shape[shape.length - 1] === 3;
  const plain = colour ? shape.slice(0, -1) : shape;
  const [width, height] = [plain[plain.length - 1], plain[plain.length - 2] ?? 1];
  return { count: plain.length > 2 ? plain[0] : 1, height, width, channels: colour ? 3 : 1 };
}

class Images extends Painting {
  constructor(host, panel) {
    super(host, panel);
    this.sheet = document.createElement("canvas");
  }

  draw() {
    const { panel, paper } = this;
    const context = paper.clear();
    const record = panel.record(panel.names[0]);
    const { value } = record ?? {};
    if (!value?.shape) {
      panel.say("Images are drawn from bidviz.Image(data): H × W, H × W × 3, or several of those.");
      return;
    }
    const { count, height, width, channels } = layoutOf(value.shape);
    const shown = Math.min(count, MOST);
    const caption = value.labels?.length ? 14 : 0;
    const across = columnsFor(shown, width, height + caption / 2, paper.width - 12, paper.height - 8);
    const down = Math.ceil(shown / across);
    const scale = Math.min((paper.width - 12) / across / width, ((paper.height - 8) / down - caption) / height) * 0.94;
    const [cellWide, cellHigh] = [(paper.width - 12) / across, (paper.height - 8) / down];
    context.imageSmoothingEnabled = scale < 1;
    for (let i = 0; i < shown; i++) {
      this.#picture(value, i, width, height, channels);
      const x = 6 + (i % across) * cellWide + (cellWide - width * scale) / 2;
      const y = 4 + Math.floor(i / across) * cellHigh;
      context.drawImage(this.sheet, x, y, width * scale, height * scale);
      if (caption) paper.text(String(value.labels[i] ?? ""), x + (width * scale) / 2, y + height * scale + 2, cellWide, { align: "center", baseline: "top" });
    }
    if (count > shown) paper.text(`+ ${count - shown} more`, paper.width - 8, paper.height - 8, 100, { align: "right" });
  }

  #picture({ data, dtype }, index, width, height, channels) {
    const bytes = dtype?.endsWith("u1");
    // One scale for all pictures: what is dark in one is as dark in the next.
    const [low, high] = bytes ? [0, 255] : (this.#extent(data) ?? [0, 1]);
    const factor = 255 / (high - low || 1);
    this.sheet.width = width;
    this.sheet.height = height;
    const image = new ImageData(width, height);
    const pixels = new Uint32Array(image.data.buffer);
    const nothing = packColour(this.panel.theme.bad);
    const from = index * width * height * channels;
    const shade = (at) => Math.max(0, Math.min(255, Math.round((data[at] - low) * factor)));
    for (let i = 0; i < width * height; i++) {
      const at = from + i * channels;
      if (data[at] !== data[at]) pixels[i] = nothing;
      else pixels[i] = channels === 3 ? pack(shade(at), shade(at + 1), shade(at + 2)) : pack(shade(at), shade(at), shade(at));
    }
    this.sheet.getContext("2d").putImageData(image, 0, 0);
  }

  #extent(data) {
    if (this.measured !== data) {
      this.measured = data;
      this.extent = finiteExtent(data);
    }
    return this.extent;
  }
}

/** How many pictures go side by side so that they are as large as possible. */
function columnsFor(count, width, height, wide, high) {
  let best = [0, 1];
  for (let across = 1; across <= count; across++) {
    const scale = Math.min(wide / across / width, high / Math.ceil(count / across) / height);
    if (scale > best[0]) best = [scale, across];
  }
  return best[1];
}

export default { light: false, create: (host, panel) => new Images(host, panel) };
