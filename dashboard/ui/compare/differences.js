// What differs between runs, as plain rows: no page in here.
import { plainValue } from "../run/values.js";

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
    .map((key) => ({ key, values: all.map((settings) => settings.get(key)) }))
    .filter(({ values }) => new Set(values.map((one) => one?.exact)).size > 1)
    .map(({ key, values }) => {
      const texts = values.map((one) => one?.text ?? "–");
      // Six digits may be the same of two values: then all of them are told.
      return { key, values: new Set(texts).size > 1 ? texts : values.map((one) => one?.exact ?? "–") };
    });
}

/** A setting in words, and with every digit. */
function wordsOf(value) {
  const exact = typeof value === "string" ? value : JSON.stringify(value);
  return { exact, text: typeof value === "number" ? plainValue(value) : exact };
}

function settingsOf({ run, hyperparameters }, when) {
  const settings = new Map();
  const add = (key, value) => {
    if (value !== null && typeof value === "object" && !Array.isArray(value)) {
      for (const [inner, one] of Object.entries(value)) add(`${key}.${inner}`, one);
    } else settings.set(key, wordsOf(value));
  };
  for (const [key, value] of Object.entries(run.config ?? {})) add(key, value);
  if (run.program) settings.set("program", wordsOf(run.program));
  for (const { name, value } of hyperparameters ?? []) settings.set(`${name} (${when})`, wordsOf(value));
  return settings;
}

/** The address of the page for runs. */
export function pathOfRuns(runs) {
  return `/compare/${runs.map(encodeURIComponent).join(",")}`;
}
