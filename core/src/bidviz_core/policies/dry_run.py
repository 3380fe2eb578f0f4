"""What a policy would have given over a run's recorded history, from the run's file alone: in any process."""

from __future__ import annotations

import math
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from bidviz_core.errors import FormulaError, StoreError
from bidviz_core.messages.notifications import Catalogue
from bidviz_core.messages.steered import HyperparameterInfo
from bidviz_core.policies.armed import Armed, Getter
from bidviz_core.policies.curve import Curve
from bidviz_core.policies.definition import Policy
from bidviz_core.policies.language import Input
from bidviz_core.policies.readings import Reading, make_reading
from bidviz_core.policies.rules import make_rule
from bidviz_core.policies.surroundings import NO_LENGTH, as_number, length_of
from bidviz_core.store import StoreReader

#: A dry run gives so many points at most …
POINTS = 2_000
#: … and reads so many steps back; means and averages begin there.
LONGEST = 500_000


class Past:
    """A run's history, gone through from its first step to its last.

    Args:
        reader: of the run's file.
        first: the first step that is gone through.
        length: how many steps the run has, where somebody has said so.
    """

    def __init__(self, reader: StoreReader, first: int, length: float | None) -> None:
        self._reader = reader
        self._first = first
        self.length = length
        self.catalogue = reader.catalogue() or Catalogue(run=reader.info)
        self.infos = {info.name: info for info in self.catalogue.hyperparameters}
        self.kinds = reader.series()
        self.step = first
        self.notes: dict[str, None] = {}
        self._columns: dict[str, tuple[list[int], list[float], list[float]]] = {}
        self._followers: list[Follower] = []
        self._readings: dict[Input, Follower] = {}

    def columns(self, name: str) -> tuple[list[int], list[float], list[float]]:
        """Steps, values and times of a series."""
        if name not in self._columns:
            try:
                found = self._reader.history(name, start=self._first)
            except StoreError as error:
                raise FormulaError(str(error)) from None
            self._columns[name] = found.step.tolist(), found.value.tolist(), found.time.tolist()
        return self._columns[name]

    def go_to(self, step: int) -> None:
        """Takes in what was recorded up to a step."""
        self.step = step
        for one in self._followers:
            one.go_to(step)

    def follow(self, one: Input) -> Getter:
        """A reading of a series as it was."""
        follower = self._readings.get(one)
        if follower is None:
            steps, values, _ = self.columns(one.name)
            follower = Follower(make_reading(one.reading, one.parameter), steps, values)
            self._readings[one] = follower
            self._followers.append(follower)
            follower.go_to(self.step)
        return lambda: follower.reading.at(self.step)

    def clock(self, name: str) -> Getter:
        """A time of the run as it was."""
        if name == "step":
            return lambda: float(self.step)
        if name == "epoch":
            if "epoch" not in self.kinds:
                self.notes["epoch is taken as 0: nothing counted epochs."] = None
                return lambda: 0.0
            get = self.follow(Input("series", "epoch"))
            return lambda: get() or 0.0
        if name == "elapsed":
            return self._elapsed()
        if self.length is None:
            raise FormulaError(NO_LENGTH)
        length = self.length
        return lambda: min(1.0, self.step / length)

    def hyperparameter(self, name: str) -> Getter:
        """A hyperparameter as it was recorded, or as it is now."""
        for series in (f"hp/{name}", name):
            if self.kinds.get(series) == "scalar" and series not in {one.name for one in self.catalogue.metrics} - {
                name
            }:
                return self.follow(Input("series", series))
        if name not in self.infos:
            raise FormulaError(f"Nothing is recorded of {name!r}.")
        present = as_number(name, self.infos[name].value)
        self.notes[f"{name} is held at {present:g}: its past is not recorded."] = None
        return lambda: present

    def base(self, target: str) -> Getter:
        """What the script said of the target: what was recorded of it, where nobody held it."""
        if self.kinds.get(target) == "scalar":
            self.notes[
                f"base is the {target} that was recorded, which is the script's own only where nobody held it."
            ] = None
            return self.follow(Input("series", target))
        info = self.infos[target]
        present = as_number(target, info.base if info.base is not None else info.value)
        self.notes[f"base is held at {present:g}: its past is not recorded."] = None
        return lambda: present

    def _elapsed(self) -> Getter:
        clock = next((name for name in ("loss", "lr", *self.kinds) if self.kinds.get(name) == "scalar"), None)
        if clock is None:
            raise FormulaError("elapsed is not known: nothing was recorded yet.")
        steps, _, times = self.columns(clock)
        started = self._reader.info.started
        follower = Follower(Reading(), steps, [moment - started for moment in times])
        self._followers.append(follower)
        return follower.reading.get


