// What Discover says of bundles, without a page: rows put together by name, costs, needs and versions in words.
import { formatCount, formatDuration, formatPercent } from "../numbers.js";

export const INSTALLED = "installed";

/**
 * The rows of a search, put together by name.
 *
 * @param {object[]} rows - what `findBundles` answered.
 * @param {object[]} listed - what `listBundles` answered: what is installed and loaded where the training runs.
 * @param {string} query - what was searched for: a bundle that runs and is at no place any more is found by its name.
 * @returns {{bundles: object[], problems: string[]}} a bundle is `{name, summary, installed, loaded, state, newest, code, rows, description,
 *   error, origin, outdated}`; `origin` is where what is installed came from, `outdated` that other code than that runs; `rows` are its places, the one with the newest version first; `problems` are sentences about places that gave nothing.
 */
export function gather(rows, listed = [], query = "") {
  const problems = rows.filter(({ problem }) => problem).map(({ problem }) => problem);
  const names = new Map();
  for (const row of rows) if (row.name) names.set(row.name, [...(names.get(row.name) ?? []), row]);
  const here = new Map(listed.map((one) => [one.name, one]));
  const asked = query.trim().toLowerCase();
  for (const one of listed) if (isGone(one) && !names.has(one.name) && one.name.includes(asked)) names.set(one.name, []);
  // What only finds and installs bundles is none that a person chooses.
  const bundles = [...names].filter(([name]) => !here.get(name)?.serves).map(([name, all]) => bundleOf(name, all, here.get(name)));
  return { bundles: bundles.sort(byUse), problems };
}

function bundleOf(name, all, here) {
  const rows = [...all].sort((one, other) => compareVersions(other.version, one.version) || place(one) - place(other));
  const first = (key) => rows.map((row) => row[key]).find(Boolean) ?? "";
  const loaded = here?.state === "loaded" ? here.version : first("loaded");
  const newest = rows[0]?.version ?? "";
  return {
    name,
    rows,
    newest,
    summary: first("summary"),
    description: rows.map((row) => row.description).find(Boolean) ?? null,
    installed: here?.installed || (isGone(here) ? "" : here?.version) || first("installed"),
    loaded,
    state: here?.state ?? (loaded ? "loaded" : ""),
    code: here?.hash ?? "",
    origin: here?.installed_source || (here?.source ?? ""),
    outdated: Boolean(here?.outdated),
    error: here?.error ?? "",
    metrics: here?.metrics ?? [],
    upgrade: Boolean(loaded || first("installed")) && compareVersions(newest, loaded || first("installed")) > 0,
  };
}

/** Whether a bundle runs though nothing of it is installed any more. */
export function isGone(listed) {
  return listed?.state === "loaded" && Boolean(listed.distribution) && !listed.installed;
}

/** The place where a version can be had from comes before the words that it is installed. */
function place({ source }) {
  return source === INSTALLED ? 1 : 0;
}

/** What is loaded first, then what is installed, then by name. */
function byUse(one, other) {
  const rank = ({ loaded, installed }) => (loaded ? 0 : installed ? 1 : 2);
  return rank(one) - rank(other) || one.name.localeCompare(other.name);
}

/** Orders versions as far as a page must: numbers by size, a pre-release before its release. */
export function compareVersions(one = "", other = "") {
  const parts = (text) => text.split(/[.\-+]|(?<=\d)(?=[a-z])|(?<=[a-z])(?=\d)/i).filter(Boolean);
  const [a, b] = [parts(one), parts(other)];
  for (let i = 0; i < Math.max(a.length, b.length); i++) {
    const [x, y] = [a[i] ?? "", b[i] ?? ""];
    if (x === y) continue;
    const [m, n] = [weight(x), weight(y)];
    return m === n ? (x < y ? -1 : 1) : m - n;
  }
  return 0;
}

function weight(part) {
  if (part === "") return 0;
  if (/^\d+$/.test(part)) return Number(part) + 1;
  return part === "post" ? 0.5 : -1; // a, b, rc, dev come before the release
}

/** `bidviz-metric-gradnorm` without what all bundles begin with. */
export function shortName(name) {
  return name.replace(/^bidviz-(metric|policy)-/, "");
}

/** The state of a bundle in a word or two, with its tone. */
export function stateOf(bundle) {
  const { loaded, installed, state, upgrade, newest } = bundle;
  if (state === "failed") return { word: "failed", tone: "bad" };
  const waiting = waitingOf({ ...bundle, version: loaded });
  if (waiting) return { word: waiting.text, tone: "accent" };
  if (loaded && !installed) return { word: `${loaded} still runs; it is not installed any more`, tone: "accent" };
  if (loaded) return upgrade ? { word: `${loaded} loaded, ${newest} is there`, tone: "accent" } : { word: `loaded ${loaded}`, tone: "good" };
  if (installed) return upgrade ? { word: `${installed} installed, ${newest} is there`, tone: "accent" } : { word: `installed ${installed}`, tone: "muted" };
  return { word: "not installed", tone: "muted" };
}

