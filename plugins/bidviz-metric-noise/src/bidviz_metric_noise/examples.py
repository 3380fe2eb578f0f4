"""Takes a batch apart into its examples, where that can be done."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_flatten, tree_unflatten

import bidviz_core as bidviz
from bidviz_core.learners.second_pass import Batch

if TYPE_CHECKING:
    from bidviz_core.learners.second_pass import SecondPass

#: How far the mean of the examples' losses may lie from the batch's, as a share of it; and with sixteen bits.
_NEAR, _NEAR_SIXTEEN = 1e-4, 1e-2


class Examples:
    """The examples of a batch.

    Args:
        batch: the batch; its examples lie along the first dimension of the model's first tensor, and as many, or a
            whole multiple of them, along that of what the loss function gets.

    Raises:
        Unavailable: they do not.
    """

    def __init__(self, batch: Batch) -> None:
        leaves, self._form = tree_flatten(tuple(batch))
        inputs = [leaf for leaf in tree_flatten((batch.args, batch.kwargs))[0] if isinstance(leaf, Tensor)]
        #: How many there are.
        self.count = len(inputs[0]) if inputs and inputs[0].ndim else 0
        self._leaves = [self._split(leaf) for leaf in leaves]
        targets = [leaf for leaf in tree_flatten((batch.loss_args, batch.loss_kwargs))[0] if isinstance(leaf, Tensor)]
        lengths = {len(leaf) if leaf.ndim else 0 for leaf in targets}
        if self.count < 2 or any(not length or length % self.count for length in lengths):
            raise bidviz.Unavailable(
                f"the batch cannot be taken apart into examples: the model's first input has {self.count} along its "
                f"first dimension, the targets {', '.join(map(str, sorted(lengths))) or 'none'}; at least 2 examples "
                "are expected, along the first dimension of both."
            )

    def _split(self, leaf: Any) -> Any:
        """A tensor with its examples along a first dimension of its own, or what all examples share."""
        if not isinstance(leaf, Tensor) or not leaf.ndim or not self.count or len(leaf) % self.count:
            return leaf
        return leaf.reshape(self.count, len(leaf) // self.count, *leaf.shape[1:])

    @property
    def leaves(self) -> list[Tensor]:
        """The tensors that have examples: `count × a few × …`."""
        return [leaf for leaf in self._leaves if self._has_examples(leaf)]

    def _has_examples(self, leaf: Any) -> bool:
        return isinstance(leaf, Tensor) and leaf.ndim >= 2 and len(leaf) == self.count

    def batch_of(self, tensors: Sequence[Tensor]) -> Batch:
        """A batch of one example, made of one row of each of `leaves`."""
        rows = iter(tensors)
        made = [next(rows) if self._has_examples(leaf) else leaf for leaf in self._leaves]
        return Batch(*tree_unflatten(made, self._form))

    def some(self, chosen: Sequence[int]) -> Batch:
        """A batch of some of the examples."""
        picked = [leaf[list(chosen)].flatten(0, 1) if self._has_examples(leaf) else leaf for leaf in self._leaves]
        return Batch(*tree_unflatten(picked, self._form))


def evenly(count: int, most: int) -> list[int]:
    """At most so many numbers from 0 to `count`, evenly spaced: the same each time, and nothing random drawn."""
    return list(range(count)) if count <= most else [number * count // most for number in range(most)]


def why_not_apart(model: nn.Module) -> str:
    """A sentence on what makes the model's examples depend on each other, or nothing."""
    for name, module in model.named_modules():
        if isinstance(module, nn.modules.batchnorm._BatchNorm) and (module.training or module.running_mean is None):
            return (
                f"batch norm ({name}) in training mode makes the gradient of each example depend on all others, so "
                "there are no per-example gradients to look at."
            )
    return ""


def is_summed(second_pass: SecondPass, examples: Examples, chosen: Sequence[int]) -> bool | None:
    """Whether the loss is the sum of the examples' losses, or their mean.

    Costs two passes forward over the chosen examples, in evaluation mode on the copy of the model: dropout would make
    each pass another function.

    Returns:
        None where the loss is no number, so that nothing can be compared.

    Raises:
        Unavailable: it is neither, or the model cannot pass through single examples.
    """
    try:
        with _evaluating(second_pass.model), torch.no_grad():
            whole = float(second_pass.loss(second_pass.params, examples.some(chosen)))
            ones = [examples.batch_of([leaf[number] for leaf in examples.leaves]) for number in chosen]
            parts = [float(second_pass.loss(second_pass.params, one)) for one in ones]
    except (RuntimeError, ValueError, TypeError, IndexError) as error:
        raise bidviz.Unavailable(f"the model cannot be given single examples of the batch ({error}).") from error
    mean = math.fsum(parts) / len(parts) if all(map(math.isfinite, parts)) else math.nan
    if not (math.isfinite(mean) and math.isfinite(whole)):
        return None
    sixteen = any(tensor.dtype in (torch.bfloat16, torch.float16) for tensor in second_pass.params.values())
    near = (_NEAR_SIXTEEN if sixteen else _NEAR) * max(abs(whole), 1e-6)
    if abs(mean - whole) <= near:
        return False
    if abs(mean * len(parts) - whole) <= near:
        return True
    raise bidviz.Unavailable(
        f"the loss of the batch ({whole:.4g}) is neither the mean nor the sum of its examples' ({mean:.4g} on "
        "average), as with weights, padding or contrasts between examples: it has no per-example gradients."
    )


@contextlib.contextmanager
def _evaluating(model: nn.Module) -> Iterator[None]:
    """The model in evaluation mode, without the fused layers of that mode, which compute a little otherwise."""
    modes = [(module, module.training) for module in model.modules()]
    fused = torch.backends.mha.get_fastpath_enabled()
    model.eval()
    torch.backends.mha.set_fastpath_enabled(False)
    try:
        yield
    finally:
        torch.backends.mha.set_fastpath_enabled(fused)
        for module, mode in modes:
            module.training = mode
