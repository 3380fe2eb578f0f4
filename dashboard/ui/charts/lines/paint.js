/** Lines, bands and marks on a canvas, from columns of pixels. All lengths are device pixels. */

/**
 * What is seen of one series.
 *
 * @param {CanvasRenderingContext2D} context
 * @param {object} columns pixel columns, `x` and `end` in pixels.
 * @param {(value: number) => number} toPixel from a value to pixels.
 * @param {{left: number, top: number, width: number, height: number}} box
 * @param {{colour: string, alpha: number, ratio: number, band: boolean, dash: number[]}} style `band`: the space between
 *   least and largest is filled throughout (Area); otherwise it is drawn where a column holds more than one value.
 */
export function paintSeries(context, columns, toPixel, box, style) {
  const { colour, alpha, ratio, band, dash } = style;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  paintExtents(context, columns, toPixel, box, alpha, ratio, band);
  context.globalAlpha = alpha;
  context.lineWidth = 1.5 * ratio;
  context.lineJoin = "bevel";
  context.setLineDash(dash.map((length) => length * ratio));
  paintLine(context, columns, toPixel, ratio);
  context.setLineDash([]);
  context.globalAlpha = 1;
}

/** A stroke from least to largest in each column that holds several values: pale where the values scatter, full for a spike. */
function paintExtents(context, columns, toPixel, box, alpha, ratio, band) {
  const { length, x, end, low, high } = columns;
  const bottom = box.top + box.height;
  const inside = (pixel) => Math.min(bottom, Math.max(box.top, pixel));
  const heights = [];
  for (let i = 0; i < length; i++) if (high[i] > low[i]) heights.push(Math.abs(inside(toPixel(low[i])) - inside(toPixel(high[i]))));
  if (!heights.length) return;
  heights.sort((a, b) => a - b);
  // What stands out far from the usual scatter is drawn at full strength.
  const outstanding = Math.max(4 * ratio, 3 * heights[heights.length >> 1]);
  const spikes = [];
  context.globalAlpha = alpha * (band ? 0.28 : 0.4);
  // Rectangles on whole pixels, one by one: a path of all of them, or edges between pixels, take longer to fill. None
  // reaches into the next: twice the paint there would make buckets of history darker than live records beside them.
  const fill = (i) => {
    const top = Math.floor(inside(toPixel(high[i])));
    const from = Math.floor(x[i]);
    const height = Math.ceil(inside(toPixel(low[i]))) - top;
    const next = i + 1 < length ? Math.floor(x[i + 1]) : Infinity;
    const width = Math.min(next - from, Math.max(ratio, Math.ceil(end[i]) - from));
    context.fillRect(from, top, Math.max(1, width), Math.max(ratio, height));
    return height;
  };
  for (let i = 0; i < length; i++) if (high[i] > low[i] && fill(i) > outstanding) spikes.push(i);
  context.globalAlpha = alpha;
  spikes.forEach(fill);
  context.globalAlpha = 1;
}

function paintLine(context, columns, toPixel, ratio) {
  const { length, x, value, broken } = columns;
  const lonely = [];
  let open = 0;
  context.beginPath();
  for (let i = 0; i <= length; i++) {
    const y = i < length ? toPixel(value[i]) : NaN;
    if (broken[i]) {
      if (open === 1) lonely.push(i - 1);
      open = 0;
    }
    if (!Number.isFinite(y)) {
      if (open === 1) lonely.push(i - 1);
      open = 0;
    } else if (open++) context.lineTo(x[i], y);
    else context.moveTo(x[i], y);
  }
  context.stroke();
  // A value between two gaps has no line to be seen by.
  context.beginPath();
  for (const i of lonely) {
    const y = toPixel(value[i]);
    context.moveTo(x[i] + 2 * ratio, y);
    context.arc(x[i], y, 2 * ratio, 0, 2 * Math.PI);
  }
  context.fill();
}

/** Rows of marks, in the order in which they stand: what it is, at which edge, and its shape. */
const SHAPES = {
  above: (context, x, y, r) => polygon(context, [[x - r, y + r], [x + r, y + r], [x, y - r]]),
  below: (context, x, y, r) => polygon(context, [[x - r, y - r], [x + r, y - r], [x, y + r]]),
  nan: (context, x, y, r) => polygon(context, [[x - r, y], [x, y - r], [x + r, y], [x, y + r]]),
};

/**
 * Marks of what has no place on the y axis: ▲ +Inf at the upper edge, ▼ -Inf at the lower one, ◆ NaN above those, and ▽
 * for values that a log scale cannot show.
 *
 * @returns {{nan: number, above: number, below: number, under: number}} how many columns of each are in sight.
 */
