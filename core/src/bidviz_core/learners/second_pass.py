"""The step's loss as a function of the parameters, for metrics that go through the model a second time.

Everything is computed on copies: parameters, buffers, and whatever the model's modules keep for themselves. So
nothing that a second pass does can reach the training, and no hook of ours takes it for a pass of the script's.
"""

from __future__ import annotations

import contextlib
import copy
import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.attention import SDPBackend, sdpa_kernel
from torch.utils._pytree import tree_leaves

from bidviz_core.guards import RandomGuard
from bidviz_core.learners.alike import how_it_was_reshaped
from bidviz_core.learners.tensors import detached
from bidviz_core.metrics.failure import Unavailable

#: How far the loss computed again may lie from the one that was seen, as a share of it; and with sixteen bits.
_NEAR, _NEAR_SIXTEEN = 1e-4, 2e-2
#: A loss that was divided before backward by a whole number up to this one is one of accumulated gradients.
_MOST_PARTS = 4096


class Batch(NamedTuple):
    """What the model and the loss function are called with.

    Args:
        args: the model's arguments.
        kwargs: its named arguments.
        loss_args: what the loss function gets behind the outputs: the targets, first of all.
        loss_kwargs: its named arguments.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    loss_args: tuple[Any, ...]
    loss_kwargs: dict[str, Any]


class Seen(NamedTuple):
    """What was seen of the step's forward pass.

    Args:
        args: the model's arguments.
        kwargs: its named arguments.
        outputs: what it gave.
        loss_args: what the loss function was called with, the outputs first; or none where only the targets are known.
        loss_kwargs: its named arguments.
        targets: the targets.
        loss: the loss as the loss function gave it or as backward began with it.
    """

    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    outputs: Any
    loss_args: tuple[Any, ...] | None
    loss_kwargs: dict[str, Any]
    targets: Tensor | None
    loss: Tensor


class SecondPass:
    """The loss of the step's last batch as a pure function of the parameters, as often as wanted.

    Args:
        model: the model; copied, in the mode it is in.
        loss_fn: the loss function; copied where it is a module.
        seen: the forward pass of the step.

    Raises:
        Unavailable: the model cannot be copied or belongs to several processes, or the loss that was seen is not the
            loss function's of outputs and targets.
    """

    def __init__(self, model: nn.Module, loss_fn: Callable[..., Any], seen: Seen) -> None:
        if _of_several_processes():
            raise Unavailable("the training is spread over processes, of which one cannot pass through it alone.")
        self._loss_fn = _copied(loss_fn) if isinstance(loss_fn, nn.Module) else loss_fn
        self._pick, self._reshape = _way_to_the_loss(seen)
        self.batch = _batch_of(seen)
        self._compare(seen)
        #: A copy of the model, in the mode it trains in, for looking at.
        self.model: nn.Module = _copied(getattr(model, "_orig_mod", model))
        #: Copies of the trainable parameters as they are now, by qualified name; a shared one stands once.
        self.params: dict[str, Tensor] = {
            name: parameter.detach() for name, parameter in self.model.named_parameters() if parameter.requires_grad
        }
        if not self.params:
            raise Unavailable("the model has nothing that is trained.")
        self.model.requires_grad_(False)
        self._buffers = dict(self.model.named_buffers())
        self._recurrent = any(isinstance(module, nn.RNNBase) for module in self.model.modules())
        self._random = RandomGuard()
        self._random.save()

    @property
    def examples(self) -> int:
        """How many examples the batch has: the length of the targets."""
        held = (*self.batch.loss_args, *self.batch.loss_kwargs.values())
        targets = next((one for one in held if isinstance(one, Tensor)), None)
        return len(targets) if targets is not None and targets.ndim else 0

    def loss(self, params: Mapping[str, Tensor], batch: Batch | None = None, *, same_numbers: bool = True) -> Tensor:
        """The loss at these parameters; differentiable in them, twice where the model is.

        Args:
            params: as many tensors as `self.params`, by name; a shared one once.
            batch: another batch than the step's.
            same_numbers: draw the same random numbers at each call, so that dropout is the same function each time.

        Returns:
            The loss (0-d tensor).

        Raises:
            Unavailable: the loss function gives several numbers.
        """
        batch = batch or self.batch
        if same_numbers:
            self._random.put_back()
        everything = {**params, **{name: buffer.clone() for name, buffer in self._buffers.items()}}
        with _differentiable_twice(self._recurrent):
            outputs = torch.func.functional_call(self.model, everything, batch.args, batch.kwargs)
            return self._loss_of(outputs, batch)

    def gradients(
        self, params: Mapping[str, Tensor], batch: Batch | None = None, *, same_numbers: bool = True
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss at these parameters and its gradient; what the loss does not depend on has zeros.

        Args:
            params: as many tensors as `self.params`, by name.
            batch: another batch than the step's.
            same_numbers: draw the same random numbers at each call.

        Returns:
            The loss (0-d tensor) and a gradient for each parameter, all detached.
        """
        with torch.enable_grad():
            leaves = {name: tensor.detach().requires_grad_() for name, tensor in params.items()}
            loss = self.loss(leaves, batch, same_numbers=same_numbers)
            found = torch.autograd.grad(loss, list(leaves.values()), allow_unused=True, materialize_grads=True)
        dense = [one.to_dense() if one.layout != torch.strided else one for one in found]
        return loss.detach(), dict(zip(leaves, dense, strict=True))

    def _loss_of(self, outputs: Any, batch: Batch) -> Tensor:
        loss = self._loss_fn(self._reshape(_tensors_in(outputs)[self._pick]), *batch.loss_args, **batch.loss_kwargs)
        if not isinstance(loss, Tensor) or loss.numel() != 1:
            raise Unavailable("the loss function gives no single number; give one that does: watch(…, loss_fn=…).")
        return loss.reshape(())

    def _compare(self, seen: Seen) -> None:
        """Makes sure that the loss function of outputs and targets is what the step was trained on."""
        with torch.no_grad():
            again = float(self._loss_of(detached(seen.outputs), self.batch))
        loss = float(seen.loss)
        sixteen = any(one.dtype in (torch.bfloat16, torch.float16) for one in (seen.loss, *_tensors_in(seen.outputs)))
        near = (_NEAR_SIXTEEN if sixteen else _NEAR) * max(abs(again), 1e-6)
        # A module was listened to, and gave just this; of a function only the root of backward is known.
        expected = loss if seen.loss_args is not None else loss * _parts(again, loss)
        if math.isfinite(again) and not abs(again - expected) <= near:
            raise Unavailable(
                f"the loss of the step was {loss:.4g}, and loss_fn(outputs, targets) is {again:.4g}: give the function "
                "that the script calls with the model's outputs and the targets, watch(…, loss_fn=…)."
            )


