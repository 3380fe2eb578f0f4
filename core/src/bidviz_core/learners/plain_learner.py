"""A learner that no adapter watches: its script says when a step is over, and what there is to see."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from bidviz_core.metrics.failure import NotYet, Unavailable
from bidviz_core.pulse import Pulse

#: Kinds of losses that are numbers already; tensors, and whatever else has to be asked, the metric reads.
_REAL = (float, np.floating)


class PlainLearner:
    """What a script tells with `session.step_done(loss=…, **values)`; imports no torch.

    Args:
        model: whatever the script calls its model; handed to metrics as `model`.
    """

    def __init__(self, model: Any = None) -> None:
        self.model = model
        self.optimizers: tuple[Any, ...] = ()
        self.pulse = Pulse()
        #: What it computes shows nowhere but in what it tells.
        self.begun = None
        self.boundary: Callable[..., None] | None = None  # the script tells of its steps itself
        self.minibatch: Any = None
        #: Seconds that the training has waited for a person.
        self.waited = 0.0
        self.number: float | None = None
        self.exposes_rate = False  # whether the script has exposed an `lr` of its own
        self._loss: Any = None

    def detach(self) -> None:
        """Lets everything go."""
        self.release()

    def settings(self) -> list[Any]:
        """What it has to be turned, the script exposes."""
        return []

    def require(self, ever: frozenset[str], *, logs: bool, gradients_ready: bool) -> None:
        """There are no hooks to put on."""

    def prepare(self, wanted: frozenset[str], patterns: Iterable[Any]) -> None:
        """Nothing has to be kept: the script says it."""

    def release(self) -> None:
        """Lets the values of the step go."""
        self._loss = self.minibatch = None

    def tell(self, loss: Any, minibatch: Any = None) -> None:
        """Takes what the script said of the step."""
        self._loss = loss
        self.minibatch = minibatch

    def loss(self) -> Any:
        """The loss that the script gave."""
        if self._loss is None:
            raise Unavailable("the script gave no loss: session.step_done(loss=value).")
        return self._loss

    def readers(self) -> dict[str, Callable[[], float | None]]:
        """Series that this learner reads as plain numbers without a metric's machinery."""
        return {"loss": self._loss_number}

    def _loss_number(self) -> float | None:
        loss = self._loss
        if type(loss) is float:
            return loss
        return float(loss) if isinstance(loss, _REAL) else None

    def sources(self) -> dict[str, Callable[..., Any]]:
        """For each argument that the script can give what gives it."""
        return {
            "model": lambda: self.model,
            "loss": self.loss,
            "batch": self._batch,
            "minibatch": self._batch,
            "inputs": self._batch,
        }

    def never(self, argument: str) -> str:
        """Why an argument can never be had here, with the way to give values all the same."""
        return (
            f"this learner is not watched through torch, so {argument!r} is not known. Give values with "
            "session.step_done(loss=…, name=value) or session.log(name, value)."
        )

    def left_out(self, seconds: float) -> None:
        """The training has waited for a person."""
        self.waited += seconds

    def bad_gradients(self) -> list[str]:
        """There are no gradients here."""
        return []

    def spoilt(self) -> tuple[list[str], list[str]]:
        """Of a model that is not torch's nobody can tell."""
        return [], []

    def drop_gradients(self) -> None:
        """There are no gradients here."""

    def _batch(self) -> Any:
        if self.minibatch is None:
            raise NotYet("the batch comes with the next step, if the script gives it.")
        return self.minibatch
