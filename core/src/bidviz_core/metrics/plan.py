"""What is due at which step, worked out once for each phase of the metrics' cadences."""

from __future__ import annotations

import math
import struct
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from bidviz_core.metrics.series import SeriesView
from bidviz_core.metrics.slot import Slot
from bidviz_core.ring import Ring

#: So many steps may be planned at once in any case; the one after them is taken the long way and has its cost measured.
_LOOK_AHEAD = 63
#: Seconds and steps for which is planned at most.
_LOOK_AHEAD_SECONDS = 0.25
_LONGEST_LOOK_AHEAD = 1_000
#: Plans are kept for so many phases of the metrics' cadences; beyond that each step is planned by itself.
_LONGEST_CYCLE = 5_040


class Plan:
    """What is due at the steps of one phase of the metrics' cadences.

    Args:
        quick: built-in metrics of one plain number that is simply read.
        readers: what reads them.
        trusted: the other built-in metrics.
        guarded: everybody else's.
    """

    __slots__ = ("_readers", "_reading", "_ring", "guarded", "names", "patterns", "quick", "read", "trusted", "wanted")

    def __init__(
        self, quick: list[Slot], readers: list[Callable[[], Any]], trusted: list[Slot], guarded: list[Slot]
    ) -> None:
        self.quick = quick
        self.trusted = trusted
        self.guarded = guarded
        #: The series of `quick`.
        self.names = tuple(slot.metric.name for slot in quick)
        #: Reads their values: floats, or something else where only the metric itself can say.
        self.read = _reading(readers)
        self._readers = readers
        self._ring: Ring | None = None
        self._reading: Callable[[int, float], bool] | None = None
        #: The arguments that somebody asks for.
        self.wanted = frozenset(argument for slot in (*quick, *trusted, *guarded) for argument in slot.metric.arguments)
        #: What they ask for as activations.
        self.patterns = tuple(
            {slot.metric.modules or "*": None for slot in guarded if "activations" in slot.metric.arguments}
        )

    def same_as(self, quick: list[Slot], trusted: list[Slot], guarded: list[Slot]) -> bool:
        """Whether the very same is due."""
        return (self.quick, self.trusted, self.guarded) == (quick, trusted, guarded)

    def reading(
        self, ring: Ring, series: SeriesView, otherwise: Callable[[int, float], bool]
    ) -> Callable[[int, float], bool]:
        """What reads and records the numbers of `quick` in as few lines as there can be.

        Args:
            ring: of the series `names`.
            series: where somebody may look at them.
            otherwise: called with step and moment where that cannot be done; says whether it could do it.

        Returns:
            Called with a step and its moment in seconds since the epoch; says whether the numbers were recorded.
        """
        if self._reading is None or self._ring is not ring:
            self._ring, self._reading = ring, _recording(self._readers, ring, series, otherwise)
        return self._reading


def _reading(readers: list[Callable[[], Any]]) -> Callable[[], Sequence[Any]]:
    return lambda: [read() for read in readers]


def _recording(
    readers: list[Callable[[], Any]], ring: Ring, series: SeriesView, otherwise: Callable[[int, float], bool]
) -> Callable[[int, float], bool]:
    # Written out, as `Ring.put` is: between two steps each function that is called costs a few fetches from afar.
    pack, memory, rows, size = ring.packing
    one, other = (readers * 2)[:2]
    single, pair = len(readers) == 1, len(readers) == 2  # these are the loss and the rate

    def record(step: int, moment: float) -> bool:
        at = ring.written
        if at - ring.read >= rows:
            return otherwise(step, moment)
        try:
            if series.watched:  # by a policy, at most: it takes a few lines more
                values = [read() for read in readers]
                pack(memory, at % rows * size, step, moment, *values)
                ring.written = at + 1
                series.take(ring.names, values)
                return True
            if pair:
                pack(memory, at % rows * size, step, moment, one(), other())
            elif single:
                pack(memory, at % rows * size, step, moment, one())
            else:
                pack(memory, at % rows * size, step, moment, *[read() for read in readers])
        except struct.error:
            return False  # something that is no number: the metric itself knows what to say of it
        ring.written = at + 1
        return True

    return record


class Plans:
    """The plans of the active metrics.

    Args:
        readers: for built-in metrics of one plain number what reads it.
    """

    def __init__(self, readers: Mapping[str, Callable[[], Any]]) -> None:
        self._readers = readers
        self.renew([])

    def renew(self, active: list[Slot]) -> None:
        """Begins anew with other metrics."""
        self._active = active
        self._cycle = min(math.lcm(*(slot.effective_every for slot in active)), _LONGEST_CYCLE)
        self._plans: dict[int, Plan] = {}
        self._lengths: dict[int, int] = {}  # for a phase, how many more are like it
        self._planned: tuple[int, Plan] = -1, Plan([], [], [], [])

    def calm(self, step: int, step_time: float) -> tuple[Plan, int]:
        """Looks ahead for steps at which nothing is due but numbers that are simply read.

        Args:
            step: the present step.
            step_time: the usual seconds of a step; 0 while nobody knows.

        Returns:
            The plan of the next step, and the last step up to which that plan is all there is to do; `step` where
            already the next one wants more.
        """
        first = self.at(step + 1)
        last = step
        if not first.trusted and not first.guarded:
            most = _LOOK_AHEAD
            if step_time > 0:
                most = max(most, min(_LONGEST_LOOK_AHEAD, int(_LOOK_AHEAD_SECONDS / step_time)))
            most = min(most, step)
            last += min(most, self._alike(step + 1, first))  # the one before another plan prepares it
        return first, last

    def _alike(self, step: int, plan: Plan) -> int:
        """How many steps after one have the very same plan, up to the longest that is looked ahead."""
        if self._cycle == 1:
            return _LONGEST_LOOK_AHEAD
        phase = step % self._cycle
        count = self._lengths.get(phase)
        if count is None:
            count = 0
            while count < _LONGEST_LOOK_AHEAD and self.at(step + count + 1) is plan:
                count += 1
            if self._cycle != _LONGEST_CYCLE:  # or a phase says not all
                self._lengths[phase] = count
        return count

    def at(self, step: int) -> Plan:
        """What is due at a step."""
        if self._planned[0] == step:  # the boundary asks for the coming step, and then again when it is over
            return self._planned[1]
        phase = step % self._cycle
        plan = self._plans.get(phase)
        if plan is None or self._cycle == _LONGEST_CYCLE:
            plan = self._plans[phase] = self._make_plan(step)
        self._planned = step, plan
        return plan

    def _make_plan(self, step: int) -> Plan:
        due = [slot for slot in self._active if step % slot.effective_every == 0]
        # The first run of each is the long way round: it says what kind of series this is.
        quick = [slot for slot in due if slot.trusted and slot.series and slot.metric.name in self._readers]
        trusted = [slot for slot in due if slot.trusted and slot not in quick]
        guarded = [slot for slot in due if not slot.trusted]
        for plan in self._plans.values():
            if plan.same_as(quick, trusted, guarded):
                return plan  # one object for all phases that are alike
        return Plan(quick, [self._readers[slot.metric.name] for slot in quick], trusted, guarded)