def _of_several_processes() -> bool:
    distributed = torch.distributed
    return distributed.is_available() and distributed.is_initialized() and distributed.get_world_size() > 1


def _parts(whole: float, part: float) -> float:
    """The whole number by which a loss was divided before backward, as for accumulated gradients."""
    ratio = whole / part if part and math.isfinite(part) else 1.0
    return float(round(ratio)) if 1 <= ratio <= _MOST_PARTS else 1.0


def _batch_of(seen: Seen) -> Batch:
    args, kwargs = detached(seen.args), detached(seen.kwargs)
    if seen.loss_args is None:
        return Batch(args, kwargs, (seen.targets,), {})
    return Batch(args, kwargs, detached(seen.loss_args[1:]), detached(seen.loss_kwargs))


def _way_to_the_loss(seen: Seen) -> tuple[int, Callable[[Tensor], Tensor]]:
    """Which of the model's outputs the loss function got, and how the script had reshaped it."""
    leaves = _tensors_in(seen.outputs)
    if seen.loss_args is None:
        if len(leaves) != 1:
            raise Unavailable(
                "the model gives several tensors; give the loss as a module: watch(…, loss_fn=criterion)."
            )
        return 0, lambda output: output
    given = seen.loss_args[0] if seen.loss_args else None
    for number, leaf in enumerate(leaves):
        way = how_it_was_reshaped(leaf.detach(), given.detach()) if isinstance(given, Tensor) else None
        if way is not None:
            return number, way
    raise Unavailable(
        "the script computes something between the model's outputs and the loss function, which is not known here. "
        "Give a loss function that takes the model's outputs: watch(…, loss_fn=…)."
    )


def _tensors_in(outputs: Any) -> list[Tensor]:
    if isinstance(outputs, Tensor):
        return [outputs]
    return [one for one in tree_leaves(outputs) if isinstance(one, Tensor)]


def _copied(model: nn.Module) -> nn.Module:
    """A copy of a module with all that hangs on it; tensors without the graph they may come from."""
    memo: dict[int, Any] = {}
    for module in model.modules():
        for tensor in _tensors_of(module):
            if id(tensor) not in memo:
                clone = tensor.detach().clone()
                memo[id(tensor)] = (
                    nn.Parameter(clone, requires_grad=tensor.requires_grad)
                    if isinstance(tensor, nn.Parameter)
                    else clone
                )
    try:
        return copy.deepcopy(model, memo)
    except Exception as error:
        what = f"{type(error).__name__}: {error}"
        raise Unavailable(f"the model cannot be copied for a second pass ({what}).") from error


def _tensors_of(module: nn.Module) -> Iterator[Tensor]:
    held: Sequence[Any] = (*module._parameters.values(), *module._buffers.values(), *vars(module).values())
    return (one for one in held if isinstance(one, Tensor))


@contextlib.contextmanager
def _differentiable_twice(recurrent: bool) -> Iterator[None]:
    """Has torch use kernels that can be differentiated twice: fused attention and cuDNN's recurrence cannot."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(sdpa_kernel(SDPBackend.MATH))
        if recurrent:
            stack.enter_context(torch.backends.cudnn.flags(enabled=False))
        yield
