// Where panels stand that nobody has moved, and where those stand whose neighbours are not there. Plain functions over places, of
// `{id, x, y, w, h}` each.

/**
 * The places of panels in their first order: row by row, all of the usual size.
 *
 * @param {string[]} ids - in that order.
 * @param {number} columns - of the grid.
 * @param {{w: number, h: number}} size - the usual one.
 */
export function firstPlaces(ids, columns, { w, h }) {
  const wide = Math.min(w, columns);
  const inRow = Math.floor(columns / wide);
  return ids.map((id, i) => ({ id, x: wide * (i % inRow), y: h * Math.floor(i / inRow), w: wide, h }));
}

/**
 * The places of those that are there, without the holes of those that are not: what comes after such a hole and has its size moves
 * up by one place of that size. An arrangement is kept for all runs of a name, and not each of them has all of its panels.
 *
 * @param {object[]} kept - all places that are kept.
 * @param {Set<string>} present - the ids of those that are there.
 * @returns {object[]} the places of those that are there.
 */
export function withoutHoles(kept, present) {
  const slots = new Map(); // by size: from the top to the foot, in a row from the left
  for (const place of [...kept].sort((one, other) => one.y - other.y || one.x - other.x)) {
    const size = `${place.w} ${place.h}`;
    slots.set(size, [...(slots.get(size) ?? []), place]);
  }
  return [...slots.values()].flatMap((alike) =>
    alike.filter(({ id }) => present.has(id)).map(({ id }, i) => ({ ...alike[i], id })),
  );
}

/** Whether two places share a cell. */
export function meet(one, other) {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}
