// One name for one run, wherever several stand side by side: in legends, on chips, in lists.

const DIGITS = 6; // of an id; enough to tell a handful of runs apart

/** The beginning of a run's id, as it stands beside names that are alike. */
export function shortId(run) {
  return run.slice(0, DIGITS);
}

/**
 * The runs' names; those that are alike get the beginning of the id.
 *
 * @param {{run: string, name: string}[]} runs
 * @returns {string[]}
 */
export function labelsOf(runs) {
  const counts = new Map();
  for (const { name } of runs) counts.set(name, (counts.get(name) ?? 0) + 1);
  return runs.map(({ run, name }) => (counts.get(name) > 1 ? `${name} (${shortId(run)})` : name));
}
