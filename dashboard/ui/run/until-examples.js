// Conditions to run until, as examples that fit the run at hand.

const GRADIENTS = ["grad_norm", "gradnorm/norm/global"]; // a metric of one's own, and that of the bundle

const SOON = 3; // the first epoch that is named
const AHEAD = 2; // epochs beyond those that are over: the next one may be over before somebody has pressed Run

/**
 * @param {Record<string, string>} series - the run's series with their kinds.
 * @param {?{step: number, epoch: ?number}} [status] - where it is: what is past already would pause it at once.
 * @returns {string[]} conditions that this run understands.
 */
export function untilExamples(series, status = null) {
  const known = GRADIENTS.find((name) => series[name] === "scalar") ?? "loss";
  const read = /^[A-Za-z_]\w*$/.test(known) ? known : `last(${JSON.stringify(known)})`;
  return ["loss < 0.1", placeAhead(status), `${read} is nan`];
}

/** A place that it has not come to: an epoch, or where none are counted the next step but one that is a round number. */
function placeAhead(status) {
  const { step = 0, epoch = null } = status ?? {};
  if (epoch !== null || !status) return `epoch ${Math.max(SOON, (epoch ?? 0) + AHEAD)}`;
  const round = 10 ** Math.max(2, Math.floor(Math.log10(Math.max(1, step))));
  return `step ${(Math.floor(step / round) + AHEAD) * round}`;
}
