"""What is changed: a model's parameters by their qualified names, the modules around them, the optimizers' state."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from torch import Tensor, nn
from torch.optim import LBFGS, Optimizer

from bidviz_core.errors import CommandError

#: So many names stand in an error or in a line of the journal.
_NAMED = 12


class Parameter(NamedTuple):
    """One parameter.

    Args:
        name: its qualified name.
        tensor: the parameter itself.
    """

    name: str
    tensor: Tensor


def parameters_of(model: Any, optimizers: Sequence[Optimizer]) -> list[Parameter]:
    """Every parameter, each once, frozen ones too; without a model, those of the optimizers, numbered.

    Raises:
        CommandError: there is nothing of torch's to change.
    """
    if isinstance(model, nn.Module):
        return [Parameter(plain_name(name), tensor) for name, tensor in model.named_parameters()]
    if not optimizers:
        raise CommandError("This run has no torch model, so its parameters cannot be changed from here.")
    found: list[Parameter] = []
    for index, optimizer in enumerate(optimizers):
        prefix = "parameter" if index == 0 else f"optimizer{index + 1}.parameter"
        for tensor in of_optimizer(optimizer):
            found.append(Parameter(f"{prefix}{len(found)}", tensor))
    return found


def plain_name(name: str) -> str:
    """A name without what `torch.compile` puts around it."""
    return name.replace("_orig_mod.", "")


def fits(name: str, pattern: str) -> bool:
    """Whether a pattern means a parameter: by `fnmatch`, or as the name of a module that holds it."""
    return fnmatch.fnmatchcase(name, pattern) or name.startswith(f"{pattern}.")


def matching(parameters: Sequence[Parameter], pattern: str) -> list[Parameter]:
    """The parameters that a pattern means.

    Raises:
        CommandError: there is none.
    """
    found = [parameter for parameter in parameters if fits(parameter.name, pattern)]
    if not found:
        raise CommandError(
            f"No parameter fits {pattern!r}. There are: {listed([one.name for one in parameters])}. "
            "A pattern is a name, a module's name, or has * in it."
        )
    for name, tensor in found:
        if nn.parameter.is_lazy(tensor):
            raise CommandError(f"{name} has no shape yet: it comes with the first forward pass.")
    return found


def listed(names: Sequence[str]) -> str:
    """Names as a person reads them, the first few where there are many."""
    shown = ", ".join(names[:_NAMED]) or "none"
    return shown if len(names) <= _NAMED else f"{shown} and {len(names) - _NAMED} more"


def of_optimizer(optimizer: Optimizer) -> Iterator[Tensor]:
    """The parameters of an optimizer."""
    for group in optimizer.param_groups:
        yield from group["params"]


def state_keys(optimizer: Optimizer, tensors: Iterable[Tensor]) -> list[Tensor]:
    """Under which of an optimizer's parameters the state of these is kept."""
    ids = {id(tensor) for tensor in tensors}
    own = list(of_optimizer(optimizer))
    if isinstance(optimizer, LBFGS):  # one history for all of them, kept with the first
        return own[:1] if any(id(tensor) in ids for tensor in own) else []
    return [tensor for tensor in own if id(tensor) in ids]
