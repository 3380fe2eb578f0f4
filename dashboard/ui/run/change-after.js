// What became of a change later, from the journal: its lease ended, it was kept, or something took its place.
import { formatCount } from "../numbers.js";
import { who } from "./states.js";
import { plainValue } from "./values.js";

const SET = new Set(["setHyperparameter", "modifyParam", "proposeHyperparameters"]);
const BACK = new Set(["restoreCheckpoint", "restartTraining"]);
const LEASE_AUTHOR = "bidviz"; // who puts back what was on a lease

/**
 * The journal's entry of a change that was just answered.
 *
 * @param {object[]} journal
 * @param {{name: string, step: number|null, after: number, release: boolean}} change - `after`: the last entry when it was asked for.
 * @returns {object|undefined} none yet, or none at all where nothing changed.
 */
export function entryOf(journal, { name, step, after, release }) {
  const action = release ? "releaseHyperparameter" : "setHyperparameter";
  return journal.find(
    (one) => one.number > after && one.success && one.action === action && one.detail.name === name && one.step === step,
  );
}

/**
 * The journal's entry of a change that was to come, once it took hold or could not.
 *
 * @param {object[]} journal
 * @param {{name: string, at: number, after: number}} change - `at`: the step from which on it was wanted.
 * @returns {object|undefined} none yet.
 */
export function takenUp(journal, { name, at, after }) {
  return journal.find((one) => one.number > after && one.action === "setHyperparameter" && one.detail.name === name && one.step >= at);
}

/** "lr is 0.005 since step 12 500, as was asked for." */
export function takenUpText({ success, step, summary, detail }) {
  const at = formatCount(step);
  if (!success) return `${detail.name} was to be set at step ${at}, and was not: ${summary}`;
  return `${detail.name} is ${plainValue(detail.applied)} since step ${at}, as was asked for.`;
}

/**
 * What is to be said of a change in place of what was said when it took hold.
 *
 * @param {object[]} journal
 * @param {object} entry - the change's own.
 * @param {(name: string) => string} ownerOf - who holds a hyperparameter now.
 * @returns {{text: string, over: boolean}|null} null while it stands as it was; `over`: it is no longer in force, so that nothing of it
 *   is left to be undone.
 */
export function aftermath(journal, entry, ownerOf) {
  const { name, applied, lease } = entry.detail;
  const later = journal.filter((one) => one.number > entry.number && one.success);
  const end = later.find((one) => BACK.has(one.action) || (isTurn(one) && related(one.detail.name, name)));
  if (end) return { text: lease && end.author === LEASE_AUTHOR ? overText(later, end, ownerOf) : replacedText(end, name), over: true };
  const kept = later.find((one) => one.action === "keepChange" && related(one.detail.name, name));
  return kept ? { text: `${name} stays ${plainValue(applied)}: it was kept at step ${formatCount(kept.step)}.`, over: false } : null;
}

function isTurn({ action }) {
  return SET.has(action) || action === "releaseHyperparameter";
}

/** "The lease is over: momentum is 0.9 again since step 6 989." */
function overText(later, end, ownerOf) {
  const back = later.filter((one) => one.author === end.author && one.step === end.step && isTurn(one) && one.detail.reason === end.detail.reason);
  const parts = back.filter((one) => related(one.detail.name, baseOf(end.detail.name))).map(({ detail }) => backText(detail, ownerOf(detail.name)));
  const why = end.detail.reason?.startsWith("the lease of") ? "" : `, as ${end.detail.reason}`;
  return `The lease is over${why}: ${parts.join(", ")} again since step ${formatCount(end.step)}.`;
}

/** A value that somebody moves is another one by now. */
function backText({ name, applied }, owner) {
  if (owner === "scheduler" || owner === "policy") return `the ${owner} has ${name}`;
  return `${name} is ${plainValue(applied)}`;
}

function replacedText({ action, author, step, detail }, name) {
  const at = formatCount(step);
  if (BACK.has(action)) return `The run was taken back after this change of ${name}, at step ${at}.`;
  if (action === "releaseHyperparameter") return `${detail.name} was released at step ${at}, after this change.`;
  return `${detail.name} is ${plainValue(detail.applied)} since step ${at}, set by ${who(author)} after this change.`;
}

/** Whether one of two names is the other, or a group of it. */
function related(one = "", other = "") {
  return one === other || one.startsWith(`${other}[`) || other.startsWith(`${one}[`);
}

function baseOf(name) {
  return name.replace(/\[\d+\]$/, "");
}
