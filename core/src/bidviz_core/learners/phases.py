"""Where the time of a step goes: an account that hooks switch from one phase to the next, so that no time is missed.

It is kept only while somebody asks for `phases`; nothing of it is in the way of a step otherwise.
"""

from __future__ import annotations

from collections.abc import Callable
from time import perf_counter
from typing import TYPE_CHECKING, Any, NamedTuple

import torch

from bidviz_core.learners.torch_hooks import AnyEntryHook, Listening

if TYPE_CHECKING:
    from bidviz_core.learners.torch_learner import TorchLearner

DATA, FORWARD, BACKWARD, UPDATE, OURS, OTHER, _BETWEEN = range(7)


class PhaseTimes(NamedTuple):
    """Seconds that the training thread has spent since the account was opened, by phase; pauses are left out.

    Args:
        steps: steps that are over.
        data: from a step boundary (or the end of a backward pass) to the model's next pass with gradients: the loader,
            the way to the device, `zero_grad`.
        forward: the model's passes with gradients, and the loss that is computed from them.
        backward: `backward` itself.
        update: the optimizers' steps.
        ours: step boundaries: metrics, orders, policies, hooks.
        other: what is none of these: clipping and the like between backward and the update, evaluation, and all that
            comes before backward where the model's own call is not seen.
        examples: the first dimension of the first tensor of each pass with gradients, summed; 0 where it is not known.
        passes: the model's passes with gradients.
    """

    steps: int = 0
    data: float = 0.0
    forward: float = 0.0
    backward: float = 0.0
    update: float = 0.0
    ours: float = 0.0
    other: float = 0.0
    examples: int = 0
    passes: int = 0

    @property
    def seconds(self) -> float:
        """The seconds of all phases together."""
        return self.data + self.forward + self.backward + self.update + self.ours + self.other

    def since(self, earlier: PhaseTimes) -> PhaseTimes:
        """What has come since an earlier reading."""
        return PhaseTimes(
            self.steps - earlier.steps,
            self.data - earlier.data,
            self.forward - earlier.forward,
            self.backward - earlier.backward,
            self.update - earlier.update,
            self.ours - earlier.ours,
            self.other - earlier.other,
            self.examples - earlier.examples,
            self.passes - earlier.passes,
        )


class PhaseClock:
    """Puts hooks on model, backward and optimizers, and keeps the account; taken away like any hook.

    On a device these are the times of the training thread, which launches kernels and waits where the script does.

    Args:
        learner: the learner; its `boundary` is wrapped meanwhile.
    """

    def __init__(self, learner: TorchLearner) -> None:
        self._learner = learner
        self._sums = [0.0] * 7
        self._steps = self._examples = self._passes = 0
        self._phase = DATA
        self._seen = False  # whether the model's own call was seen in this step
        self._updating = False
        self._at = perf_counter()
        self._handles: list[Any] = [Listening(self)]
        if learner.model is not None:
            self._handles.append(AnyEntryHook(learner.model, self._forward_begins))
        for optimizer in learner.optimizers:
            self._handles.append(optimizer.register_step_pre_hook(self._update_begins))
        for optimizer in learner.optimizers[1:]:  # the first one's end is the step boundary
            self._handles.append(optimizer.register_step_post_hook(self._update_ends))
        self._boundary = learner.boundary
        learner.boundary = self._step_over
        learner.phases = self

    def remove(self) -> None:
        """Takes every hook away."""
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._learner.boundary = self._boundary
        self._learner.phases = None

    def times(self) -> PhaseTimes:
        """The account up to the last switch; at a step boundary that is the end of the update."""
        data, forward, backward, update, ours, other, between = self._sums
        return PhaseTimes(
            self._steps, data, forward, backward, update, ours, other + between, self._examples, self._passes
        )

    def leave_out(self, seconds: float) -> None:
        """Seconds just gone by, in which the training waited for a person, belong to no phase."""
        self._at += seconds

    def ours(self, work: Callable[[], None]) -> None:
        """Does what is done for watching in the middle of a step, and books it as ours."""
        phase = self._phase
        self._switch(OURS, phase)
        try:
            work()
        finally:
            self._switch(phase, OURS)

    def skipped(self) -> None:
        """The scaler left the update out: no step boundary follows."""
        self._switch(DATA, self._phase)
        self._updating = False

    # --- what hooks tell ---------------------------------------------------------------------------------------------

    def _switch(self, phase: int, belongs: int) -> None:
        """Books the time since the last switch, and goes on in another phase."""
        now = perf_counter()
        self._sums[belongs] += now - self._at
        self._at = now
        self._phase = phase

    def _forward_begins(self, args: tuple[Any, ...], kwargs: dict[str, Any], with_gradients: bool) -> None:
        phase = self._phase
        if not with_gradients:
            # An evaluation, with the loading for it; it lasts until the training's next pass.
            if phase is not FORWARD:
                self._switch(OTHER, phase if phase is not _BETWEEN else OTHER)
            return
        self._switch(FORWARD, UPDATE if self._updating else DATA if phase is _BETWEEN else phase)
        self._seen = True
        self._passes += 1
        self._examples += _length(args, kwargs)

    def backward_begins(self, tensors: Any) -> None:
        """Backward is about to run."""
        phase = self._phase
        self._switch(BACKWARD, OTHER if phase in (DATA, _BETWEEN) and not self._seen else phase)

    def backward_ended(self) -> None:
        """Backward is over."""
        self._switch(_BETWEEN, BACKWARD)

    def loss_scaled(self, loss: Any, scaled: Any, scaler: Any) -> None:
        """A scaled loss is no switch of phases."""

    def _update_begins(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        # Straight from the data to an update: neither the model's call nor backward was seen.
        self._switch(UPDATE, OTHER if self._phase in (DATA, _BETWEEN) else self._phase)
        self._updating = True

    def _update_ends(self, optimizer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> None:
        self._switch(DATA, UPDATE)
        self._updating = False

    def _step_over(self, *_: Any) -> None:
        self._switch(OURS, UPDATE)  # of a closure too: what came last inside the update is the update
        self._steps += 1
        self._seen = self._updating = False
        try:
            self._boundary()
        finally:
            self._switch(DATA, OURS)


def _length(args: tuple[Any, ...], kwargs: dict[str, Any]) -> int:
    """The first dimension of the first tensor among arguments, or in a mapping that is one of them."""
    for value in (*args, *kwargs.values()):
        found = next(iter(value.values()), None) if isinstance(value, dict) else value
        if isinstance(found, torch.Tensor):
            return int(found.shape[0]) if found.ndim else 0
    return 0
