// A panel is made wider or taller, or moved aside, from its menu: who gives the room. Plain functions over places, of
// `{id, x, y, w, h}` each.
import { meet } from "./kept-places.js";

const LEAST = 2; // columns, as the grid has it

/**
 * Where all panels stand once one has grown by a row, or to the next of the steps that the page's usual panels are wide.
 *
 * The others are pushed down and pulled up, as by hand. Only where that would leave a hole, the neighbours in its row give
 * as much each as far as they can, or grow with it, and stay where they were put.
 *
 * @param {{id: string, x: number, y: number, w: number, h: number}[]} places - without overlaps.
 * @param {string} id - of the one that grows.
 * @param {"w"|"h"} side - what of it grows.
 * @param {number} columns - of the grid.
 * @param {number} [usual] - columns of a usual panel: it grows to a multiple of them, so that rows of such panels close again.
 * @returns {object[]} the places then; the same ones where there is no room at all.
 */
export function roomier(places, id, side, columns, usual = 1) {
  const one = places.find((place) => place.id === id);
  if (!one || (side === "w" && one.w >= columns)) return places;
  const by = side === "w" ? Math.min(usual - (one.w % usual), columns - one.w) : 1;
  // At the right edge it grows to the left.
  const over = side === "w" ? Math.max(0, one.x + one.w + by - columns) : 0;
  const grown = { ...one, [side]: one[side] + by, x: one.x - over };
  const pushed = packed(pushedBy(places, grown));
  if (holesIn(pushed) <= holesIn(places)) return pushed;
  const whole = side === "w" ? squeezedBy(places, grown, over ? -by : by, columns) : packed(pushedBy(rowOf(places, one), grown));
  if (whole && holesIn(whole) <= holesIn(places)) return whole;
  // A row is full: who has to leave it takes a place that fits, in the row below or so.
  return side === "w" ? packed(pushedBy(places, grown, true)) : pushed;
}

/** The width one step below: a multiple of the usual panels' where it is more than one of them; below that a column less. */
export function narrower(width, usual) {
  return width <= usual ? Math.max(LEAST, width - 1) : usual * Math.ceil(width / usual - 1);
}

/**
 * Where all panels stand once one has moved by a usual panel's width: it changes places with one of its size that stands there.
 *
 * @param {object[]} places
 * @param {string} id - of the one that moves.
 * @param {number} by - columns; negative to the left.
 * @param {number} columns - of the grid.
 */
export function aside(places, id, by, columns) {
  const one = places.find((place) => place.id === id);
  if (!one) return places;
  const there = { ...one, x: Math.max(0, Math.min(columns - one.w, one.x + by)) };
  const other = places.find(({ id: its, x, y, w, h }) => its !== id && x === there.x && y === one.y && w === one.w && h === one.h);
  if (!other) return packed(pushedBy(places, there));
  return places.map((place) => (place.id === id ? there : place === other ? { ...other, x: one.x } : place));
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

/** The neighbours give of their own width; who has none to give moves by as much, and its neighbours give. */
function squeezedBy(places, grown, step, columns) {
  const at = new Map(places.map((place) => [place.id, place]));
  at.set(grown.id, grown);
  const waiting = [grown];
  while (waiting.length) {
    const taker = waiting.pop();
    for (const place of [...at.values()]) {
      if (place.id === taker.id || !meet(place, taker)) continue;
      const gives = place.w - Math.abs(step) >= LEAST;
      const next = { ...place, w: place.w - (gives ? Math.abs(step) : 0), x: place.x + (gives && step < 0 ? 0 : step) };
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
