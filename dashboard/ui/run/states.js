// A run's state in a word, a shape and a colour, and in a sentence where it needs one.
import { h } from "../dom.js";
import { formatCount, formatDuration, formatTime, spacedNumbers } from "../numbers.js";

/** word, tone (a colour of the theme) and shape (a path in a 12 × 12 box; `hollow` ones are drawn as lines). */
export const STATES = {
  running: { word: "running", tone: "good", path: "M6 1a5 5 0 1 0 0 10A5 5 0 0 0 6 1Z" },
  paused: { word: "paused", tone: "accent", path: "M2 1h3v10H2ZM7 1h3v10H7Z" },
  quiet: {
    word: "quiet",
    tone: "warn",
    path: "M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9ZM6 3.2V6l2 1.6",
    hollow: true,
  },
  stuck: { word: "stuck", tone: "bad", path: "M6 .8 11.6 11H.4ZM5.4 4v3.6h1.2V4Zm0 4.6v1.2h1.2V8.6Z", evenodd: true },
  stopped: { word: "stopped", tone: "muted", path: "M1.5 1.5h9v9h-9Z" },
  ended: { word: "ended", tone: "muted", path: "M1.5 6.5 4.5 9.5 10.5 2.5", hollow: true },
  failed: { word: "failed", tone: "bad", path: "M2 2 10 10M10 2 2 10", hollow: true },
  lost: { word: "lost", tone: "bad", path: "M6 1.5a4.5 4.5 0 1 0 0 9 4.5 4.5 0 0 0 0-9Z", hollow: true, dashed: true },
  unknown: { word: "…", tone: "muted", path: "M4.5 6h3", hollow: true },
};

/** Who has paused a run whose coming update waits because of its gradients. */
export const BEFORE_UPDATE = "bad gradients";

/** States in which a training process is there and takes requests. */
export const LIVE = new Set(["running", "paused", "quiet", "stuck"]);

/** The drawing of a state, for beside its word. */
export function stateShape(name) {
  const state = STATES[name] ?? STATES.unknown;
  return h(
    "svg:svg",
    { viewBox: "0 0 12 12", class: "bv-shape", "aria-hidden": "true" },
    h("svg:path", {
      d: state.path,
      fill: state.hollow ? "none" : "currentColor",
      "fill-rule": state.evenodd ? "evenodd" : null,
      stroke: state.hollow ? "currentColor" : null,
      "stroke-width": state.hollow ? "1.8" : null,
      "stroke-linecap": "round",
      "stroke-linejoin": "round",
      "stroke-dasharray": state.dashed ? "2 2.7" : null,
    }),
  );
}

/** Word and shape together, in the state's colour. */
export function stateBadge(name) {
  const state = STATES[name] ?? STATES.unknown;
  return h("span", { class: `bv-state bv-tone-${state.tone}` }, stateShape(name), h("span", { text: state.word }));
}

/**
 * What there is to say about a state beyond its word.
 *
 * @param {object} status - the run's last status.
 * @param {number} started - when the run began, in seconds since the epoch; 0 where that is not known.
 * @param {string} [cannotGoBack] - why it cannot go back to a checkpoint; empty where it can.
 * @returns {string} one sentence, or `""` for a run that is well.
 */
