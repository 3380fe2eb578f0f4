// What Share… keeps in the browser: who shares, for good; and that a package is being written, until the page has heard what came of it.
const AUTHOR = "bidviz-author";
const WRITING = "bidviz-sharing:";

/** Who shares, and how. */
export function readKept() {
  return read(() => localStorage, AUTHOR) ?? {};
}

export function keep(kept) {
  write(() => localStorage, AUTHOR, kept);
}

/** What was being written when this page was left: `{name, metrics, policies, after}`, or null. */
export function readWriting(run) {
  return read(() => sessionStorage, WRITING + run);
}

/** @param {object|null} writing - null once it is over. */
export function keepWriting(run, writing) {
  write(() => sessionStorage, WRITING + run, writing);
}

function read(storage, key) {
  try {
    return JSON.parse(storage().getItem(key));
  } catch {
    return null;
  }
}

function write(storage, key, value) {
  try {
    if (value === null) storage().removeItem(key);
    else storage().setItem(key, JSON.stringify(value));
  } catch {
    // A browser that keeps nothing: it is asked again next time.
  }
}
