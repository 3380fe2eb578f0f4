"""Watches a torch model: what every metric argument is, and when a step is over."""

from __future__ import annotations

import fnmatch
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer

from bidviz_core.learners import differences
from bidviz_core.learners.begun import Begun
from bidviz_core.learners.gradients import bad_gradients, spoilt
from bidviz_core.learners.module_settings import Setting, module_settings
from bidviz_core.learners.phases import PhaseClock
from bidviz_core.learners.step_tensors import StepTensors
from bidviz_core.learners.targets import targets_in_graph
from bidviz_core.learners.tensors import same_layout
from bidviz_core.learners.torch_hooks import ForwardHook, GradientHook, Listening, Nesting, may_nest
from bidviz_core.metrics.definition import Observe

#: Arguments for which the tensors of the forward pass are kept until the step boundary.
_OF_THE_MODEL = frozenset({"batch", "minibatch", "inputs", "outputs", "second_pass"})
#: Arguments for which `backward` and the loss module are listened to.
_OF_THE_LOSS = frozenset({"loss", "targets", "raw_grads", "second_pass"})
#: Arguments for which the targets are looked for in the loss' graph.
_OF_THE_TARGETS = frozenset({"targets", "second_pass"})


def _nothing() -> None:
    """There is no session yet."""


class TorchLearner(StepTensors):
    """The learner of a torch session: model, optimizers, and what the present step offers to metrics.

    Args:
        model: the model, or none.
        optimizers: the optimizers; the first is the clock.
        loss_fn: the loss function, if the script gave one; a module is listened to.
        before_update: called after backward, before the update.
    """

    def __init__(
        self,
        model: nn.Module | None,
        optimizers: Sequence[Optimizer],
        loss_fn: Any,
        before_update: Callable[[], None],
    ) -> None:
        super().__init__(model, optimizers, loss_fn if callable(loss_fn) else None)
        self.loss_fn = loss_fn if isinstance(loss_fn, nn.Module) else None
        self._asked = False  # whether some metric asks for the pass
        #: Tells whether a step has begun; none before the script logs something.
        self.begun: Begun | None = None
        self._nesting: Nesting | None = None
        self._boundary: Callable[..., None] = _nothing
        self._just_before: Callable[[Optimizer, Any, Any], None] | None = None
        self._before_update = before_update
        #: Seconds that the training has waited for a person.
        self.waited = 0.0
        #: Whether the gradients of the coming update are there and it is waited for who wants to know.
        self.waits_before_update = False
        self._then: Callable[[], None] | None = None
        self._handles: list[Any] = []
        self._hooks: dict[str, Any] = {}
        self._detached = False
        # Only such an optimizer takes part in the scaler's decision; the others are not called for a bad step.
        self._may_skip = bool(self.optimizers) and hasattr(self.optimizers[0], "_step_supports_amp_scaling")
        self._attach()

    @property
    def boundary(self) -> Callable[..., None]:
        """Called at each step boundary, after the update, with the arguments of an optimizer's hook or with none."""
        return self._boundary

    @boundary.setter
    def boundary(self, boundary: Callable[..., None]) -> None:
        self._boundary = boundary
        self._place()

    @property
    def seen_backward(self) -> bool:
        """Whether a backward pass of the coming step has begun."""
        return self.number is not None or self._root is not None

    def settings(self) -> list[Setting]:
        """The settings of modules that may be turned while they train."""
        return list(module_settings(self.model, self.loss_fn))

    # --- attaching ---------------------------------------------------------------------------------------------------

    def _attach(self) -> None:
        if self.optimizers:
            self._handles.append(self.optimizers[0].register_step_post_hook(self._post_step))
            if may_nest(self.optimizers[0]):
                self._nesting = Nesting(self.optimizers[0])
                self._handles.append(self._nesting)
        self._renew_names()

    def require(self, ever: frozenset[str], *, logs: bool, gradients_ready: bool) -> None:
        """Puts on the hooks that somebody needs at any step, and takes away the others: each costs about 1 µs.

        Args:
            ever: the arguments that some metric asks for, at whatever cadence.
            logs: whether the script logs values itself, so that it matters when a step has begun.
            gradients_ready: whether a plugin wants to be told before the update.
        """
        if self._detached:
            return
        model, loss_fn = self.model, self.loss_fn
        if logs and self.begun is None:
            self.begun = Begun(self, self._hook_forward)
        asked = model is not None and not _OF_THE_MODEL.isdisjoint(ever)
        if asked and not self._asked:
            self._passes = 0
            self._unheard.clear()
        self._asked = asked
        self._hook_forward()
        loss_wanted = not _OF_THE_LOSS.isdisjoint(ever)
        self._hook(
            "loss",
            loss_wanted and loss_fn is not None,
            lambda: ForwardHook(loss_fn, self._loss_seen),  # type: ignore[arg-type]
        )
        self._hook("phases", "phases" in ever, lambda: PhaseClock(self))
        self._hook("backward", logs or loss_wanted, lambda: Listening(self))
        before_wanted = gradients_ready or "updates" in ever
        self._hook(
            "before",
            before_wanted and bool(self.optimizers),
            lambda: self.optimizers[0].register_step_pre_hook(self._pre_step),
        )

    def _hook_forward(self) -> None:
        """A module with a hook is called by torch's long way: one is put on only where it is needed."""
        model = self.model
        listens = self.begun is not None and self.begun.listens
        wanted = model is not None and (listens or self._keeps_pass) and not self._detached
        if wanted and "forward" not in self._hooks:
            self._hooked_at = self.made
        self._hook("forward", wanted, lambda: ForwardHook(model, self._forward_seen))  # type: ignore[arg-type]

    def _hook(self, name: str, wanted: bool, put_on: Callable[[], Any]) -> None:
        if wanted and name not in self._hooks:
            self._hooks[name] = put_on()
        elif not wanted and name in self._hooks:
            self._hooks.pop(name).remove()

    def detach(self) -> None:
        """Takes every hook away and lets every tensor go."""
        self._detached = True
        for handle in (
            *self._handles,
            *self._hooks.values(),
            *self._raw_hooks.values(),
            *self._activation_hooks.values(),
        ):
            handle.remove()
        self._handles.clear()
        self._hooks.clear()
        self._raw_hooks.clear()
        self._activation_hooks.clear()
        self.observations.want(())
        self.release()
        self._before = None

    def prepare(self, wanted: frozenset[str], patterns: Iterable[str | Observe]) -> None:
        """Says what the coming step has to keep for its metrics."""
        if self._detached:
            return
        self._wanted = wanted
        self._keeps_pass = not _OF_THE_MODEL.isdisjoint(wanted)
        self._hook_forward()
        if "raw_grads" in wanted or self._raw_hooks:
            self._hook_gradients("raw_grads" in wanted)
        if "activations" in wanted or self._activation_hooks:
            self._hook_activations(tuple(patterns) if "activations" in wanted else ())
        elif self.observations:
            self.observations.want(())

    def before_boundary(self, function: Callable[[Optimizer, Any, Any], None] | None) -> None:
        """Has a function called after each update of the first optimizer, just before the step boundary; none for no
        longer. It goes into the boundary's own hook, since none can be added while they are being called.
        """
        self._just_before = function
        self._place()

    def _place(self) -> None:
        """Puts what is called after an update into the boundary's own hook: the boundary itself where that will do."""
        if self._detached or not self._handles:
            return
        hooks = self.optimizers[0]._optimizer_step_post_hooks
        if self._handles[0].id not in hooks:
            return
        function, after = self._just_before, self._boundary
        if self._nesting is not None or self._may_skip:
            after = self._post_step

        def both(optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
            assert function is not None
            if self._nesting is None or self._nesting.depth <= 1:
                function(optimizer, args, kwargs)
            after(optimizer, args, kwargs)

        hooks[self._handles[0].id] = after if function is None else both

    def then(self, function: Callable[[], None]) -> None:
        """Has a function called once, when all who wait before the update have been told."""
        self._then = function

    # --- what hooks tell ---------------------------------------------------------------------------------------------

    def _forward_seen(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        self.pulse.in_step = True
        self._passes += 1
        if self._unheard:
            self._unheard.clear()
        if self._keeps_pass:  # or the batch would live longer than the script means it to
            self._inputs = (args, kwargs)
            self._outputs = output

    def _loss_seen(self, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
        if isinstance(output, Tensor):
            self._loss = output.detach()
        if "second_pass" in self._wanted:
            named = not args and "input" in kwargs  # torch's own loss modules call the outputs so
            rest = {name: value for name, value in kwargs.items() if name != "input"} if named else kwargs
            self._loss_call = ((kwargs["input"],) if named else args, rest)
        target = args[1] if len(args) > 1 else kwargs.get("target")
        if isinstance(target, Tensor):
            self._targets = target.detach()

    def loss_scaled(self, loss: Any, scaled: Any, scaler: Any) -> None:
        """A `GradScaler` scaled a loss: the root of backward will be the scaled one."""
        self._scaler = scaler
        if isinstance(loss, Tensor) and isinstance(scaled, Tensor):
            self._scaled = (loss.detach(), scaled)

    def backward_begins(self, tensors: Any) -> None:
        """Backward is about to run from these roots."""
        root = tensors if isinstance(tensors, Tensor) else next(iter(tensors), None)
        if not isinstance(root, Tensor):
            return
        self.pulse.in_step = True
        begun = self.begun
        if begun is not None and begun.listens and not self.seen_backward:
            begun.backward()
        self.number = None
        if self._nesting is not None:
            self._nesting.begin()
        if self._scaled is not None and self._scaled[1] is root:
            self._root = self._scaled[0]
        elif root.is_cpu and root.ndim == 0:
            # The number says it all, costs a fifth of a detached tensor, and keeps nothing alive.
            self.number, self._dtype = root.item(), root.dtype
            self._root = None
        else:
            self._root = root.detach()
        # Of several backward passes of a step the last counts, as it does of the forward passes; a loss module that was
        # heard has given its targets already.
        looks_for_targets = self._wanted and self._loss is None and not _OF_THE_TARGETS.isdisjoint(self._wanted)
        if looks_for_targets and root.grad_fn is not None:
            self._targets = targets_in_graph(root)

    def _pre_step(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._nesting is not None and self._nesting.depth > 1:
            return
        clock = self.phases
        if "updates" in self._wanted:
            self._keep_before() if clock is None else clock.ours(self._keep_before)
        if not ((args and callable(args[0])) or callable(kwargs.get("closure"))):
            self.waits_before_update = True  # with a closure there is no gradient yet
            try:
                self._before_update() if clock is None else clock.ours(self._before_update)
            finally:
                self.waits_before_update = False
            if self._then is not None:
                then, self._then = self._then, None
                then()

    def _post_step(self, optimizer: Optimizer, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        if self._nesting is not None and not self._nesting.leave():
            return
        if self._may_skip:
            found = getattr(optimizer, "found_inf", None)
            # A fused optimizer under GradScaler skips the update on the device. Asking a GPU would make it wait.
            if found is not None and found.device.type == "cpu" and bool(found):
                self.release()
                self.pulse.in_step = False
                self.pulse.mark()
                if self.phases is not None:
                    self.phases.skipped()
                return
        self._boundary()

    def left_out(self, seconds: float) -> None:
        """The training has waited for a person."""
        self.waited += seconds
        if self.phases is not None:
            self.phases.leave_out(seconds)

    def bad_gradients(self) -> list[str]:
        """The names of the parameters whose gradients of the coming update are not finite."""
        return bad_gradients(self.optimizers[0], *self.named())

    def spoilt(self) -> tuple[list[str], list[str]]:
        """The names of weights that are not finite, and of buffers with NaN; it reads all of them."""
        buffers = dict(self.model.named_buffers()) if self.model is not None else {}
        # A mask may well hold infinities; a running mean does not stay at one.
        return spoilt(*self.named()), spoilt(list(buffers), list(buffers.values()), infinity=False)

    def drop_gradients(self) -> None:
        """Has the coming update leave every parameter as it is: torch's optimizers pass over those without gradient."""
        for group in self.optimizers[0].param_groups:
            for parameter in group["params"]:
                parameter.grad = None

    # --- hooks put on demand -----------------------------------------------------------------------------------------

    def _hook_gradients(self, wanted: bool) -> None:
        if wanted and not self._raw_hooks:
            names, tensors = self.named()
            self._raw_hooks = {name: GradientHook(tensor) for name, tensor in zip(names, tensors, strict=True)}
        for hook in self._raw_hooks.values():
            hook.wanted = wanted

    def _hook_activations(self, asked: tuple[str | Observe, ...]) -> None:
        self.observations.want(tuple(one for one in asked if isinstance(one, Observe)))
        patterns = tuple(one for one in asked if isinstance(one, str))
        if self.model is None or not (patterns or self._activation_hooks):
            return
        wanted = {
            name: module
            for name, module in self.model.named_modules()
            if name and any(fnmatch.fnmatchcase(name, pattern) for pattern in patterns)
        }
        for name in set(self._activation_hooks) - set(wanted):
            self._activation_hooks.pop(name).remove()
        for name in set(wanted) - set(self._activation_hooks):
            self._activation_hooks[name] = ForwardHook(wanted[name], self._keep_activation(name))

    def _keep_activation(self, name: str) -> Callable[[tuple[Any, ...], dict[str, Any], Any], None]:
        def keep(args: tuple[Any, ...], kwargs: dict[str, Any], output: Any) -> None:
            first = output[0] if isinstance(output, (tuple, list)) and output else output
            if isinstance(first, Tensor):
                self._activations[name] = first.detach()

        return keep

    def _keep_before(self) -> None:
        _, tensors = self.named()
        with torch.no_grad():
            kept = self._before
            same = kept is not None and same_layout(kept, tensors)
            if same and kept:
                differences.copy_over(kept, tensors)
            else:
                self._before = [tensor.detach().clone() for tensor in tensors]
        self._before_is_fresh = True
