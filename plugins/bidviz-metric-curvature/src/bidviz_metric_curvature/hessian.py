"""Hessian-vector products over one graph, and what is had of them: the largest eigenvalue, the trace."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor

import bidviz_core as bidviz

if TYPE_CHECKING:
    from bidviz_core.learners.second_pass import SecondPass

#: The eigenvalue is taken when a further product changes it by less than this share.
CONVERGED = 1e-3


class Hessian:
    """The Hessian of the step's loss at some parameters, as a product with vectors.

    One forward and one backward pass make the graph, and each product is about one backward pass more (Pearlmutter,
    "Fast exact multiplication by the Hessian", 1994).

    Args:
        second_pass: the loss as a function of the parameters.
        params: where; the present parameters by default.
    """

    def __init__(self, second_pass: SecondPass, params: Mapping[str, Tensor] | None = None) -> None:
        with torch.enable_grad():
            self._leaves = [tensor.detach().requires_grad_() for tensor in (params or second_pass.params).values()]
            loss = second_pass.loss(dict(zip(params or second_pass.params, self._leaves, strict=True)))
            gradients = torch.autograd.grad(
                loss, self._leaves, create_graph=True, allow_unused=True, materialize_grads=True
            )
        #: The gradients that depend on some parameter; the Hessian's other rows are zeros.
        self._gradients = [(number, one) for number, one in enumerate(gradients) if one.requires_grad]

    @property
    def shapes(self) -> list[torch.Size]:
        """The shape of each parameter."""
        return [leaf.shape for leaf in self._leaves]

    def times(self, vector: Sequence[Tensor]) -> list[Tensor]:
        """The product with a vector.

        Args:
            vector: a tensor for each parameter, of its shape, in float32 or float64.

        Returns:
            As many tensors, of the vector's type.

        Raises:
            Unavailable: the model has an operation without a second derivative.
        """
        if not self._gradients:
            return [torch.zeros_like(part) for part in vector]
        try:
            product = torch.autograd.grad(
                [gradient for _, gradient in self._gradients],
                self._leaves,
                [vector[number].to(gradient.dtype) for number, gradient in self._gradients],
                retain_graph=True,
                allow_unused=True,
                materialize_grads=True,
            )
        except RuntimeError as error:  # torch's word for an operation without a second derivative
            if "derivative for" not in str(error):
                raise
            raise bidviz.Unavailable(f"the model cannot be differentiated twice: {error}") from error
        return [found.to(part.dtype) for found, part in zip(product, vector, strict=True)]

    def random(self, generator: torch.Generator, *, signs: bool) -> list[Tensor]:
        """A random vector: signs (Rademacher), or normal values."""
        made = []
        for leaf in self._leaves:
            kind = torch.float64 if leaf.dtype == torch.float64 else torch.float32
            if signs:
                bits = torch.randint(0, 2, leaf.shape, generator=generator)
                made.append((2 * bits - 1).to(leaf.device, kind))
            else:
                made.append(torch.randn(leaf.shape, generator=generator, dtype=kind).to(leaf.device))
        return made


class Largest(NamedTuple):
    """What power iteration came to.

    Args:
        value: the eigenvalue of largest size, with its sign.
        error: the norm of `H v - value v` for the unit vector v: some eigenvalue lies as near as this.
        vector: v, to go on from; none where it is no number.
        products: how many products it took.
    """

    value: float
    error: float
    vector: list[Tensor] | None
    products: int


def largest_eigenvalue(hessian: Hessian, start: Sequence[Tensor], most: int) -> Largest:
    """Power iteration (von Mises).

    Args:
        hessian: the Hessian.
        start: the vector to begin with.
        most: the most products to take.
    """
    vector = _unit(start)
    value = error = math.nan
    for number in range(1, most + 1):
        product = hessian.times(vector)
        former, value = value, dot(product, vector)
        size = math.sqrt(dot(product, product))
        if not math.isfinite(size):
            return Largest(math.nan, math.nan, None, number)
        # |H v - λ v|² = |H v|² - λ² for a unit vector.
        error = math.sqrt(max(0.0, size * size - value * value))
        if size == 0.0 or abs(value - former) <= CONVERGED * abs(value):
            break
        vector = [part / size for part in product]
    return Largest(value, error, vector, number)


def trace_estimate(hessian: Hessian, generator: torch.Generator, probes: int) -> tuple[float, float]:
    """The trace, from random signs z: the mean of zᵀHz (Hutchinson, 1990).

    Args:
        hessian: the Hessian.
        generator: where the signs come from.
        probes: how many vectors, at least 2.

    Returns:
        The estimate and its standard error.
    """
    values = []
    for _ in range(probes):
        signs = hessian.random(generator, signs=True)
        values.append(dot(signs, hessian.times(signs)))
    mean = math.fsum(values) / probes if all(map(math.isfinite, values)) else math.nan
    spread = math.fsum((value - mean) ** 2 for value in values) / (probes - 1) if math.isfinite(mean) else math.nan
    return mean, math.sqrt(spread / probes)


def dot(ones: Sequence[Tensor], others: Sequence[Tensor]) -> float:
    """The inner product of two vectors that are in parts and of one type; waits for their device once."""
    products = [torch.dot(_wide(one), _wide(other)).double() for one, other in zip(ones, others, strict=True)]
    return float(torch.stack([product.to(products[0].device) for product in products]).sum()) if products else 0.0


def _wide(tensor: Tensor) -> Tensor:
    """A flat tensor of no less than 32 bits."""
    return tensor.flatten() if tensor.dtype == torch.float64 else tensor.flatten().float()


def _unit(vector: Sequence[Tensor]) -> list[Tensor]:
    size = math.sqrt(dot(vector, vector))
    return [part / size for part in vector] if size > 0 else list(vector)
