"""Steps, stop, restart, the pause before a bad update, and what-if: what steers when the training goes on."""

from __future__ import annotations

from functools import partial
from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import DEFERRED, Reply
from bidviz_core.errors import CommandError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.looping.excursion import Excursion, Values, values_between
from bidviz_core.messages.commands import (
    Method,
    Order,
    PauseOnBadGradients,
    RestartTraining,
    RunSteps,
    SkipUpdate,
    StopTraining,
    WhatIf,
)

if TYPE_CHECKING:
    from bidviz_core.session import Session

_MOST_STEPS = 100_000


def run_steps(session: Session, order: Order) -> Reply:
    """Goes on for so many steps, or until a condition holds; or calls that off."""
    assert isinstance(order.command, RunSteps)
    content = order.command.content
    if content.call_off:
        session.call_off(author=order.author)
    else:
        session.run(content.steps, content.until, author=order.author)
    return Reply(True, "", session.step)


def stop_training(session: Session, order: Order) -> Reply:
    """Ends the training at its next step boundary."""
    session.stop(author=order.author)
    return Reply(True, "", session.step)


def restart_training(session: Session, order: Order) -> Reply:
    """Goes back to the state before the first step."""
    if reason := session.abilities().restart:
        raise CommandError(reason)
    checkpoints = session.checkpoints
    loaded = checkpoints.load(checkpoints.start())
    return session.control.soon_at_loop(order, lambda: checkpoints.restore_here(loaded, order.author, {}))


def pause_on_bad_gradients(session: Session, order: Order) -> Reply:
    """Whether to pause before an update whose gradients are not all finite."""
    assert isinstance(order.command, PauseOnBadGradients)
    session.control.pause_on_bad_gradients(order.command.content.pause, order.author)
    return Reply(True, "", session.step)


def skip_update(session: Session, order: Order) -> Reply:
    """Leaves the update out that waits, and goes on."""
    session.control.skip_update(order.author)
    return Reply(True, "", session.step)


def what_if(session: Session, order: Order) -> Reply:
    """Trains some steps with the present value and with another, or through a range, and puts everything back."""
    assert isinstance(order.command, WhatIf)
    content = order.command.content
    control = session.control
    if reason := session.abilities().what_if:
        raise CommandError(reason)
    if control.before_update:
        raise CommandError("An update waits in the middle of its step: skip it or resume first.")
    if not 1 <= content.steps <= _MOST_STEPS:
        raise CommandError(f"steps must be from 1 to {_MOST_STEPS:,}, got {content.steps}.")
    check = session.hyperparameters.check
    if (content.low is None) != (content.high is None):
        raise CommandError("A range test needs both low and high.")
    shown: Any
    if content.low is not None and content.high is not None:
        wanted: list[Any] = values_between(content.low, content.high, content.steps)
        tries: list[Values] = [[check(content.name, value) for value in wanted]]
        shown = wanted
    else:
        shown = check(content.name, content.value)
        tries = [None, [shown] * content.steps]
    detail = {"name": content.name, "value": content.value, "steps": content.steps}
    detail |= {"low": content.low, "high": content.high}
    summary = f"what if {content.name} were {shown}" if tries[0] is None else f"range test of {content.name}"

    def answer(held: Any, curves: list[list[float]], note: str) -> None:
        present, other = ([], curves[0]) if tries[0] is not None else (curves[0], curves[1] if len(curves) > 1 else [])
        count = max(len(present), len(other))
        steps = list(range(session.step + 1, session.step + count + 1))
        data = {"step": steps, "present": present, "other": other, "value": shown, "held": held, "note": note}
        session.journal.add(session.step, order.author, "whatIf", summary, detail)
        session.reply(order, Reply(True, data, session.step))

    def start() -> Reply:
        assert control.loop is not None
        told = partial(answer, session.hyperparameters[content.name])  # the value in force
        control.leave_for(Excursion(session, control.loop, content.name, tries, content.steps, told))
        return DEFERRED

    return control.at_loop(order, start)


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handlers of this module."""
    return {
        RunSteps: run_steps,
        StopTraining: stop_training,
        RestartTraining: restart_training,
        PauseOnBadGradients: pause_on_bad_gradients,
        SkipUpdate: skip_update,
        WhatIf: what_if,
    }
