// The words of the line below the header that depend on how a run fares, without a page.
import { formatPercent } from "../numbers.js";

/** What watching costs, or has cost where nothing is watched any more. */
export function costText(status, live) {
  return `watching ${live ? "costs" : "cost"} ${formatPercent(status.cost)}`;
}

const MUCH = 0.1;

/** Whether that is so much that a person should look at it. */
export function costsMuch(status) {
  return (status.cost ?? 0) >= MUCH;
}

const COUNTED =
  "metrics, recording, policies, and what pages ask for, done on the training thread between two steps. Pauses are left out; so is " +
  "what BIDViz does in other threads and processes.";
const REST = "recording, policies and what pages ask for";
const LITTLE = 0.0005; // of the step time: less is not told apart

/**
 * What is in that figure, and over which time.
 *
 * @param {boolean} live - whether the training is there.
 * @param {{cost?: number|null}} [status] - the run's.
 * @param {object[]} [metrics] - the catalogue's.
 */
export function costTitle(live, status = {}, metrics = []) {
  const when = live
    ? "The share of the last 30 seconds of training that went to watching"
    : "The share of the last 30 seconds of its training that went to watching, as the run last told it";
  const { inTraining } = sumsOf(metrics);
  const rest = (status.cost ?? 0) - inTraining;
  const parts =
    metrics.length && rest > LITTLE
      ? `By their mean times, metrics are ${formatPercent(inTraining)} of it; the rest, ${formatPercent(rest)}, is ${REST}.\n`
      : "";
  return `${when}: ${COUNTED}\n${parts}Metrics lists what each metric takes.`;
}

/** What the metrics that are enabled take of the step time, those in the worker apart: the training does not wait for them. */
function sumsOf(metrics) {
  const sum = (where) =>
    metrics
      .filter((metric) => metric.enabled && (metric.where === "worker") === (where === "worker"))
      .reduce((total, { share }) => total + (share || 0), 0);
  return { inTraining: sum("training"), inWorker: sum("worker") };
}

/** "8 metrics, together 3.1 % of the step time, and 0.4 % in the worker, for which the training does not wait." */
export function sumText(metrics) {
  const { inTraining, inWorker } = sumsOf(metrics);
  const count = `${metrics.length} ${metrics.length === 1 ? "metric" : "metrics"}, together ${formatPercent(inTraining)} of the step time`;
  const apart = metrics.some(({ enabled, where }) => enabled && where === "worker");
  return apart ? `${count}, and ${formatPercent(inWorker)} in the worker, for which the training does not wait.` : `${count}.`;
}

/**
 * Why the metrics' sum is another figure than the one below the header, with its parts.
 *
 * @param {object[]} metrics
 * @param {{cost?: number|null}|null} status
 * @param {boolean} live
 */
export function sumTitle(metrics, status, live) {
  const reckoned = "Reckoned from the mean time of a run and from how often each runs.";
  if (status?.cost === null || status?.cost === undefined) return reckoned;
  const { inTraining } = sumsOf(metrics);
  const rest = status.cost - inTraining;
  const said = `${reckoned} Under the header, “${costText(status, live)}” was measured over the last 30 seconds of training: `;
  return rest > LITTLE
    ? `${said}these metrics, and about ${formatPercent(rest)} for ${REST}.`
    : `${said}these metrics, which took no more than their means in it, and ${REST}, which took little.`;
}

const CALM = "No metric, plugin or other part of BIDViz failed. How the training fares, the charts show; the health bundle watches it.";

/**
 * What is said where no metric was set aside and nothing else of BIDViz failed: of the training itself it says nothing, which may
 * have diverged all the same.
 *
 * @param {string} state - the run's.
 * @returns {{text: string, tick: boolean, title: string}|null} none where the run itself failed: that stands beside it.
 */
export function calmWords(state) {
  if (state === "failed") return null;
  // A run that went without a word may have gone because of a failure.
  if (state === "lost") return { text: "no metric had failed, as far as it told", tick: false, title: CALM };
  return { text: "no metric failed", tick: true, title: CALM };
}
