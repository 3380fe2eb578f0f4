"""Learning-rate schedulers run ahead: copies of them over an optimizer's settings without its parameters and state."""

from __future__ import annotations

import copy
import re
import warnings
from typing import TYPE_CHECKING, Any

from bidviz_core.metrics.results import is_tensor

if TYPE_CHECKING:
    from bidviz_core.session import Session

_INDEXED = re.compile(r"^(?P<name>.+?)\[(?P<index>\d+)\]$")
_MOVED = ("lr", "momentum", "betas[0]", "betas")


class Simulated:
    """What the schedulers of a session's optimizers will say.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._optimizers: dict[int, tuple[Any, list[tuple[Any, float]]]] = {}
        self._step = session.step
        self.start = session.step
        #: Why a scheduler that there is cannot be run ahead.
        self.why = ""
        #: Where it came to its end.
        self.ended = ""

    @property
    def used(self) -> bool:
        """Whether anything has to be run ahead."""
        return any(schedulers for _, schedulers in self._optimizers.values())

    def moves(self, name: str) -> bool:
        """Whether a scheduler moves this hyperparameter."""
        found = self._place(name)
        return found is not None and bool(self._copy(found[0])[1])

    def value(self, name: str) -> Any:
        """What the schedulers will say of it at the step that was gone to: one value, or a list where groups differ."""
        found = self._place(name)
        assert found is not None, "asked before"
        number, key, index, group = found
        groups = self._copy(number)[0].param_groups
        values = [one[key] if index is None else one[key][index] for one in groups]
        plain = [value.item() if is_tensor(value) else value for value in values]
        if group is not None:
            return plain[group]
        return plain[0] if all(value == plain[0] for value in plain) else plain

    def go_to(self, step: int) -> None:
        """Lets the schedulers step as often as they will have by then."""
        while self._step < step:
            self._step += 1
            for _, schedulers in self._optimizers.values():
                for number, (scheduler, each) in enumerate(schedulers):
                    since = self._step - self.start
                    if int(since / each) > int((since - 1) / each) and not self._advance(scheduler):
                        schedulers[number] = (scheduler, float("inf"))

    def _advance(self, scheduler: Any) -> bool:
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                if type(scheduler).__name__ == "ReduceLROnPlateau":
                    scheduler.step(scheduler.best)  # no better and no worse than it was
                else:
                    scheduler.step()
        except Exception as error:  # a scheduler of the script's  # noqa: BLE001
            self.ended = f"From step {self._step} on {type(scheduler).__name__} cannot go on ({error})."
            return False
        return True

    def _place(self, name: str) -> tuple[int, str, int | None, int | None] | None:
        """Optimizer, key, index in a tuple, group."""
        head = re.match(r"^optimizer(\d+)\.(.+)$", name)
        number, rest = (int(head[1]) - 1, head[2]) if head else (0, name)
        optimizers = self._session.learner.optimizers
        if number >= len(optimizers):
            return None
        settings = optimizers[number].param_groups[0]
        indices: list[int] = []
        while rest not in settings and (found := _INDEXED.match(rest)):
            rest = found["name"]
            indices.insert(0, int(found["index"]))
        if rest not in settings or rest not in _MOVED:
            return None
        if isinstance(settings[rest], (tuple, list)):
            return (number, rest, indices[0], indices[1] if len(indices) > 1 else None) if indices else None
        return number, rest, None, indices[0] if indices else None

    def _copy(self, number: int) -> tuple[Any, list[tuple[Any, float]]]:
        if number not in self._optimizers:
            optimizer = self._session.learner.optimizers[number]
            shell = _shell(optimizer)
            schedulers = []
            for scheduler in self._session.hyperparameters.holding.schedulers.of(optimizer):
                each = self._each(scheduler)
                if each is None:
                    self.why = f"how often {type(scheduler).__name__} steps is not known yet."
                    continue
                try:
                    copied = copy.deepcopy(scheduler, {id(optimizer): shell})
                    if each == 1.0 and self._session.boundary.inside and _steps_of(scheduler) == self._session.step - 1:
                        self._advance(copied)  # the script does so after this boundary, before the next update
                    schedulers.append((copied, each))
                except Exception as error:  # a scheduler of the script's  # noqa: BLE001
                    self.why = f"{type(scheduler).__name__} cannot be copied ({type(error).__name__}: {error})."
            self._optimizers[number] = shell, schedulers
        return self._optimizers[number]

    def _each(self, scheduler: Any) -> float | None:
        """How many steps lie between two of the scheduler's."""
        done = _steps_of(scheduler)
        step = self._session.step
        if not isinstance(done, int):
            return None
        if abs(step - done) <= 1 or done > step:  # it steps after the boundary; it may have begun before the session
            return 1.0
        return step / done if done > 0 else None


def _steps_of(scheduler: Any) -> int | None:
    """How often a scheduler has stepped; one that drives others may not count itself."""
    if type(scheduler).__name__ == "ChainedScheduler":
        return next((_steps_of(inner) for inner in scheduler._schedulers), None)
    done = getattr(scheduler, "last_epoch", None)
    return done if isinstance(done, int) else None


def _shell(optimizer: Any) -> Any:
    """An optimizer's settings in an object that schedulers take for it."""
    shell = object.__new__(type(optimizer))
    groups = [
        {key: [] if key == "params" else _copied(value) for key, value in group.items()}
        for group in optimizer.param_groups
    ]

    def step() -> None:
        """Schedulers ask whether it was wrapped by one."""

    step._wrapped_by_lr_sched = True  # type: ignore[attr-defined]
    vars(shell).update(param_groups=groups, defaults=dict(optimizer.defaults), state={}, step=step, _opt_called=True)
    return shell


def _copied(value: Any) -> Any:
    return value.detach().clone() if is_tensor(value) else copy.copy(value)
