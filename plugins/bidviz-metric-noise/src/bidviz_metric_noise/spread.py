"""How the examples' gradients spread about the batch's: gathered in chunks, so that memory stays bounded."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

import bidviz_core as bidviz
from bidviz_metric_noise.examples import Examples
from bidviz_metric_noise.judging import Spread

if TYPE_CHECKING:
    from bidviz_core.learners.second_pass import SecondPass

#: The most numbers of per-example gradients that are held at once.
MOST_NUMBERS = 2**25


def gather(second_pass: SecondPass, examples: Examples, chosen: Sequence[int], state: dict[str, Any]) -> Spread:
    """The gradients of some examples about the gradient of the whole batch.

    Args:
        second_pass: the loss as a function of the parameters.
        examples: the batch's examples.
        chosen: which of them to look at, at least 2.
        state: `"summed"`: the loss is the sum of the examples'; `"one by one"`, which is set here: `torch.func.vmap`
            does not know the model's operations.
    """
    _, whole = second_pass.gradients(second_pass.params)
    parts = examples.count if state.get("summed") else 1
    wide = {name: _wide(tensor).flatten() / parts for name, tensor in whole.items()}
    chunk = max(1, min(len(chosen), MOST_NUMBERS // max(1, sum(tensor.numel() for tensor in wide.values()))))
    first = {name: torch.zeros_like(tensor) for name, tensor in wide.items()}
    second = {name: torch.zeros_like(tensor) for name, tensor in wide.items()}
    squares, products = [], []
    for gradients in _per_example(second_pass, examples, chosen, chunk, state):
        square = product = torch.zeros(())
        for name, gradient in gradients.items():
            one = _wide(gradient).flatten(1)
            first[name] += one.sum(0)
            second[name] += one.square().sum(0)
            off = one - wide[name]
            product = product + (off @ wide[name]).double().to(product.device)
            square = square + off.square_().sum(1).double().to(square.device)
        squares += square.tolist()
        products += product.tolist()
    return Spread(
        examples=examples.count,
        norm=float(sum(float(tensor.square().sum(dtype=torch.float64)) for tensor in wide.values())),
        squares=squares,
        products=products,
        signal_to_noise=_signal_to_noise(list(first.values()), list(second.values()), len(chosen), examples.count),
    )


def _per_example(
    second_pass: SecondPass, examples: Examples, chosen: Sequence[int], chunk: int, state: dict[str, Any]
) -> Iterator[dict[str, Tensor]]:
    """Gradients `chunk × shape` by name."""

    def loss(params: dict[str, Tensor], *rows: Tensor) -> Tensor:
        return second_pass.loss(params, examples.batch_of(rows), same_numbers=False)

    leaves = examples.leaves
    if any(isinstance(module, nn.RNNBase) for module in second_pass.model.modules()):
        state["one by one"] = True  # vmap would take it operation by operation, which is slower still
    vectorised = torch.func.vmap(torch.func.grad(loss), in_dims=(None, *[0] * len(leaves)), randomness="different")
    for begin in range(0, len(chosen), chunk):
        rows = [leaf[list(chosen[begin : begin + chunk])] for leaf in leaves]
        if chunk > 1 and not state.get("one by one"):
            try:
                with warnings.catch_warnings():
                    warnings.filterwarnings("ignore", message="There is a performance drop")
                    found = vectorised(second_pass.params, *rows)
            except bidviz.Unavailable:
                raise
            except (RuntimeError, NotImplementedError, ValueError):
                state["one by one"] = True  # an operation that vmap does not know: as right, and slower
            else:
                yield {name: tensor.detach() for name, tensor in found.items()}
                continue
        for number in range(len(rows[0])):
            batch = examples.batch_of([row[number] for row in rows])
            _, found = second_pass.gradients(second_pass.params, batch, same_numbers=False)
            yield {name: tensor[None] for name, tensor in found.items()}


def _wide(tensor: Tensor) -> Tensor:
    """A tensor of no less than 32 bits."""
    return tensor if tensor.dtype == torch.float64 else tensor.float()


def _signal_to_noise(first: Sequence[Tensor], second: Sequence[Tensor], number: int, examples: int) -> float:
    """The mean, over the parameters whose gradient varies, of its squared mean by its variance.

    Args:
        first: the sums of the gradients of some examples.
        second: the sums of their squares.
        number: how many examples these are.
        examples: how many the batch has, which the ratio is given for: of `number` examples pure noise would give
            1 / number, of all 1 / examples.

    Returns:
        NaN where no parameter's gradient varies.
    """
    total, count = 0.0, 0
    for sums, squares in zip(first, second, strict=True):
        mean = sums / number
        variance = (squares - sums * mean) / (number - 1)
        # A variance as small as this is the rounding of its two parts.
        moving = ~(variance <= 16 * torch.finfo(sums.dtype).eps * squares / number)  # NaN stays in, and is seen
        total += float((mean.square() / variance).where(moving, 0.0).sum(dtype=torch.float64))
        count += int(moving.sum())
    return total / count - 1 / number + 1 / examples if count else float("nan")
