"""What is armed, on the training thread: computed at each step boundary in its order, and held from there on."""

from __future__ import annotations

import copy
import time
from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import BidvizError, FormulaError
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.policies.armed import Armed, Getter
from bidviz_core.policies.dependencies import in_order, overlap
from bidviz_core.policies.formula import unknown
from bidviz_core.policies.language import Input
from bidviz_core.policies.rows import Rows
from bidviz_core.policies.rules import Rule
from bidviz_core.policies.surroundings import Surroundings
from bidviz_core.policies.together import Surrounds, Together, fits
from bidviz_core.policies.updates import BeforeUpdate

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: Policies come before whatever else watches step boundaries: what asks for values is to find theirs.
RANK = -10


class Stepping:
    """The armed policies of a session; everything here is called on its training thread.

    Args:
        session: the session.
        around: the session, as formulas see it.
    """

    def __init__(self, session: Session, around: Surroundings) -> None:
        self._session = session
        self._around = around
        #: By target, those that were disarmed by an error as well.
        self.armed: dict[str, Armed] = {}
        self._at_boundaries: tuple[Armed, ...] = ()
        self._before_updates: tuple[Armed, ...] = ()
        self._together: dict[tuple[Armed, ...], Together] = {}
        self._rows = Rows(session)
        self._conditions: set[Any] = set()
        self._version = -1  # of what is held, when it was last looked who holds the targets
        self._metrics: Any = None  # changes its identity whenever metrics come, go or are set aside
        self._hook = BeforeUpdate(session, lambda: self._advance(self._before_updates, late=True))

    def live(self) -> list[Armed]:
        """Those that are armed or pinned, each after those it depends on."""
        return [*self._at_boundaries, *self._before_updates]

    def arm(self, rule: Rule, author: str, release: bool = False) -> Armed:
        """Puts a target under a rule, in the place of the one before; `release` gives up what a person set by hand.

        Raises:
            FormulaError: it would go round in a circle, meets another's target, or gives nothing that can be used.
            CommandError: its first value does not fit.
        """
        session, target = self._session, rule.target
        former = self.armed.get(target)
        others = [one for one in self.armed.values() if one is not former and one.state != "disarmed"]
        for other in others:
            if overlap(target, other.target, self._around.names()):
                raise FormulaError(
                    f"{other.target} is under a policy already, and is a part of {target}: disarm it first."
                )
        in_order([*(one.rule for one in others), rule], self._around.names())
        armed = self.make(rule, author)
        try:
            self._around.readings.settle()
            pinned = session.hyperparameters.owner(target) == "person"
            value = armed.compute()
            if value is not None and rule.mode == "override":
                session.hyperparameters.check(target, value)
            if pinned and release:  # now that nothing is wrong with the rule, and before a step is made without either
                session.changes.release(target, author, "for a policy")
                pinned = False
            if value is not None and not pinned:
                session.hyperparameters.hold(target, value, mode=rule.mode)
                self._rows.record([armed], [value])
                armed.value = value
        except FormulaError as error:
            self._around.readings.leave(armed.used)
            raise FormulaError(f"{target}: the formula {error}.", error.column) from None
        except BidvizError:
            self._around.readings.leave(armed.used)
            raise
        if former is not None:
            self._around.readings.leave(former.used)
        self.armed[target] = armed
        if pinned:
            armed.state = "pinned"
            armed.note = f"{target} was set by hand; the policy begins when it is released."
        elif value is None:
            armed.note = f"Waits for the first value of {' and of '.join(rule.series) or 'what it reads'}."
        session.journal.add(session.step, author, "armPolicy", armed.describe(), rule.detail(author))
        self.renew()
        self._advance_each(self.live())
        session.renew_catalogue()
        return armed

    def put_back(self, rule: Rule, kept: dict[str, Any]) -> None:
        """Puts a policy of a checkpoint in force again; `renew` is to follow."""
        armed = self.make(rule, kept["author"])
        armed.since, armed.state, armed.note = kept["since"], kept["state"], kept["note"]
        armed.own.update(copy.deepcopy(kept["own"]))
        more = [one for one in kept["used"] if one not in armed.used]
        self._around.readings.use(more)
        armed.used += more
        self.armed[rule.target] = armed
        if armed.state != "pinned" and kept["value"] is not None:
            armed.value = kept["value"]
            self._session.hyperparameters.hold(rule.target, armed.value, mode=rule.mode)

    def make(self, rule: Rule, author: str) -> Armed:
        """Makes an armed policy whose readings are in use."""
        armed = Armed(rule, self._around.about(rule.target), author, self._session.step)
        wanted = [one for one in rule.inputs if one.kind == "series"]
        self._around.readings.use(wanted)
        armed.used += wanted
        try:
            armed.bind(
                lambda one: self._getter(rule, one),
                rule.make(lambda *read: self._read(armed, Input("series", read[1], read[0], read[2])), armed.own),
            )
        except FormulaError as error:
            self._around.readings.leave(armed.used)
            column = None
            if rule.formula is not None:
                column = next((at for one, at in rule.formula.columns.items() if one.name == "progress"), None)
            raise FormulaError(str(error), column) from None
        return armed

    def _getter(self, rule: Rule, one: Input) -> Getter:
        around = self._around
        if one.kind == "clock":
            return around.clock(one.name)
        if one.kind == "base":
            return lambda: around.base(rule.target)
        if one.kind == "series":
            return around.readings.getter(one)
        name, table = one.name, self.armed

        def value() -> float | None:
            other = table.get(name)
            if other is not None and other.state == "armed" and other.rule.mode == "override":
                return other.value  # of this very boundary, since it was computed before
            return around.hyperparameter(name)

        return value

    def _read(self, armed: Armed, one: Input) -> float | None:
        """A named policy reads a series: from the first time on its reading is kept."""
        if one not in armed.used:
            if one.name not in self._around.series and self._session.step:
                raise unknown(one.name, None, self._around.series)
            self._around.readings.use([one])
            armed.used.append(one)
        return self._around.readings.getter(one)()

    def advance(self, step: int) -> None:
        """Goes on where the step boundary is not attended to: steps that are only tried out."""
        if self._at_boundaries:
            self._at_boundary(step)

    def _at_boundary(self, step: int) -> None:
        """At each step boundary, after metrics and orders."""
        metrics = self._session.engine.ever
        if metrics is not self._metrics:
            self._metrics = metrics
            self._look_for_series()
        if self._hook.postponed:
            self.renew()
        self._around.readings.settle()
        self._advance(self._at_boundaries)

    def _advance(self, some: tuple[Armed, ...], late: bool = False) -> None:
        """Computes policies in their order and holds what has changed; `late` is before an update."""
        if self._version != self._session.hyperparameters.holding.version:
            self._look_for_pins()
        together = self._together.get(some)
        if together is None:
            self._advance_each(some, late)
            self._put_together(some, late)
        elif not together.advance(self._session.step, time.time(), True):
            self._together.pop(some, None)
            self._advance_each(some, late)

    def _advance_each(self, some: Iterable[Armed], late: bool = False) -> None:
        """The same one by one, with an answer to whatever may be wrong."""
        hyperparameters = self._session.hyperparameters
        changed: list[Armed] = []
        values: list[float] = []
        for one in some:
            if one.state != "armed":
                continue
            try:
                value = one.compute()
                if value == one.value or value is None:
                    continue
                hyperparameters.hold(one.target, value, mode=one.rule.mode)
            except FormulaError as error:
                self.disarm(one, f"the formula {error}" if one.rule.formula is not None else f"it {error}")
                continue
            except Exception as error:  # a value that a setter of the script's refuses  # noqa: BLE001
                self.disarm(one, f"its value could not be put in force: {error}")
                continue
            if one.value is None:
                self._begin(one)
            one.value = value
            changed.append(one)
            values.append(value)
        if changed:
            self._rows.record(changed, values, late)

    def _put_together(self, some: tuple[Armed, ...], late: bool) -> None:
        """Has policies that are all in force computed by one function from now on."""
        session, readings = self._session, self._around.readings
        holding = session.hyperparameters.holding
        if not fits(some) or self._version != holding.version:
            return  # they are looked at one by one until nothing changes any more
        around = Surrounds(
            session.boundary,
            holding,
            readings.of,
            lambda one, read: self._getter(one.rule, read),
            None if late else readings.settle,
            self._rows.recording(some, late),
        )
        try:
            self._together = {**self._together, some: Together(some, around, looks=not late)}
        except LookupError:
            return

    def beside(self, watchers: Collection[Callable[[int], None]]) -> Callable[[int, float], bool] | None:
        """What does at a calm step all that these watchers of step boundaries would do; none if only they can.

        It is good until something is held or watched in another way, and says itself where it could not do it.
        """
        session = self._session
        together = self._together.get(self._at_boundaries)
        known: list[Callable[[int], None]] = [self._at_boundary]
        if together is not None and session.changes.only_looks_at(together.looked_at):
            known.append(session.changes.on_step)
        if any(watcher not in known for watcher in watchers):
            return None
        if session.engine.ever is not self._metrics or self._hook.postponed:
            return None
        if not self._at_boundaries:
            return self._only_settle
        return None if together is None else together.advance_calmly

    def _only_settle(self, step: int, moment: float) -> bool:
        self._around.readings.settle()
        return True

    def _begin(self, one: Armed) -> None:
        """Its first value, or the first after a person released the target."""
        one.note = ""
        self._session.renew_catalogue()

    def _look_for_pins(self) -> None:
        """Something is held in another way: a target that a person holds is left alone until it is released."""
        hyperparameters = self._session.hyperparameters
        self._version = hyperparameters.holding.version
        self._together = {}
        for one in self.live():
            pinned = hyperparameters.owner(one.target) == "person"
            if pinned != (one.state == "pinned"):
                one.state, one.value = "pinned" if pinned else "armed", None
                one.note = f"{one.target} was set by hand; the policy goes on when it is released." if pinned else ""
                self._session.renew_catalogue()

    def _look_for_series(self) -> None:
        """Metrics have changed: whoever reads one that was removed or set aside has nothing to go on."""
        engine = self._session.engine
        for one in self.live():
            for name in {read.name for read in one.used}:
                slot = next(
                    (slot for slot in engine.slots.values() if name in slot.series or name == slot.metric.name), None
                )
                if slot is None and name in engine.retired:
                    self.disarm(one, f"it reads {name!r}, which was removed")
                elif slot is not None and not slot.enabled:
                    why = "was set aside after an error" if slot.failure is not None else "was disabled"
                    self.disarm(one, f"it reads {name!r}, which {why}")

    def disarm(self, one: Armed, why: str) -> None:
        """Sets a policy aside; its last good value stays in force."""
        if one.state == "disarmed":
            return
        session = self._session
        stays = f"{one.target} stays at {one.value:.6g}" if one.value is not None else f"{one.target} is as it was"
        if one.rule.mode == "scale" and one.value is not None:
            stays = f"the factor of {one.target} stays {one.value:.6g}"
        message = f"The policy of {one.target} was disarmed at step {session.step}: {why}; {stays}."
        one.state, one.note = "disarmed", message
        self._around.readings.leave(one.used)
        one.used = []
        self.renew()
        detail = {**one.rule.detail(one.author), "reason": why}
        session.journal.add(session.step, "bidviz", "disarmPolicy", message, detail, success=False)
        session.fail(
            FailureContent(source="policy", name=one.target, message=message, step=session.step, time=time.time())
        )
        session.renew_catalogue()

    def remove(self, target: str, author: str) -> None:
        """Disarms a policy and releases its target."""
        one = self.known(target)
        held = self._session.hyperparameters.owner(target) != "person"
        self.take_away(one, drop=held)
        self.renew()
        session = self._session
        session.journal.add(
            session.step, author, "disarmPolicy", f"{target} is under no policy any more", one.rule.detail(author)
        )
        session.renew_catalogue()

    def take_away(self, one: Armed, drop: bool) -> None:
        """Takes a policy away; `drop` gives its target back."""
        del self.armed[one.target]
        self._around.readings.leave(one.used)
        if drop:
            self._session.hyperparameters.drop(one.target)

    def known(self, target: str) -> Armed:
        """The policy of a target.

        Raises:
            FormulaError: it is under none.
        """
        if target not in self.armed:
            there = ", ".join(self.armed) or "none"
            raise FormulaError(f"{target} is under no policy; under one are: {there}.")
        return self.armed[target]

    def renew(self) -> None:
        """Sorts what is armed anew, and watches step boundaries only while there is something to do."""
        live = {one.target: one for one in self.armed.values() if one.state != "disarmed"}
        names = self._around.names()
        ordered = [live[rule.target] for rule in in_order([one.rule for one in live.values()], names)]
        late = self._hook.late(ordered, names)
        self._at_boundaries = tuple(one for one in ordered if one not in late)
        self._before_updates = tuple(one for one in ordered if one in late)
        cells = self._session.hyperparameters.cells
        self._rows.exposed = frozenset(
            one.target for one in self._before_updates if cells(one.target)[0].number is None
        )
        self._together = {}
        self._metrics = None
        if live or self._conditions:
            self._session.boundary.watch(self._at_boundary, RANK)
        else:
            self._session.boundary.unwatch(self._at_boundary)

    def detach(self) -> None:
        """The session ends."""
        self._hook.take_off()
        self._session.boundary.unwatch(self._at_boundary)

    def keep_for(self, condition: Any, kept: bool) -> None:
        """Readings are settled as long as some condition asks for them."""
        (self._conditions.add if kept else self._conditions.discard)(condition)
        self.renew()
