// A long name in little room: it takes two lines, and what is longer still is cut in its middle. Names of one model are alike at their
// beginning, and differ at their end.
import { h } from "../dom.js";

const MOST = 40; // letters that two lines have room for
const HEAD = 8; // of those, the ones at the beginning

/** A name of no more letters than two lines have room for. */
export function shortened(name) {
  const letters = Array.from(name);
  if (letters.length <= MOST) return name;
  return `${letters.slice(0, HEAD).join("")}…${letters.slice(HEAD + 1 - MOST).join("")}`;
}

/** The same for the page, with the places where a line may end; whatever holds it says the whole name to who cannot see it. */
export function nameParts(name) {
  return shortened(name)
    .match(/[^._…]*[._…]|[^._…]+/g)
    .flatMap((part, i) => (i ? [h("wbr"), part] : [part]));
}

/** Pieces of a title after each of which a line may end, so that no line ends inside a word that has a better place for it. */
export function titlePieces(title) {
  return title.split(/(?<=[/_])(?=[^/_])|(?<=[a-z]\.)(?=[a-z])/i).filter(Boolean);
}

/** A title for the page, with those places. */
export function titleParts(title) {
  return titlePieces(title).flatMap((piece, i) => (i ? [h("wbr"), piece] : [piece]));
}
