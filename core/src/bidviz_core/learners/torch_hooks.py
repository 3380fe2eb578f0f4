"""The hooks that BIDViz puts on a torch model and its optimizers: none is left after `close`, none follows a copy.

A bound method or a closure as a hook would break `copy.deepcopy(model)` and `torch.save(model)`, or go along with the
copy. `ForwardHook` does neither: it copies and pickles as an inert callable of the standard library, so that a saved
model needs no BIDViz to load.
"""

from __future__ import annotations

import contextlib
import threading
import weakref
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

_INERT: Callable[..., None] = contextlib.nullcontext().__exit__


class ForwardHook:
    """A forward hook that belongs to one module and to no copy of it.

    Args:
        module: the module it is put on.
        tell: called as `tell(args, kwargs, output)` after a forward pass with gradients.
    """

    def __init__(self, module: nn.Module, tell: Callable[[tuple[Any, ...], dict[str, Any], Any], None]) -> None:
        self._module = weakref.ref(module)
        self._tell = tell
        self._handle = module.register_forward_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        # Inside a compiled graph nothing of ours may be traced: dynamo folds this to a constant.
        if torch.compiler.is_compiling():
            return
        if torch.is_grad_enabled() and self._module() is module:
            self._tell(args, kwargs, output)

    def remove(self) -> None:
        """Takes the hook away."""
        self._handle.remove()

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return _INERT

    def __copy__(self) -> Callable[..., None]:
        return _INERT

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (contextlib.nullcontext(), "__exit__")


class EntryHook(ForwardHook):
    """The same before the module runs; it tells what goes in, and no output.

    Args:
        module: the module it is put on.
        tell: called as `tell(args, kwargs, None)` before a forward pass with gradients.
    """

    def __init__(self, module: nn.Module, tell: Callable[[tuple[Any, ...], dict[str, Any], Any], None]) -> None:
        self._module = weakref.ref(module)
        self._tell = tell
        self._handle = module.register_forward_pre_hook(self, with_kwargs=True)

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any = None) -> None:
        super().__call__(module, args, kwargs, None)


class AnyEntryHook(EntryHook):
    """The same with gradients or without, which is what it tells in place of an output.

    Args:
        module: the module it is put on.
        tell: called as `tell(args, kwargs, with_gradients)`.
    """

    def __call__(self, module: nn.Module, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any = None) -> None:
        if not torch.compiler.is_compiling() and self._module() is module:
            self._tell(args, kwargs, torch.is_grad_enabled())


class GradientHook:
    """Copies a parameter's gradient as backward left it, before the script clips it.

    Args:
        parameter: the parameter.
    """

    def __init__(self, parameter: Tensor) -> None:
        self.copy: Tensor | None = None
        self.wanted = True
        self._handle = parameter.register_post_accumulate_grad_hook(self)  # type: ignore[no-untyped-call]

    def __call__(self, parameter: Tensor) -> None:
        gradient = parameter.grad
        if not self.wanted or gradient is None or torch.compiler.is_compiling():
            return
        if self.copy is None or self.copy.shape != gradient.shape or self.copy.is_sparse or gradient.is_sparse:
            self.copy = gradient.detach().clone()
        else:
            self.copy.copy_(gradient.detach())

    def remove(self) -> None:
        """Takes the hook away."""
        self._handle.remove()

    def __deepcopy__(self, memo: dict[int, Any]) -> Callable[..., None]:
        return _INERT

    def __reduce__(self) -> tuple[Any, ...]:
        return getattr, (contextlib.nullcontext(), "__exit__")


def may_nest(optimizer: Optimizer) -> bool:
    """Whether hooks may be called twice in one step: torch wraps the `step` of each class that was ever made an
    optimizer of, so that they are where a subclass calls `super().step()`.
    """
    steps = [vars(kind).get("step") for kind in type(optimizer).__mro__]
    return sum(bool(getattr(step, "hooked", False)) for step in steps) > 1


