"""The metrics: what of which modules, how often, drawn how."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_activations import charts
from bidviz_metric_activations.attention import computes_itself, is_attention, look_at_attention
from bidviz_metric_activations.looks import look_at_moments, look_for_dead, look_for_saturation, moments_of_all
from bidviz_metric_activations.places import (
    Listing,
    evenly,
    has_parameters,
    looks_before,
    modules_of,
    place_of,
    places_in,
)

if TYPE_CHECKING:
    from torch import Tensor

#: A unit that was silent in so many looks in a row is called dead: a single batch says little.
LASTING = 10

_NOT_SEEN = (
    "None of the modules was called in this step with gradients. Inside a model that torch.compile made, modules are "
    "not seen; what a model computes by functions alone neither."
)

_rectifiers, _bends = Listing(), Listing()


def _select_rectifiers(name: str, module: Any) -> bool:
    return _rectifiers.select(name, module) and place_of(module).bends.is_rectifier


def _no_rectifier(learner: Any) -> str | None:
    if any(place.bends.is_rectifier for place in places_in(learner.model)):
        return None
    return (
        "the model has no ReLU or ReLU6 module (functional ones are only seen inside torch's transformer layers), so "
        "no unit can die."
    )


def _no_bend(learner: Any) -> str | None:
    if places_in(learner.model):
        return None
    return (
        "the model has no module of a non-linearity that is known (nn.ReLU, Tanh, Sigmoid, GELU, SiLU, Hardtanh, ReLU6 "
        "and their kind); those called as functions cannot be seen."
    )


def _no_layer(learner: Any) -> str | None:
    if any(has_parameters(*named) for named in modules_of(learner.model)):
        return None
    return "no model with layers was given: watch(model, optimizer)."


def _no_attention(learner: Any) -> str | None:
    if any(is_attention(*named) for named in modules_of(learner.model)):
        return None
    return (
        "the model has no attention module. Where it calls scaled_dot_product_attention itself, nobody sees the "
        "weights: log bidviz_metric_activations.attention_entropy(query, key) from the script."
    )


@bidviz.metric(
    name="activations/dead",
    every=20,
    chart=[charts.DEAD, charts.SILENT],
    modules=bidviz.Observe(_select_rectifiers, look_for_dead, before=looks_before),
    fits=_no_rectifier,
)
def dead(activations: dict[str, Any], state: dict[str, Any]) -> Any:
    """Share of each rectifier's units whose input was above 0 for no example (0 to 1): now, and ten looks in a row.

    A unit is a channel of a convolution, a feature otherwise; one pass over what goes in.
    """
    kept = {name: activations[name] for name in evenly(activations) if activations[name] is not None}
    if not kept:
        return bidviz.Nothing(_NOT_SEEN)
    silent_for: dict[str, Tensor] = state.setdefault("silent for", {})
    found: dict[str, Any] = {}
    for name, largest in kept.items():
        silent = largest <= 0  # NaN is not silent
        before = silent_for.get(name)
        if before is None or before.shape != silent.shape or before.device != silent.device:
            before = silent.long() * 0
        silent_for[name] = after = (before + 1) * silent
        found[f"now/{name}"] = silent.float().mean()
        found[f"lasting/{name}"] = (after >= LASTING).float().mean()
    return found


@bidviz.metric(
    name="activations/saturation",
    every=50,
    chart=[charts.SATURATED_LOW, charts.SATURATED_HIGH],
    modules=bidviz.Observe(_bends.select, look_for_saturation, before=looks_before),
    fits=_no_bend,
)
def saturation(activations: dict[str, Any]) -> Any:
    """Share of the inputs of each non-linearity beyond its lower and its upper bend (0 to 1).

    Beyond a bend the slope is less than a twentieth of the steepest. Of a large call, 65,536 values are looked at.
    """
    found: dict[str, Any] = {}
    for name in evenly(activations):
        kept = activations[name]
        if kept is None:
            continue
        if kept.low is not None:
            found[f"low/{name}"] = kept.low / kept.total
        if kept.high is not None:
            found[f"high/{name}"] = kept.high / kept.total
    return found or bidviz.Nothing(_NOT_SEEN)


@bidviz.metric(
    name="activations/moments",
    every=50,
    chart=[charts.DEVIATION, charts.MEAN, charts.LARGEST, charts.SHAPE],
    modules=bidviz.Observe(has_parameters, look_at_moments),
    fits=_no_layer,
)
def moments(activations: dict[str, Any]) -> Any:
    """Mean, standard deviation, skewness, excess kurtosis and largest size of what each layer gives, at the last call.

    In the layer's own unit, skewness and kurtosis dimensionless; of a large output 8,192 values are looked at.
    """
    names = ("mean", "std", "skewness", "kurtosis", "largest")
    kept = {module: activations[module] for module in evenly(activations) if activations[module] is not None}
    taken = moments_of_all(kept)
    found: dict[str, Any] = {}
    for module in kept:
        values = taken[module].tolist() if taken[module].is_cpu else taken[module]
        found |= {f"{name}/{module}": value for name, value in zip(names, values, strict=True)}
    return found or bidviz.Nothing(_NOT_SEEN)


@bidviz.metric(
    name="activations/attention",
    every=100,
    chart=[charts.ENTROPY, charts.ENTROPY_BY_HEAD],
    modules=bidviz.Observe(is_attention, look_at_attention, before=computes_itself),
    fits=_no_attention,
)
def attention(activations: dict[str, Any]) -> Any:
    """Entropy of each attention head's weights, divided by that of looking at all keys alike (0 to 1).

    Of torch's own attention the weights of one example are computed again, for 32 queries and all keys.
    """
    kept = {name: activations[name] for name in evenly(activations) if activations[name] is not None}
    if not activations:
        return bidviz.Nothing(_NOT_SEEN)
    if not kept:
        return bidviz.Nothing(
            "gives its weights to nobody: have it give them as its second output (of Hugging Face's models: "
            'attn_implementation="eager", output_attentions=True), or log attention_entropy(query, key).'
        )
    import torch  # only now: a learner without torch never comes here

    most = max(len(heads) for heads in kept.values())
    rows = [torch.nn.functional.pad(heads, (0, most - len(heads)), value=math.nan) for heads in kept.values()]
    table = torch.stack(rows)
    found: dict[str, Any] = {f"mean/{name}": heads.mean() for name, heads in kept.items()}
    found["heads"] = bidviz.Matrix(table, tuple(kept), tuple(str(head) for head in range(most)))
    return found