export function paintMarks(context, columns, box, { colour, ratio, log }) {
  const { length, x, end, nan, above, below, low } = columns;
  const size = 4 * ratio;
  const bottom = box.top + box.height - size - ratio;
  const rows = { above: [], below: [], nan: [], under: [] };
  for (let i = 0; i < length; i++) {
    if (end[i] < box.left || x[i] > box.left + box.width) continue;
    if (above[i]) rows.above.push(i);
    if (below[i]) rows.below.push(i);
    else if (log && low[i] <= 0) rows.under.push(i);
    if (nan[i]) rows.nan.push(i);
  }
  const lift = rows.below.length || rows.under.length ? 2 * size + ratio : 0;
  context.fillStyle = colour;
  context.strokeStyle = colour;
  paintRow(context, columns, rows.above, box, box.top + size + ratio, size, SHAPES.above, true);
  paintRow(context, columns, rows.below, box, bottom, size, SHAPES.below, true);
  paintRow(context, columns, rows.under, box, bottom, size, SHAPES.below, false);
  paintRow(context, columns, rows.nan, box, bottom - lift, size, SHAPES.nan, true);
  return { nan: rows.nan.length, above: rows.above.length, below: rows.below.length, under: rows.under.length };
}

function paintRow(context, columns, row, box, y, size, shape, filled) {
  const right = box.left + box.width;
  context.lineWidth = Math.max(1, size / 4);
  for (let from = 0; from < row.length; ) {
    let to = from;
    while (to + 1 < row.length && columns.x[row[to + 1]] - columns.x[row[to]] < size) to++;
    const begin = Math.max(box.left, columns.x[row[from]]);
    const finish = Math.min(right, columns.x[row[to]]);
    if (finish - begin > 2 * size) {
      // Many side by side: one bar is clearer, and quicker, than hundreds of marks.
      context.fillRect(begin, y - size / 2, finish - begin, size);
      shape(context, begin, y, size);
      finishShape(context, filled);
      shape(context, finish, y, size);
      finishShape(context, filled);
    } else {
      for (let i = from; i <= to; i++) {
        shape(context, Math.min(right, Math.max(box.left, columns.x[row[i]])), y, size);
        finishShape(context, filled);
      }
      if (filled) hairline(context, begin, box);
    }
    from = to + 1;
  }
}

function finishShape(context, filled) {
  if (filled) context.fill();
  else context.stroke();
}

function hairline(context, x, box) {
  context.globalAlpha = 0.35;
  context.fillRect(Math.round(x), box.top, 1, box.height);
  context.globalAlpha = 1;
}

function polygon(context, points) {
  context.beginPath();
  points.forEach(([x, y], at) => (at ? context.lineTo(x, y) : context.moveTo(x, y)));
  context.closePath();
}

/** A text as far as there is room for it, with a sign where it was cut. */
export function fitText(context, text, room) {
  if (context.measureText(text).width <= room) return text;
  let length = text.length - 1;
  while (length > 0 && context.measureText(`${text.slice(0, length)}…`).width > room) length--;
  return length > 0 ? `${text.slice(0, length).trimEnd()}…` : "";
}

/** Horizontal lines to compare with, to be painted before the series. */
export function paintReferences(context, references, toPixel, box, { colour, ratio }) {
  context.strokeStyle = colour;
  context.lineWidth = ratio;
  context.setLineDash([4 * ratio, 3 * ratio]);
  context.beginPath();
  for (const { y } of referencesIn(references, toPixel, box)) {
    context.moveTo(box.left, y);
    context.lineTo(box.left + box.width, y);
  }
  context.stroke();
  context.setLineDash([]);
}

/**
 * Their names inside the chart, below a line that has no room above it; over the series, on a ground that keeps them legible.
 *
 * `clear`: what stands at the upper edge and is to be kept clear of.
 *
 * @returns {string[]} the names that had to be cut.
 */
export function paintReferenceNames(context, references, toPixel, box, { colour, ground, font, ratio, clear }) {
  const cut = [];
  context.strokeStyle = ground;
  context.fillStyle = colour;
  context.lineWidth = 3 * ratio;
  context.lineJoin = "round";
  context.font = `${10 * ratio}px ${font}`;
  context.textAlign = "right";
  for (const { y, label } of referencesIn(references, toPixel, box)) {
    if (!label) continue;
    const text = fitText(context, label, box.width - 8 * ratio);
    if (text !== label) cut.push(label);
    const top = box.top + clear;
    const above = y - 13 * ratio >= top;
    context.textBaseline = above ? "bottom" : "top";
    const [right, at] = [box.left + box.width - 4 * ratio, above ? y - 2 * ratio : Math.max(top, y + 3 * ratio)];
    context.strokeText(text, right, at);
    context.fillText(text, right, at);
  }
  return cut;
}

function referencesIn(references, toPixel, box) {
  return references
    .map(({ value, label }) => ({ label, y: Math.round(toPixel(value)) + 0.5 }))
    .filter(({ y }) => y >= box.top && y <= box.top + box.height);
}
