/** What a mark's sign says: the kind of the change. Who made it is its colour, and stands in its words. */

/** Each kind: its sign, and its word. */
export const KINDS = {
  hyperparameter: ["H", "hyperparameter"],
  policy: ["ƒ", "policy"],
  paused: ["‖", "paused"],
  resumed: ["▸", "resumed"],
  stopped: ["■", "stopped"],
  checkpoint: ["C", "checkpoint"],
  model: ["M", "model"],
  skipped: ["×", "update left out"],
  other: ["•", "change"],
};

const OF_ACTIONS = {
  hyperparameter: ["modifyParam", "setHyperparameter", "releaseHyperparameter", "keepChange", "leaseEnded", "proposeHyperparameters"],
  policy: ["armPolicy", "disarmPolicy", "policyDisarmed"],
  resumed: ["runSteps"],
  stopped: ["stopTraining"],
  checkpoint: ["saveCheckpoint", "restartTraining", "restoreCheckpoint", "branchCheckpoint"],
  model: ["changeModel", "undoModelChange"],
  skipped: ["skipUpdate"],
};
const KIND_OF = new Map(Object.entries(OF_ACTIONS).flatMap(([kind, actions]) => actions.map((action) => [action, kind])));

/**
 * The kind of a change.
 *
 * @param {{action?: string, summary?: string}} entry - the journal's.
 * @returns {keyof KINDS}
 */
export function kindOf({ action = "", summary = "" }) {
  if (action === "pauseTraining") return summary.startsWith("resumed") ? "resumed" : "paused";
  return KIND_OF.get(action) ?? "other";
}

/** All signs in a line, for who wonders what one of them means. */
export const GLOSSARY = Object.values(KINDS)
  .map(([sign, word]) => `${sign} ${word}`)
  .join(", ");
