// Conditions to run until, as examples that fit the run at hand.

const GRADIENTS = ["grad_norm", "gradnorm/norm/global"]; // a metric of one's own, and that of the bundle

/**
 * @param {Record<string, string>} series - the run's series with their kinds.
 * @returns {string[]} conditions that this run understands.
 */
export function untilExamples(series) {
  const known = GRADIENTS.find((name) => series[name] === "scalar") ?? "loss";
  const read = /^[A-Za-z_]\w*$/.test(known) ? known : `last(${JSON.stringify(known)})`;
  return ["loss < 0.1", "epoch 3", `${read} is nan`];
}
