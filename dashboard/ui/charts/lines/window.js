/** Which stretch of a run a chart shows. */

/**
 * @param {{series: object}[]} lines the series.
 * @param {{x?: string, window?: ?number, x_scale?: string}} view
 * @param {?[number, number]} zoom what a viewer dragged, along x.
 * @returns {{field: "step" | "time", range: [number, number], steps: [number, number], follows: boolean}} what runs along
 *   x and between which bounds, the steps that are in it, and whether the right end moves with the run.
 */
export function visibleRange(lines, view, zoom) {
  const field = view.x === "time" ? "time" : "step";
  const all = union(lines.map(({ series }) => series.extent("step")));
  if (!all) return { field, range: [0, 1], steps: [0, 1], follows: true };
  if (zoom) {
    const steps = field === "step" ? zoom : zoom.map((time) => lines[0].series.stepAt(time));
    return { field, range: zoom, steps, follows: false };
  }
  const steps = view.window ? [Math.max(all[0], all[1] - view.window), all[1]] : all;
  let range = field === "step" ? steps : union(lines.map(({ series }) => timesOf(series, steps)));
  if (view.x_scale === "log") range = [Math.max(range[0], 1e-3), range[1]];
  if (!(range[1] > range[0])) range = [range[0] - 1, range[0] + 1];
  return { field, range, steps, follows: true };
}

function timesOf(series, [start, stop]) {
  const [from, to] = [series.at(start), series.at(stop)];
  return from && to ? [from.time, to.time] : null;
}

function union(extents) {
  const known = extents.filter(Boolean);
  if (!known.length) return null;
  return [Math.min(...known.map(([low]) => low)), Math.max(...known.map(([, high]) => high))];
}
