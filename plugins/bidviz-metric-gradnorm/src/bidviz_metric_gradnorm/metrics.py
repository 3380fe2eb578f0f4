"""The metrics: which norms, how often, drawn how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_gradnorm import charts
from bidviz_metric_gradnorm.diagnosis import HEALTHY, SICK, judge, renew_average
from bidviz_metric_gradnorm.norms import by_layer, by_layer_on_device, layers_of, mended, ratio, with_total

if TYPE_CHECKING:
    from bidviz_core.views import TensorView


@bidviz.metric(name="gradnorm/norm", chart=[charts.GLOBAL_NORM, charts.LAYER_NORMS])
def gradnorm(grads: TensorView) -> dict[str, Any] | None:
    """L2 norm of the gradients (dimensionless): of all together, and of each layer.

    One fused operation over all gradients; parameters without a gradient are left out.
    """
    names = grads.names
    if not names:
        return None
    layers = layers_of(names)
    tensors = grads.tensors
    if not tensors[0].is_cpu:  # the training does not wait for a device: the pump reads the numbers later
        total, each = by_layer_on_device(grads.norms(), layers)
        return dict(zip(layers.keys, (total, *each.unbind()), strict=True))
    values, whole = with_total(grads.host_norms(), tensors)
    return dict(zip(layers.keys, (whole, *by_layer(values, layers)), strict=True))


@bidviz.metric(name="gradnorm/weights", every=10, chart=charts.GRADIENT_TO_WEIGHT)
def weights(grads: TensorView, params: TensorView) -> dict[str, float] | None:
    """Norm of each layer's gradient divided by the norm of its weights (dimensionless)."""
    return _ratios(grads, params)


@bidviz.metric(name="gradnorm/updates", every=10, chart=charts.UPDATE_TO_WEIGHT)
def updates(updates: TensorView, params: TensorView) -> dict[str, float] | None:
    """Norm of what the update changed in each layer divided by the norm of its weights (dimensionless)."""
    return _ratios(updates, params)


@bidviz.metric(name="gradnorm/health", every=10, chart=[charts.SICK_LAYERS, charts.LAYER_TABLE])
def health(grads: TensorView, params: TensorView, state: dict[str, Any]) -> dict[str, Any] | None:
    """Layers whose gradients vanish, explode or are not finite: how many, and which."""
    names = grads.names
    if not names:
        return None
    layers = layers_of(names)
    norms = by_layer(mended(grads.host_norms(), grads.tensors), layers)
    weighs = by_layer(_norms_of(params, names), layers)
    sizes = [tensor._nnz() if tensor.is_sparse else tensor.numel() for tensor in grads.tensors]
    counts = [sum(sizes[position] for position in members) for members in layers.members]
    averages = state.setdefault("averages", {})
    states = judge(norms, counts, [averages.get(layer) for layer in layers.names])
    for layer, norm in zip(layers.names, norms, strict=True):
        averages[layer] = renew_average(averages.get(layer), norm)
    rows = [
        (status, layer, norm, weigh, ratio(norm, weigh))
        for status, layer, norm, weigh in zip(states, layers.names, norms, weighs, strict=True)
    ]
    rows.sort(key=lambda row: (*SICK, HEALTHY).index(row[0]))
    columns = ("state", "layer", "gradient", "weights", "gradient / weights")
    return {**{sick: states.count(sick) for sick in SICK}, "layers": bidviz.Table(columns, rows)}


def _ratios(part: TensorView, whole: TensorView) -> dict[str, float] | None:
    names = part.names
    if not names:
        return None
    layers = layers_of(names)
    parts = by_layer(mended(part.host_norms(), part.tensors), layers)
    wholes = by_layer(_norms_of(whole, names), layers)
    return {layer: ratio(*pair) for layer, *pair in zip(layers.names, parts, wholes, strict=True)}


def _norms_of(view: TensorView, names: tuple[str, ...]) -> list[float]:
    """The norms of those tensors of a view that have these names."""
    norms = mended(view.host_norms(), view.tensors)
    if view.names == names:
        return norms
    by_name = dict(zip(view.names, norms, strict=True))
    return [by_name[name] for name in names]
