"""The metrics: which distributions, how often, drawn how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

import bidviz_core as bidviz
from bidviz_metric_distributions import charts
from bidviz_metric_distributions.sampling import Samples, samples_of
from bidviz_metric_distributions.statistics import (
    MOMENTS,
    QUANTILE_NAMES,
    moments_of,
    quantiles_of,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import Tensor

    from bidviz_core.views import TensorView

BINS = 64
_NOTHING_TRAINED = "Nothing is trained here: every parameter is frozen, or there is none."
_NO_GRADIENT = "No parameter had a gradient in this step."


@bidviz.metric(
    name="distributions/weights",
    every=100,
    chart=[charts.WEIGHTS, charts.WEIGHTS_OF_LAYERS, charts.WEIGHTS_BY_LAYER],
)
def weights(params: TensorView) -> Any:
    """Histograms of the weights after the update: of all together, and of each layer (in the weights' unit).

    Of more than 16,384 values in a layer, so many are counted, in evenly spaced runs; of all together 131,072.
    """
    return _histograms(params.once(samples_of), _NOTHING_TRAINED)


@bidviz.metric(
    name="distributions/gradients",
    every=100,
    chart=[charts.GRADIENTS, charts.GRADIENTS_OF_LAYERS, charts.GRADIENTS_BY_LAYER],
)
def gradients(grads: TensorView) -> Any:
    """Histograms of the gradients as the update used them: of all together, and of each layer (loss per weight)."""
    return _histograms(grads.once(samples_of), _NO_GRADIENT)


@bidviz.metric(
    name="distributions/updates", every=200, chart=[charts.UPDATES, charts.UPDATES_OF_LAYERS, charts.UPDATES_BY_LAYER]
)
def updates(updates: TensorView) -> Any:
    """Histograms of what one update changed: of all together, and of each layer (in the weights' unit).

    Keeps a copy of the parameters during the step, and takes the difference: the dear one of this bundle.
    """
    return _histograms(updates.once(samples_of), _NOTHING_TRAINED)


@bidviz.metric(
    name="distributions/moments",
    every=50,
    chart=[charts.SPREAD_OF_WEIGHTS, charts.SPREAD_OF_GRADIENTS, charts.MEANS, charts.SKEWNESS, charts.TAILS],
)
def moments(params: TensorView, grads: TensorView) -> Any:
    """Mean, standard deviation, skewness and excess kurtosis of each layer's weights and gradients.

    The population's moments, of at most 16,384 values of a layer; mean and deviation in the unit of the values, the
    others dimensionless, 0 for a normal distribution.
    """
    found: dict[str, Any] = {}
    for kind, view in (("weights", params), ("gradients", grads)):
        samples = view.once(samples_of)
        for layer, values in zip(samples.layers, samples.values, strict=True):
            for moment, value in zip(MOMENTS, moments_of(values), strict=True):
                found[f"{kind}/{moment}/{layer}"] = value
    return found or bidviz.Nothing(_NOTHING_TRAINED)


@bidviz.metric(
    name="distributions/quantiles",
    every=100,
    chart=[charts.WEIGHT_QUANTILES, charts.GRADIENT_QUANTILES, charts.WEIGHT_SIZES, charts.GRADIENT_SIZES],
)
def quantiles(params: TensorView, grads: TensorView) -> Any:
    """Quantiles of all weights and gradients, and of the size of each layer's (log10 of the absolute value)."""
    found: dict[str, Any] = {}
    for kind, view in (("weights", params), ("gradients", grads)):
        samples = view.once(samples_of)
        if not samples.layers:
            continue
        whole = quantiles_of(samples.whole)
        found |= {f"{kind}/all/{name}": value for name, value in zip(QUANTILE_NAMES, whole, strict=True)}
        found[f"{kind}/sizes"] = _sizes(samples)
    return found or bidviz.Nothing(_NOTHING_TRAINED)


def _histograms(samples: Samples, reason: str) -> Any:
    if not samples.layers:
        return bidviz.Nothing(reason)
    # Counted by the pump; the samples are a copy already.
    found = {
        f"layer/{layer}": bidviz.Histogram.of(values, BINS, copy=False)
        for layer, values in zip(*samples[:2], strict=True)
    }
    return {"all": bidviz.Histogram.of(samples.whole, BINS, copy=False), **found}


def _sizes(samples: Samples) -> Any:
    if all(row.is_cpu for row in samples.values):
        return Sizes(samples.layers, samples.values)
    import torch  # only now: a learner without torch never comes here

    found = [torch.as_tensor(quantiles_of(row.abs()), device=samples.whole.device) for row in samples.values]
    return bidviz.Matrix(torch.stack(found).log10(), samples.layers, QUANTILE_NAMES)


class Sizes:
    """The quantiles of each layer's sizes; put in order by the pump, since sorting is most of this bundle's work.

    Args:
        layers: n names.
        rows: n vectors of values, in memory that nobody writes to any more.
    """

    def __init__(self, layers: tuple[str, ...], rows: Sequence[Tensor]) -> None:
        self._layers = layers
        self._rows = rows
        #: How many bytes wait here.
        self.nbytes = sum(row.numel() * row.element_size() for row in rows)

    def resolve(self) -> bidviz.Matrix:
        """The matrix, n × quantiles, of log10; -Inf where the values are 0, which is drawn as such."""
        with np.errstate(divide="ignore"):
            sizes = np.log10(np.stack([quantiles_of(row.abs()) for row in self._rows]))
        return bidviz.Matrix(sizes, self._layers, QUANTILE_NAMES)