export function stateSentence(status, started = 0, cannotGoBack = "") {
  const since = status.since ? ` since ${formatTime(status.since)}` : "";
  const waited = formatDuration(status.since_step);
  switch (status.state) {
    case "running":
      return goalOf(status) ? `Pauses ${goalOf(status)}.` : "";
    case "paused":
      if (status.paused_by === BEFORE_UPDATE) {
        return badUpdate(status, since, cannotGoBack);
      }
      if (status.reached) return `Paused${since}, as ${spacedNumbers(status.reached)}; serving your edits.`;
      return `Paused${status.paused_by ? ` by ${who(status.paused_by)}` : ""}${since}; serving your edits.`;
    case "quiet":
      return spacedNumbers(status.detail || "") || `No step for ${waited}; one usually takes ${formatDuration(status.step_time)}.`;
    case "stuck":
      return spacedNumbers(status.detail || "") || `No step for ${waited}${since ? `, stuck${since}` : ""}.`;
    case "stopped":
      return (
        spacedNumbers(lastLine(status.detail)) ||
        `Stopped${status.since ? ` at ${formatTime(status.since)}` : ""} at step ${formatCount(status.step)}.`
      );
    case "ended":
      return `Ended${status.since ? ` at ${formatTime(status.since)}` : ""} after ${formatCount(status.step)} steps.`;
    case "failed":
      return lastLine(status.detail) || `Failed at step ${formatCount(status.step)}.`;
    case "lost":
      // The last beat told how long the run had been going.
      return `Gone without a word at step ${formatCount(status.step)}: last seen ${started ? formatTime(started + status.elapsed) : "–"}.`;
    default:
      return "";
  }
}

/** Where a run that is running is to pause by itself, as words: `"when loss < 0.1"`; empty if nowhere. */
export function goalOf(status) {
  return status?.state === "running" ? spacedNumbers(status.goal || "") : "";
}

/** What is known in a pause before a bad update: that it has not touched the weights, and whether they were ruined before. */
function badUpdate({ step, skipped = 0, ruined = "", back_to: backTo = null }, since, cannotGoBack) {
  const where = `Paused before the update of step ${formatCount(step + 1)}${since}: a gradient is not finite`;
  const before = skipped === 1 ? "the update before was skipped" : `the ${formatCount(skipped)} updates before were skipped`;
  if (ruined) {
    // Whoever has just skipped one is to see that it was done: what was said of that is over with the new pause.
    const again = skipped ? ` again, though ${before}` : "";
    const known = `${where}${again}, and neither is the model itself (${ruined}), which skipping does not mend`;
    if (cannotGoBack) return `${known}: put good values back, or stop and take a checkpoint up anew.`;
    if (backTo === null) return `${known}: no checkpoint is from before. Put good values back, or begin anew.`;
    return `${known}: go back to the checkpoint of step ${formatCount(backTo)}, or to one from before it.`;
  }
  if (!skipped) return `${where}. The update was not made; the weights are as ${step ? `step ${formatCount(step)} left them` : "they were at the start"}.`;
  const way = cannotGoBack
    ? "The weights themselves may be ruined: put good ones back, or stop and take a checkpoint up anew."
    : "The weights themselves may be ruined: go back to a checkpoint from before.";
  return `${where} again, though ${before}. Skipping does not help. ${way}`;
}

/** Whether a run that goes back waits where it has come to: where somebody has paused it, and not where a bad update has. */
export function waits(status) {
  return status?.state === "paused" && status.paused_by !== BEFORE_UPDATE;
}

/** That a run has gone back, and whether it goes on. */
export function backWords(step, waiting) {
  const back = `The training is back at step ${formatCount(step)}`;
  return waiting ? `${back} and waits there: it is paused. Resume goes on from there.` : `${back} and goes on from there.`;
}

/**
 * Whether words about a run are not true any more.
 *
 * @param {{moves: boolean, step: number}} said - that it goes on, or does not, and from which step on.
 * @param {{state: string, step: number}} status - its present one.
 */
export function overtaken({ moves, step }, status) {
  if (status.state === "running") return !moves && status.step > step;
  if (status.state === "paused") return moves && status.step > step;
  return true;
}

/** Whether it says where the script was when it ended: in an exception, or when a signal ended it. */
export function hasTraceback(status) {
  return status?.state === "failed" || (status?.state === "stopped" && (status.detail ?? "").trim().includes("\n"));
}

/** `"person"` is whoever sits before a page. */
export function who(author) {
  return author === "person" ? "a person on a page" : author;
}

function lastLine(text) {
  return spacedNumbers((text || "").trim().split("\n").pop());
}