/**
 * What is installed of a bundle while another version, or other code of the same, still runs.
 *
 * @param {object} row - `version` is the loaded one; `installed` and `outdated` as `listBundles` gives them.
 * @returns {{text: string, label: string}|null} what to say, and what the button is called that loads it; null where nothing waits.
 */
export function waitingOf({ version, installed, outdated }) {
  if (!installed || !version || (!outdated && installed === version)) return null;
  const text =
    installed === version
      ? `${installed} is installed with other code; what was loaded before still runs`
      : `${installed} is installed; ${version} still runs`;
  return { text, label: `Load ${installed}` };
}

/** What a bundle holds, in words: `3 metrics · 1 policy · 2 pages`. */
export function contentsText(description) {
  if (!description) return "";
  const { metrics = [], policies = [], charts = [], pages = [], renderers = [] } = description;
  const counts = [
    [metrics, "metric", "metrics"],
    [charts, "chart of several metrics", "charts of several metrics"],
    [policies, "policy", "policies"],
    [pages, "page", "pages"],
    [renderers, "chart kind of its own", "chart kinds of its own"],
  ];
  return counts
    .filter(([all]) => all.length)
    .map(([all, one, many]) => `${formatCount(all.length)} ${all.length === 1 ? one : many}`)
    .join(" · ");
}

/** What is known of a bundle's contents, without its own description the metrics that it gave when it was loaded. */
export function holdsText({ description, metrics }) {
  const told = contentsText(description);
  if (told || !metrics?.length) return told;
  const rest = metrics.length > 4 ? ` and ${metrics.length - 4} more` : "";
  return `${formatCount(metrics.length)} ${metrics.length === 1 ? "metric" : "metrics"}: ${metrics.slice(0, 4).join(", ")}${rest}`;
}

/** What its metrics cost together at the cadence they start with. */
export function costOf(description) {
  const metrics = description?.metrics ?? [];
  if (!metrics.length) return "";
  const measured = metrics.filter(({ cost }) => typeof cost === "number");
  if (!measured.length) return "cost not measured";
  const seconds = measured.reduce((sum, { cost, every = 1 }) => sum + cost / 1e6 / every, 0);
  const shares = measured.filter(({ share }) => typeof share === "number");
  const share = shares.reduce((sum, one) => sum + one.share / (one.every ?? 1), 0);
  const rest = metrics.length - measured.length;
  return [
    `about ${formatDuration(seconds)} a step`,
    shares.length ? `${formatPercent(share)} of a step on the sample ${samplesOf(measured)}` : "",
    rest ? `${formatCount(rest)} not measured` : "",
  ]
    .filter(Boolean)
    .join(", ");
}

function samplesOf(metrics) {
  return [...new Set(metrics.map((metric) => metric.cost_on).filter(Boolean))].join(", ") || "learners";
}

/** What its metrics need of a step. */
export function argumentsOf(description) {
  return [...new Set((description?.metrics ?? []).flatMap((metric) => metric.arguments ?? []))].sort();
}

/** A need in words, with its tone. */
export function needText({ requirement, state, installed, text }) {
  const words = {
    there: { word: installed ? `${installed} is there` : "is there", tone: "good" },
    missing: { word: "is missing", tone: "warn" },
    conflict: { word: `is ${installed} here`, tone: "bad" },
    refused: { word: "is refused", tone: "bad" },
    unwanted: { word: "is not for this machine", tone: "muted" },
  }[state] ?? { word: state ?? "", tone: "muted" };
  return { requirement, ...words, text: text ?? "" };
}

/**
 * What speaks against installing a bundle, be it with all that it needs, and what has to come along.
 *
 * @param {object|null} said - an inspection.
 * @returns {{refusals: string[], missing: string[]}} `missing` are requirements; where there are refusals it does not matter.
 */
export function standingOf(said) {
  const missing = (said?.needs ?? []).filter(({ state }) => state === "missing").map(({ requirement }) => requirement);
  const refusals = (missing.length && said.refusals_with_dependencies) || said?.refusals || [];
  return { refusals, missing };
}

/** The first so many characters of a hash, for a line; the whole stands in its title. */
export function shortHash(hash) {
  return hash ? hash.slice(0, 12) : "";
}

/** Where a bundle comes from, in words; `origin`: where what is installed came from. */
export function sourceText(source, origin = "") {
  if (source === INSTALLED && origin && origin !== "environment") return `installed by this run from ${origin}`;
  if (source === INSTALLED || source === "environment") return "installed in the training's environment";
  return source ? `from ${source}` : "";
}

/** What is asked for when a version is to be installed. */
export function requirementOf(name, version) {
  return version ? `${name}==${version}` : name;
}
