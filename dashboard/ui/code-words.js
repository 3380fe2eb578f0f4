// Sentences of docstrings, in which code stands between backticks.
import { h } from "./dom.js";

const CODE = /(`+)([^`]+)\1/;

/**
 * A sentence in its parts.
 *
 * @param {string} text
 * @returns {{text: string, code: boolean}[]}
 */
export function codeParts(text) {
  const parts = [];
  let rest = String(text ?? "");
  for (let found = rest.match(CODE); found; found = rest.match(CODE)) {
    if (found.index) parts.push({ text: rest.slice(0, found.index), code: false });
    parts.push({ text: found[2], code: true });
    rest = rest.slice(found.index + found[0].length);
  }
  if (rest) parts.push({ text: rest, code: false });
  return parts;
}

/** The sentence as what is filled into an element, its code as code. */
export function withCode(text) {
  return codeParts(text).map((part) => (part.code ? h("code", { text: part.text }) : part.text));
}

/** The sentence where there is room for text only. */
export function withoutMarks(text) {
  return codeParts(text)
    .map((part) => part.text)
    .join("");
}
