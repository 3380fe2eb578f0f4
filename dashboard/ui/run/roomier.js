// A panel is made wider or taller from its menu: who gives the room. Plain functions over places, of `{id, x, y, w, h}` each.

const LEAST = 2; // columns, as the grid has it

/**
 * Where all panels stand once one has grown by a column or a row. The others are pushed down and pulled up, as by hand. Only where
 * that would leave a hole, the neighbours in its row give a column each as far as they can, or grow with it, and stay where they were put.
 *
 * @param {{id: string, x: number, y: number, w: number, h: number}[]} places - without overlaps.
 * @param {string} id - of the one that grows.
 * @param {"w"|"h"} side - what of it grows by one.
 * @param {number} columns - of the grid.
 * @returns {object[]} the places then; the same ones where there is no room at all.
 */
export function roomier(places, id, side, columns) {
  const one = places.find((place) => place.id === id);
  if (!one || (side === "w" && one.w >= columns)) return places;
  // At the right edge it grows to the left.
  const toLeft = side === "w" && one.x + one.w >= columns;
  const grown = { ...one, [side]: one[side] + 1, x: one.x - (toLeft ? 1 : 0) };
  const pushed = packed(pushedBy(places, grown));
  if (holesIn(pushed) <= holesIn(places)) return pushed;
  const whole = side === "w" ? squeezedBy(places, grown, toLeft ? -1 : 1, columns) : packed(pushedBy(rowOf(places, one), grown));
  if (whole && holesIn(whole) <= holesIn(places)) return whole;
  // A row is full: who has to leave it takes a place that fits, in the row below or so.
  return side === "w" ? packed(pushedBy(places, grown, true)) : pushed;
}

/** The empty cells that lie above a panel. */
export function holesIn(places) {
  let holes = 0;
  const right = Math.max(0, ...places.map(({ x, w }) => x + w));
  for (let x = 0; x < right; x++) {
    const here = places.filter((place) => place.x <= x && x < place.x + place.w);
    const foot = Math.max(0, ...here.map(({ y, h }) => y + h));
    holes += foot - here.reduce((sum, { h }) => sum + h, 0);
  }
  return holes;
}

function meet(one, other) {
  return one.x < other.x + other.w && other.x < one.x + one.w && one.y < other.y + other.h && other.y < one.y + one.h;
}

/** From the top to the foot, in a row from the left. */
function inOrder(places) {
  return [...places].sort((one, other) => one.y - other.y || one.x - other.x);
}

/** All others below what they meet; with `filling` whoever is pushed takes a hole that fits before it goes down. */
function pushedBy(places, grown, filling = false) {
  const others = inOrder(places.filter(({ id }) => id !== grown.id));
  const out = [grown];
  for (const [number, place] of others.entries()) {
    let next = { ...place };
    for (let at = out.filter((one) => meet(one, next)); at.length; at = out.filter((one) => meet(one, next)))
      next = { ...next, y: Math.max(...at.map(({ y, h }) => y + h)) };
    if (filling && next.y !== place.y) next = holeFor(next, [...out, ...others.slice(number + 1)], place.y) ?? next;
    out.push(next);
  }
  return out;
}

/** A place of its size in the rows that a panel was in, for one that is pushed. */
function holeFor(place, others, y) {
  const right = Math.max(...others.map((one) => one.x + one.w));
  for (let x = 0; x + place.w <= right; x++) {
    const there = { ...place, x, y };
    if (!others.some((one) => meet(one, there))) return there;
  }
  return null;
}

/** Each as far up as it can go. */
function packed(places) {
  const out = [];
  for (const place of inOrder(places)) {
    let up = place;
    while (up.y > 0 && !out.some((one) => meet(one, { ...up, y: up.y - 1 }))) up = { ...up, y: up.y - 1 };
    out.push(up);
  }
  return out;
}

/** The neighbours give a column of their own; who has none to give moves by one, and its neighbours give. */
function squeezedBy(places, grown, step, columns) {
  const at = new Map(places.map((place) => [place.id, place]));
  at.set(grown.id, grown);
  const waiting = [grown];
  while (waiting.length) {
    const taker = waiting.pop();
    for (const place of [...at.values()]) {
      if (place.id === taker.id || !meet(place, taker)) continue;
      const gives = place.w > LEAST;
      const next = { ...place, w: place.w - (gives ? 1 : 0), x: place.x + (gives && step < 0 ? 0 : step) };
      if (next.x < 0 || next.x + next.w > columns) return null;
      at.set(place.id, next);
      if (!gives) waiting.push(next);
    }
  }
  return [...at.values()];
}

/** Beside one that grows in height, those that stand with it on a wider panel grow along: else that leaves a hole below them. */
function rowOf(places, one) {
  const foot = one.y + one.h;
  const below = places.filter((place) => meet(place, { ...one, y: foot, h: 1 }));
  const standsOn = (place) => place.y + place.h === foot && below.some(({ x, w }) => x <= place.x && place.x + place.w <= x + w);
  return places.map((place) => (place.id !== one.id && standsOn(place) ? { ...place, h: place.h + 1 } : place));
}
