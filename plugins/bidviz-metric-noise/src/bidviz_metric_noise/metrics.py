"""The metric: how the examples' gradients spread, at which cadence, drawn how."""

from __future__ import annotations

from collections import deque
from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_noise import charts

if TYPE_CHECKING:
    from bidviz_core.learners.second_pass import SecondPass

#: So many examples of a batch are looked at: what is averaged over them is right to about a fourth.
MOST_EXAMPLES = 16
#: The noise scale is of so many runs together.
AVERAGED = 5


@bidviz.metric(name="noise/gradients", every=2000, chart=[charts.SCALE, charts.TESTS, charts.SIGNAL])
def gradients(second_pass: SecondPass, state: dict[str, Any]) -> dict[str, float]:
    """How noisy the gradient is: noise scale (examples), norm, inner-product and orthogonality tests, signal to noise.

    From the gradients of single examples of the step's batch. Costs about 4 steps.
    """
    from bidviz_metric_noise import judging
    from bidviz_metric_noise.examples import Examples, evenly, is_summed, why_not_apart
    from bidviz_metric_noise.spread import gather

    reason = why_not_apart(second_pass.model)
    if reason:
        raise bidviz.Unavailable(reason)
    examples = Examples(second_pass.batch)
    chosen = evenly(examples.count, MOST_EXAMPLES)
    if state.get("summed") is None:
        state["summed"] = is_summed(second_pass, examples, chosen)
    spread = gather(second_pass, examples, chosen, state)
    spreads = state.setdefault("spreads", deque(maxlen=AVERAGED))
    spreads.append(spread)
    return {
        "scale": judging.noise_scale(spreads),
        "norm test": judging.norm_test(spread),
        "inner product test": judging.inner_product_test(spread),
        "orthogonality test": judging.orthogonality_test(spread),
        "signal to noise": spread.signal_to_noise,
        "batch size": float(spread.examples),
    }
