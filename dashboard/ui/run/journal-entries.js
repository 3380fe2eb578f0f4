// What is to be known of the journal's entries: their kinds, which fit a filter, which can be undone, which lie around a step.
import { spacedNumbers } from "../numbers.js";

/** The kinds in the order in which they are offered, with the words for people. */
export const KINDS = {
  hyperparameters: "hyperparameters",
  policies: "policies",
  metrics: "metrics",
  console: "console",
  model: "the model",
  control: "run control",
};

// The same as in bidviz_core.replaying.kinds.
const ACTIONS = {
  hyperparameters: [
    "modifyParam", "setHyperparameter", "scheduleHyperparameter", "releaseHyperparameter", "keepChange", "overwritten",
    "proposeHyperparameters",
  ],
  policies: ["armPolicy", "disarmPolicy"],
  metrics: [
    "addFunction", "addMetric", "replaceMetric", "removeMetric", "changeMetric", "saveMetrics", "loadMetrics", "restoreMetrics",
    "interruptMetric", "backOff",
  ],
  console: ["evaluateCommand"],
  model: ["changeModel", "undoModelChange"],
};
const KIND = new Map(Object.entries(ACTIONS).flatMap(([kind, actions]) => actions.map((action) => [action, kind])));

/** The kind of an entry. */
export function kindOf({ action }) {
  if (KIND.has(action)) return KIND.get(action);
  return action.includes("Hyperparameter") ? "hyperparameters" : action.includes("olicy") ? "policies" : "control";
}

/** Why a checkpoint was saved, with the words for people. */
export const SAVED = { person: "by hand", every: "every n steps", condition: "on a condition", start: "before this run's first step" };

const OUTCOMES = { evaluateCommand: "failed", disarmPolicy: "failed", runSteps: "failed", overwritten: "overwritten" };

/** In a word what became of an entry that had no success: what ran and raised has failed, and what was not run was refused. */
export function outcomeOf({ action, success, detail }) {
  if (success) return "";
  if (detail?.error === "Interrupted") return "interrupted";
  return OUTCOMES[action] ?? "refused";
}

/** What an entry says in its line: steps as the page writes them; a console's line is code, and stays as it is. */
export function summaryOf({ action, summary }) {
  return action === "evaluateCommand" ? summary : spacedNumbers(summary);
}

/** Why it was done, where that is said: a person's words, or what had a checkpoint saved by itself. */
export function reasonOf({ action, detail }) {
  const reason = typeof detail?.reason === "string" ? spacedNumbers(detail.reason) : "";
  if (action !== "saveCheckpoint") return reason;
  return reason === "person" ? "" : (SAVED[reason] ?? reason);
}

const MARKED = new Set(
  (
    "modifyParam setHyperparameter releaseHyperparameter keepChange leaseEnded proposeHyperparameters armPolicy " +
    "disarmPolicy policyDisarmed pauseTraining runSteps stopTraining restartTraining restoreCheckpoint branchCheckpoint " +
    "changeModel undoModelChange skipUpdate"
  ).split(" "),
);

/** Whether an entry is a mark on the charts: what changes the course of a run, and a checkpoint that somebody saved. */
export function isMarked({ action, success, detail }) {
  if (!success) return false;
  // Those that are saved by themselves would lie over the changes, and change nothing.
  return MARKED.has(action) || (action === "saveCheckpoint" && detail?.reason === "person");
}

/**
 * Where the run went back to an earlier step, and when. The same as in bidviz_core.store.rewinds.
 *
 * @returns {{step: number, time: number}[]}
 */
export function rewindsOf(entries) {
  return entries
    .filter(({ action, success, detail }) => action === "restoreCheckpoint" && success && detail?.from > detail?.to)
    .map(({ time, detail }) => ({ step: detail.to, time: detail.time ?? time }));
}

const NUMBER = /^(?:entry\s+#?|#)(\d+)$/i;

/**
 * Whether an entry fits a filter; `#13` and `entry 13` ask for one of them, and for what names it.
 *
 * @param {object} entry
 * @param {{words?: string, author?: string, kind?: string}} filter - empty ones let everything through; every word must occur.
 */
export function fits(entry, { words = "", author = "", kind = "" }) {
  if (author && entry.author !== author) return false;
  if (kind && kindOf(entry) !== kind) return false;
  const number = words.trim().match(NUMBER);
  if (number) return entry.number === Number(number[1]) || summaryOf(entry).toLowerCase().match(/entry (\d+)/)?.[1] === number[1];
  const text = `${entry.author} ${entry.action} ${entry.summary} ${summaryOf(entry)} ${entry.detail?.code ?? ""} ${reasonOf(entry)} ${outcomeOf(entry)}`.toLowerCase();
  return words.toLowerCase().split(/\s+/).every((word) => text.includes(word));
}

/** What an entry's detail adds to its line: its reason and its note, unless the line says them itself. */
export function saidBeside(entry) {
  const note = typeof entry.detail?.note === "string" ? spacedNumbers(entry.detail.note) : "";
  const texts = [reasonOf(entry), note].filter(Boolean);
  return [...new Set(texts)].filter((text) => !summaryOf(entry).includes(text));
}

/** The authors of entries, each once, in the order in which they came. */
export function authorsOf(entries) {
  return [...new Set(entries.map((entry) => entry.author))];
}

/**
 * Why a change of the model cannot be undone; `""` when it can, `null` for any other entry.
 *
 * @param {object} entry
 * @param {object[]} journal
 */
export function undoReason(entry, journal) {
  if (entry.action !== "changeModel" || !entry.success) return null;
  if (!entry.detail.undo) return "No copy was kept: it would have been too large.";
  const names = new Set(entry.detail.names);
  const undone = new Set();
  for (const one of journal) {
    if (one.action === "undoModelChange" && one.success) undone.add(one.detail.number);
    else if (one.action === "changeModel" && one.detail.dropped?.includes(entry.number)) return "Its copy was dropped to make room for newer ones.";
  }
  if (undone.has(entry.number)) return "It was undone.";
  const later = journal.filter(
    (one) =>
      one.number > entry.number && one.action === "changeModel" && one.success && !undone.has(one.number) &&
      one.detail.undo && one.detail.names.some((name) => names.has(name)),
  );
  return later.length ? `The same parameters were changed after that: undo entry ${later.at(-1).number} first.` : "";
}

const SHARE = 0.02;
const LEAST = 10;

/** The entries around a step; where there are none, the last one before it. The same as `journal.around(step)` in Python. */
export function entriesAround(entries, step) {
  const last = Math.max(step, ...entries.map((entry) => entry.step));
  const within = Math.max(LEAST, Math.round(last * SHARE));
  const found = entries.filter((entry) => Math.abs(entry.step - step) <= within);
  return found.length ? found : entries.filter((entry) => entry.step <= step).slice(-1);
}
