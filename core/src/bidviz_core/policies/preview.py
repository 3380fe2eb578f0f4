"""What a policy would give over the coming steps: what it depends on, schedulers included, is run ahead on copies."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

import numpy as np

from bidviz_core.errors import FormulaError
from bidviz_core.policies.armed import Armed, Getter
from bidviz_core.policies.curve import Curve
from bidviz_core.policies.dependencies import in_order, overlap
from bidviz_core.policies.language import Input
from bidviz_core.policies.readings import make_reading
from bidviz_core.policies.rules import Rule
from bidviz_core.policies.scheduled import Simulated
from bidviz_core.policies.surroundings import Surroundings, as_number

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: A preview has so many points at most …
POINTS = 2_000
#: … and looks so many steps ahead.
FARTHEST = 10_000_000
#: What has to be run step by step is run so far; the training waits for it.
_STEP_BY_STEP = 20_000


class Ahead:
    """The run as it will be at a later step, as far as that can be known.

    Args:
        session: the session.
        around: the session, as formulas see it.
    """

    def __init__(self, session: Session, around: Surroundings) -> None:
        self._session = session
        self._around = around
        self.start = self.step = session.step
        self.notes: dict[str, None] = {}
        self.values: dict[str, float | None] = {}  # of targets under policies, at this step
        self.simulated = Simulated(session)
        self._began = time.time() - session.info.started
        self._held: dict[str, float] = {}

    def clock(self, name: str) -> Getter:
        """What gives a time of the run."""
        if name == "step":
            return lambda: float(self.step)
        if name == "progress":
            self._around.clock(name)  # refuses where the length is not known
            length = self._around.length or 1.0
            return lambda: min(1.0, self.step / length)
        step_time = self._session.boundary.step_time
        if name == "elapsed":
            self.notes[f"A step is taken to last {step_time * 1e3:.3g} ms as before."] = None
            return lambda: self._began + (self.step - self.start) * step_time
        epoch = self._session.epoch or 0
        each = self.start / epoch if epoch else 0.0
        if not each:
            self.notes[f"epoch is held at {epoch}: how long one takes is not known yet."] = None
            return lambda: float(epoch)
        self.notes[f"An epoch is taken to last {each:.0f} steps as before."] = None
        return lambda: float(epoch + math.floor((self.step - self.start) / each))

    def series(self, one: Input) -> Getter:
        """A reading of a series, held at what it is now."""
        self.notes[f"{one.reading}({one.name}) is held at its present value."] = None
        reading = make_reading(one.reading, one.parameter)
        for step, value in self._around.past(one.name):
            reading.add(step, value)
        present = reading.at(self.start)
        return lambda: present

    def base(self, target: str) -> Getter:
        """What the script and its scheduler will say of a hyperparameter."""
        present = self._around.base(target)
        if not self.simulated.moves(target):
            if self.simulated.why:
                self.notes[f"base is held at its present value {present:g}: {self.simulated.why}"] = None
            return lambda: present
        return lambda: as_number(target, self.simulated.value(target))

    def hyperparameter(self, name: str, targets: Iterable[str]) -> Getter:
        """The value of a hyperparameter: under a policy, a scheduler, or as it is."""
        if name in targets:
            return lambda: self.values[name]
        present = self._around.hyperparameter(name)
        if self._session.hyperparameters.owner(name) not in ("person", "policy") and self.simulated.moves(name):
            return lambda: as_number(name, self.simulated.value(name))
        self.notes[f"{name} is held at its present value {present:g}."] = None
        return lambda: present


def preview(session: Session, around: Surroundings, rule: Rule, live: list[Armed], steps: int) -> Curve:
    """Runs a rule ahead; on the training thread, which it changes nothing of.

    Args:
        session: the session.
        around: the session, as formulas see it.
        rule: what is previewed.
        live: the policies that are armed; the rule stands in the place of one with its target.
        steps: how far to look.

    Raises:
        FormulaError: the rule goes round in a circle, reads what is not known, or gives nothing usable from the start.
    """
    if steps < 1:
        raise FormulaError(f"A preview looks at least one step ahead, got {steps}.")
    names = around.names()
    others = [one for one in live if not overlap(one.target, rule.target, names) and one.state != "pinned"]
    ordered = _needed(in_order([*(one.rule for one in others), rule], names), rule.target)
    ahead = Ahead(session, around)
    armed = [_bind(ahead, one, session, around, {other.target for other in ordered}, others) for one in ordered]
    gathers = any("state" in one.policy.arguments for one in ordered if one.policy is not None)
    slow = gathers or ahead.simulated.used
    asked, steps = steps, min(steps, _STEP_BY_STEP if slow else FARTHEST)
    if steps < asked:
        ahead.notes[f"It looks {steps:,} steps ahead."] = None
    stride = -(-steps // POINTS)
    columns: tuple[list[int], list[float]] = ([], [])
    failed: set[str] = set()
    for offset in range(0, steps + 1, 1 if gathers else stride):
        ahead.step = ahead.start + offset
        ahead.simulated.go_to(ahead.step)
        for one in armed:
            if one.target in failed:
                continue
            try:
                value = one.compute()
            except FormulaError as error:
                if not offset:
                    raise FormulaError(f"{one.target}: the formula {error}.", error.column) from None
                failed.add(one.target)
                what = "it" if one.target == rule.target else f"the policy of {one.target}"
                ahead.notes[f"At step {ahead.step} {what} {error}: it is disarmed there and its last value stays."] = (
                    None
                )
                continue
            ahead.values[one.target] = _in_force(ahead, one.rule, value)
            one.value = value
        if offset % stride == 0:
            columns[0].append(ahead.step)
            value = armed[-1].value
            columns[1].append(math.nan if value is None else value)
    if ahead.simulated.ended:
        ahead.notes[ahead.simulated.ended] = None
    return Curve(np.array(columns[0], np.int64), np.array(columns[1], np.float64), " ".join(ahead.notes))


def _needed(ordered: list[Rule], target: str) -> list[Rule]:
    """The rules that a target depends on, and its own last."""
    rules = {rule.target: rule for rule in ordered}
    wanted = [target]
    for one in wanted:
        wanted += [read for read in rules[one].reads if read in rules and read not in wanted]
    return [rule for rule in ordered if rule.target in wanted]


def _bind(
    ahead: Ahead, rule: Rule, session: Session, around: Surroundings, targets: set[str], others: list[Armed]
) -> Armed:
    armed = Armed(rule, around.about(rule.target), "", ahead.start)
    former: dict[str, Any] = next((one.own for one in others if one.target == rule.target), {})
    cache: dict[Input, Getter] = {}

    def resolve(one: Input) -> Getter:
        if one.kind == "clock":
            return ahead.clock(one.name)
        if one.kind == "base":
            return ahead.base(rule.target)
        if one.kind == "hyperparameter":
            return ahead.hyperparameter(one.name, targets)
        return ahead.series(one)

    def read(reading: str, series: str, parameter: float) -> float | None:
        one = Input("series", series, reading, parameter)
        get = cache.get(one)
        if get is None:
            get = cache[one] = ahead.series(one)
        return get()

    function: Callable[..., Any] = rule.make(read, copy.deepcopy(former))
    armed.bind(resolve, function)
    return armed


def _in_force(ahead: Ahead, rule: Rule, value: float | None) -> float | None:
    """What others see of a target that is under a policy."""
    if value is None or rule.mode == "override":
        return value
    base = ahead.base(rule.target)()
    return None if base is None else value * base