class Nesting:
    """Tells the outermost of nested calls of an optimizer's `step`.

    Args:
        optimizer: the optimizer; its other hooks are to be put on after this.
    """

    def __init__(self, optimizer: Optimizer) -> None:
        self.depth = 0
        self._closure = False
        self._handle = optimizer.register_step_pre_hook(self._enter)

    def _enter(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self.depth += 1
        self._closure = bool(args and callable(args[0])) or callable(kwargs.get("closure"))

    def begin(self) -> None:
        """A backward pass begins: a step before it that raised never left. One of a closure's is inside the step."""
        if not self._closure:
            self.depth = 0

    def leave(self) -> bool:
        """A call is over; says whether it was the outermost."""
        self.depth = max(0, self.depth - 1)
        return self.depth == 0

    def remove(self) -> None:
        """Takes the hook away."""
        self._handle.remove()


class BackwardWatch:
    """Tells sessions of the root of each `backward`, and of each loss that a `GradScaler` scales.

    Hooks alone never see a functional loss. This replaces `torch.autograd.backward` (which `Tensor.backward` calls) and
    `GradScaler.scale` while at least one session listens, and puts both back with the last.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: tuple[Any, ...] = ()
        self._endings: tuple[Callable[[], None], ...] = ()
        self._backward: Callable[..., Any] | None = None
        self._scale: Callable[..., Any] | None = None
        self._ours: Callable[..., Any] | None = None
        self._our_scale: Callable[..., Any] | None = None

    def listen(self, listener: Any) -> None:
        """Adds a listener with `backward_begins(root)` and `loss_scaled(loss, scaled, scaler)`.

        One that has `backward_ended()` is told of that as well.
        """
        with self._lock:
            if not self._listeners:
                self._install()
            self._take((*self._listeners, listener))

    def leave(self, listener: Any) -> None:
        """Takes a listener away; with the last one everything is as it was."""
        with self._lock:
            self._take(tuple(other for other in self._listeners if other is not listener))
            if not self._listeners:
                self._restore()

    def _take(self, listeners: tuple[Any, ...]) -> None:
        self._listeners = listeners
        self._endings = tuple(one.backward_ended for one in listeners if hasattr(one, "backward_ended"))

    def _install(self) -> None:
        original = torch.autograd.backward
        scale = torch.amp.GradScaler.scale

        is_compiling = torch.compiler.is_dynamo_compiling

        def backward(tensors: Any, *args: Any, **kwargs: Any) -> Any:
            if not is_compiling():
                for listener in self._listeners:
                    listener.backward_begins(tensors)
            result = original(tensors, *args, **kwargs)
            for ended in self._endings:
                ended()
            return result

        def scale_and_tell(scaler: Any, outputs: Any) -> Any:
            scaled = scale(scaler, outputs)
            for listener in self._listeners:
                listener.loss_scaled(outputs, scaled, scaler)
            return scaled

        for ours, theirs in ((backward, original), (scale_and_tell, scale)):
            ours.__name__, ours.__qualname__ = theirs.__name__, theirs.__qualname__
            ours.__doc__, ours.__module__ = theirs.__doc__, theirs.__module__
        self._backward, self._ours = original, backward
        self._scale, self._our_scale = scale, scale_and_tell
        torch.autograd.backward = backward
        torch.amp.GradScaler.scale = scale_and_tell  # type: ignore[method-assign, assignment]

    def _restore(self) -> None:
        # Where somebody has wrapped ours since, theirs stays, and ours in it has no listeners any more.
        if torch.autograd.backward is self._ours and self._backward is not None:
            torch.autograd.backward = self._backward
        if torch.amp.GradScaler.scale is self._our_scale and self._scale is not None:
            torch.amp.GradScaler.scale = self._scale  # type: ignore[method-assign]


#: There is one `torch.autograd.backward` in a process, so there is one of these.
backward_watch = BackwardWatch()


class Listening:
    """A listener's place at `backward_watch`, to be taken away like any hook."""

    def __init__(self, listener: Any) -> None:
        self._listener = listener
        backward_watch.listen(listener)

    def remove(self) -> None:
        """Stops listening."""
        backward_watch.leave(self._listener)