class Follower:
    """A reading that goes through what was recorded.

    Args:
        reading: takes the values in.
        steps: their steps, rising.
        values: the values.
    """

    def __init__(self, reading: Reading, steps: list[int], values: list[float]) -> None:
        self.reading = reading
        self._steps = steps
        self._values = values
        self._next = 0

    def go_to(self, step: int) -> None:
        """Takes in the values up to a step."""
        steps, values, reading = self._steps, self._values, self.reading
        while self._next < len(steps) and steps[self._next] <= step:
            reading.add(steps[self._next], values[self._next])
            self._next += 1


def dry_run(
    reader: StoreReader,
    target: str,
    given: str | Policy,
    *,
    mode: str = "override",
    low: float | None = None,
    high: float | None = None,
    length: float | None = None,
) -> Curve:
    """Goes through a run's history with a policy.

    Args:
        reader: of the run's file.
        target: the hyperparameter.
        given: a formula or a named policy.
        mode: `"override"` or `"scale"`.
        low: the least value it may give.
        high: the greatest.
        length: how many steps the run has, where somebody has said so.

    Raises:
        FormulaError: something is wrong with it; with the column where it belongs to one.
        StoreError: the run's file cannot be read.
    """
    last = reader.status().step
    past = Past(reader, max(0, last - LONGEST), length or length_of(reader.info.config))
    names: Mapping[str, HyperparameterInfo] = past.infos
    scalars = [name for name, kind in past.kinds.items() if kind == "scalar"]
    rule = make_rule(target, given, mode=mode, low=low, high=high, hyperparameters=names, series=scalars)
    if target in rule.reads:
        raise FormulaError(
            f"{target} would depend on itself. What the script and its scheduler say of it is called base."
        )

    def resolve(one: Input) -> Getter:
        if one.kind == "clock":
            return past.clock(one.name)
        if one.kind == "base":
            return past.base(target)
        return past.hyperparameter(one.name) if one.kind == "hyperparameter" else past.follow(one)

    def read(reading: str, series: str, parameter: float) -> float | None:
        return past.follow(Input("series", series, reading, parameter))()

    about = names[target]
    if about.kind not in ("float", "int"):
        raise FormulaError(f"{target} is {about.kind}, and a policy gives numbers.")
    armed = Armed(rule, about, "", 0)
    armed.bind(resolve, rule.make(read))
    own = rule.policy is not None and "state" in rule.policy.arguments
    steps, values = _go_through(past, armed, last, 1 if own else max(1, -(-last // POINTS)))
    if last > LONGEST:
        past.notes[f"Only the last {LONGEST:,} steps are gone through."] = None
    return Curve(steps, values, " ".join(past.notes))


def _go_through(past: Past, armed: Armed, last: int, stride: int) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    steps: list[int] = []
    values: list[float] = []
    thin = max(1, -(-(last - past.step) // POINTS))
    for step in range(past.step, last + 1, stride):
        past.go_to(step)
        try:
            armed.value = armed.compute()
        except FormulaError as error:
            stays = "and its last value stays" if armed.value is not None else "before it gave any value"
            past.notes[f"At step {step} the formula {error}: it would have been disarmed there, {stays}."] = None
            steps.append(step)
            values.append(math.nan if armed.value is None else armed.value)
            break
        if step % thin == 0 or step == last:
            steps.append(step)
            values.append(math.nan if armed.value is None else armed.value)
    return np.array(steps, np.int64), np.array(values, np.float64)
