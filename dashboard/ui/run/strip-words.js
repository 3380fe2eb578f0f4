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

/** What is in that figure, and over which time. */
export function costTitle(live) {
  const when = live
    ? "The share of the last 30 seconds of training that went to watching"
    : "The share of the last 30 seconds of its training that went to watching, as the run last told it";
  return `${when}: ${COUNTED}\nMetrics lists what each metric takes.`;
}

/** What stands behind the metrics' sum, which is another figure than the one below the header. */
export const SUM_TEXT =
  "Reckoned from the mean time of a run and from how often each runs. “Watching costs”, under the header, was measured over the last 30 seconds " +
  "of training, and has recording, policies and what pages ask for in it as well.";

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
