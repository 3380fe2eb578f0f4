// What differs between runs, as plain rows: no page in here.

/**
 * The numbers that runs record, those that most of them have first.
 *
 * @param {{series: Record<string, string>}[]} catalogues
 * @returns {{name: string, count: number}[]}
 */
export function sharedSeries(catalogues) {
  const counts = new Map();
  for (const { series } of catalogues) {
    for (const [name, kind] of Object.entries(series)) if (kind === "scalar") counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => ({ name, count })).sort((one, other) => other.count - one.count || one.name.localeCompare(other.name));
}

/**
 * The settings that are not the same in all runs: what the scripts gave as config, and the hyperparameters as they are.
 *
 * @param {(?object)[]} catalogues - one a run; `null` before it has come.
 * @param {boolean[]} [over] - whether each is over: what it was last is told of it, not what it is now.
 * @returns {{key: string, values: string[]}[]}
 */
export function differencesOf(catalogues, over = catalogues.map(() => false)) {
  const when = over.every(Boolean) ? "last" : over.some(Boolean) ? "now, or last" : "now";
  const all = catalogues.map((catalogue) => (catalogue ? settingsOf(catalogue, when) : new Map()));
  const keys = [...new Set(all.flatMap((settings) => [...settings.keys()]))];
  return keys
    .map((key) => ({ key, values: all.map((settings) => settings.get(key) ?? "–") }))
    .filter(({ values }) => new Set(values).size > 1);
}

function settingsOf({ run, hyperparameters }, when) {
  const settings = new Map();
  const add = (key, value) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [inner, one] of Object.entries(value)) add(`${key}.${inner}`, one);
    } else settings.set(key, typeof value === "string" ? value : JSON.stringify(value));
  };
  for (const [key, value] of Object.entries(run.config ?? {})) add(key, value);
  if (run.program) settings.set("program", run.program);
  for (const { name, value } of hyperparameters ?? []) settings.set(`${name} (${when})`, JSON.stringify(value));
  return settings;
}

/** The address of the page for runs. */
export function pathOfRuns(runs) {
  return `/compare/${runs.map(encodeURIComponent).join(",")}`;
}
