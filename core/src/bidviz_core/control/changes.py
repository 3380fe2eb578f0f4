"""Changes of hyperparameters: put in force, proven by the next update, put into the journal, told to plugins."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable
from typing import TYPE_CHECKING, Any

from bidviz_core.control.change import Change, full_name, group_of, grouped, stands
from bidviz_core.control.leases import make_lease, present_loss
from bidviz_core.control.reply import Later, Reply
from bidviz_core.errors import BidvizError, CommandError
from bidviz_core.hyperparameters.holds import Held, Request
from bidviz_core.messages.commands import Order
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.messages.steering import LeaseContent, SetHyperparameterContent

if TYPE_CHECKING:
    from bidviz_core.session import Session

LEASE_AUTHOR = "bidviz"
#: Before policies: what a step has used is read before they put another value there, and they see what takes hold.
_RANK = -20


class Changes:
    """Changes hyperparameters of a session; on the training thread.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._unproven: list[Change] = []
        #: Those on a lease.
        self.leased: list[Change] = []
        #: Those that take hold at a later step, with their authors.
        self.to_come: list[tuple[SetHyperparameterContent, str]] = []
        self._waiting: dict[int, tuple[Order, Change]] = {}

    # --- what is asked for -------------------------------------------------------------------------------------------

    def answer(self, order: Order, carry_out: Callable[[], Change]) -> Reply:
        """Carries a change out and answers once an update has shown what it used; at once where none comes.

        Raises:
            Later: the coming update shows it.
        """
        waited = self._waiting.pop(id(order), None)
        if waited is not None:
            change = waited[1]
            self._prove(change)
            return change.reply()
        change = carry_out()
        boundary = self._session.boundary
        if change.proven or order.id == 0 or boundary.paused or boundary.pause_wanted or self._session.closed:
            return change.reply()
        self._waiting[id(order)] = order, change
        raise Later(frozenset(), "The next update shows it.", otherwise=change.reply())

    def set(self, content: SetHyperparameterContent, author: str, action: str = "setHyperparameter") -> Change:
        """Sets a hyperparameter, now or later.

        Raises:
            CommandError: it cannot be set so; nothing was changed.
        """
        session = self._session
        name = full_name(content)
        value = session.hyperparameters.check(name, content.value, content.mode)
        if content.at is not None and content.at > session.step:
            return self._schedule(content, name, value, author)
        request = Request(content.mode, value, "person", author, session.step)
        change, old = self._hold(name, request, content.lease)
        self._enter(change, old, action, content.reason)
        self._tell([change])
        return change

    def release(self, name: str, author: str, reason: str = "") -> Change:
        """Gives a hyperparameter back to the script and its scheduler.

        Raises:
            CommandError: there is no such hyperparameter.
        """
        session = self._session
        held = session.hyperparameters.helds(name)
        waiting = [one for one in self.to_come if full_name(one[0]) == name]
        self.to_come = [one for one in self.to_come if one not in waiting]
        change = Change(name, "release", None, author, session.step)
        if waiting:
            change.notes.append(f"what was to come at step {waiting[0][0].at:,} is dropped")
        if not held:
            change.notes.append("nobody held it")
            change.applied, change.used = session.hyperparameters[name], session.hyperparameters.used(name)
            change.proven = True
            return change
        others = {one.request.author for one in held if one.request.author != author}
        if others:
            change.notes.append(f"it was held by {', '.join(sorted(others))}")
        old = session.hyperparameters[name]
        session.hyperparameters.let_go(name)
        self._enter(change, old, "releaseHyperparameter", reason)
        self._tell([change])
        return change

    def keep(self, name: str, author: str) -> str:
        """Ends a lease; the change stays.

        Raises:
            CommandError: there is no lease on it.
        """
        kept = [one for one in self.leased if one.name == name and stands(one)]
        if not kept:
            raise CommandError(f"{name} is on no lease: what is set stays until it is released.")
        for change in kept:
            self.leased.remove(change)
            for held in change.helds:
                held.lease = ""
        session = self._session
        session.journal.add(session.step, author, "keepChange", f"{name} stays {kept[0].applied}", {"name": name})
        session.renew_catalogue()
        return name

    def write(self, checked: Iterable[tuple[str, Any]], author: str, action: str) -> list[Change]:
        """Sets values that were checked, for good.

        Args:
            checked: names and values, as `Hyperparameters.check` gave them.
            author: who changes them.
            action: what the journal calls it.
        """
        return self._apply_all([(name, value) for name, value in checked], author, action)

    def take_proposals(self, step: int) -> None:
        """Asks plugins for values, and holds those that differ from the present ones and that no person has set."""
        session = self._session
        values = session.hyperparameters
        for proposal in session.plugins.ask(
            "propose_hyperparameters", session=session, step=step, hyperparameters=values
        ):
            try:
                wanted = [
                    (name, values.check(name, value))
                    for name, value in proposal.items()
                    if values[name] != value and values.owner(name) != "person"
                ]
            except (BidvizError, KeyError, AttributeError) as error:
                message = f"A plugin proposed what cannot be set: {error}"
                session.fail_once(FailureContent(source="plugin", name="propose_hyperparameters", message=message))
                continue
            action = "proposeHyperparameters"
            try:
                self._apply_all(wanted, "policy", action, "policy")
            except CommandError as error:
                failure = FailureContent(source="plugin", name="propose_hyperparameters", message=str(error))
                session.fail_once(failure)

    # --- carrying it out ---------------------------------------------------------------------------------------------

    def _apply_all(
        self, wanted: list[tuple[str, Any]], author: str, action: str, owner: str = "person"
    ) -> list[Change]:
        """Sets values, all or none."""
        values = self._session.hyperparameters
        done: list[tuple[Change, Any]] = []
        try:
            for name, value in wanted:
                done.append(self._hold(name, Request("override", value, owner, author, self._session.step), None))
        except CommandError:
            for change, _ in reversed(done):
                for name, former in grouped(change.name, list(zip(change.helds, change.former, strict=True))):
                    values.let_go(name) if former is None else values.hold_for(name, former)
            raise
        for change, old in done:
            self._enter(change, old, action, "")
        self._tell([change for change, _ in done])
        return [change for change, _ in done]

    def _hold(self, name: str, request: Request, lease: LeaseContent | None) -> tuple[Change, Any]:
        """Holds a checked value.

        Returns:
            The change, and the value before it.
        """
        session = self._session
        hyperparameters = session.hyperparameters
        change = Change(name, request.mode, request.value, request.author, session.step, request=request)
        if lease is not None:
            change.lease = make_lease(session, lease, session.step)
        cells = hyperparameters.cells(name)
        before = hyperparameters.holding.helds
        change.former = [before[cell.key].request if cell.key in before else None for cell in cells]
        self._name_former(change)
        old = hyperparameters[name]
        try:
            change.helds = hyperparameters.hold_for(name, request)
        except Exception as error:
            raise CommandError(f"{name} could not be set: {type(error).__name__}: {error}") from error
        if change.lease is not None:
            self.leased = [one for one in self.leased if stands(one)]
            self.leased.append(change)
            for held in change.helds:
                held.lease = change.lease.sentence
            change.notes.append(change.lease.sentence)
        if hyperparameters.holding.schedulers_rule(cells):
            change.notes.append("the scheduler goes on beneath, and rules again when it is released")
        return change, old

    def _name_former(self, change: Change) -> None:
        """Two people change the same thing: the later stands, and both are told."""
        formers = {one.author: one for one in change.former if one is not None and one.author != change.author}
        for former in formers.values():
            scaled = "×" if former.mode == "scale" else ""
            value = f"{former.value:.6g}" if isinstance(former.value, float) else former.value
            if former.owner == "policy":  # it has moved it ever since
                change.notes.append(f"a policy had it at {scaled}{value} by now")
            else:
                change.notes.append(f"{former.author} had set it to {scaled}{value} at step {former.since:,}")

    def _enter(self, change: Change, old: Any, action: str, reason: str) -> None:
        """Writes the journal, so that it can be done again exactly."""
        session = self._session
        hyperparameters = session.hyperparameters
        change.applied = hyperparameters[change.name]
        exposed = all(cell.number is None for cell in hyperparameters.cells(change.name))
        if exposed:  # read back from where it lies: no update has to show it
            change.used, change.proven = change.applied, True
        lease = change.lease.content if change.lease else None
        group = group_of(change.name, hyperparameters.cells(change.name))
        detail = {
            "name": change.name,
            "old": old,
            "value": change.applied if change.mode == "release" else change.requested,
            "mode": change.mode,
            "group": group,
            "base": hyperparameters.base(change.name),
            "step": session.step,
            "author": change.author,
            "reason": reason,
            "lease": {"steps": lease.steps, "loss_rise": lease.loss_rise} if lease else None,
            "applied": change.applied,
        }
        factor = f" (×{change.requested})" if change.mode == "scale" else ""
        said = "; ".join(note for note in change.notes if "had set" in note or "held by" in note)
        summary = f"{change.name}: {old} → {change.applied}{factor}"
        if change.mode == "release":
            summary += " (released)"
        summary += "".join(f"; {text}" for text in (said, reason) if text)
        change.entry = session.journal.add(session.step, change.author, action, summary, detail).number
        if not change.proven:
            self._unproven.append(change)
        self._watch()

    def _tell(self, changes: list[Change]) -> None:
        if not changes:
            return
        session = self._session
        session.renew_catalogue()
        told = [session.journal[change.entry - 1].detail for change in changes if change.entry]
        session.plugins.tell("hyperparameters_changed", session=session, step=session.step, changes=told)

    def _schedule(self, content: SetHyperparameterContent, name: str, value: Any, author: str) -> Change:
        session = self._session
        self.to_come.append((content, author))
        summary = f"{name}: {value} at step {content.at:,}"
        session.journal.add(
            session.step,
            author,
            "scheduleHyperparameter",
            summary,
            {"name": name, "value": value, "mode": content.mode, "at": content.at, "reason": content.reason},
        )
        self._watch()
        change = Change(name, content.mode, value, author, None, [f"takes hold at step {content.at:,}"])
        change.applied, change.used = session.hyperparameters[name], session.hyperparameters.used(name)
        change.proven = True
        return change

    def take_up(self, leased: list[Change], to_come: list[tuple[SetHyperparameterContent, str]]) -> None:
        """A checkpoint's leases and changes to come take the place of the present ones."""
        self._unproven = []
        self.leased, self.to_come = leased, to_come
        self._watch()

    # --- at each boundary while there is something to look after -----------------------------------------------------

    def watch_exposed(self) -> None:
        """A value behind a getter and a setter is held, also by a policy: what it is must be read at each boundary."""
        self._session.boundary.watch(self.on_step, _RANK)

    def _watch(self) -> None:
        if self._busy():
            self._session.boundary.watch(self.on_step, _RANK)

    def _busy(self) -> bool:
        exposed = self._session.hyperparameters.holding.exposed_helds()
        return bool(self._unproven or self.leased or self.to_come or exposed)

    def only_looks_at(self, looked_at: Collection[Held]) -> bool:
        """Whether `on_step` has nothing to do but to look at some held values that somebody else looks at."""
        more = self._unproven or self.leased or self.to_come or self._waiting
        return not more and all(held in looked_at for held in self._session.hyperparameters.holding.exposed_helds())

    def on_step(self, step: int) -> None:
        """At each step boundary while there is something to look after."""
        self._session.hyperparameters.holding.look_at_exposed()
        for change in list(self._unproven):
            if change.step is None or step > change.step:
                self._prove(change)
        for change in [one for one in self.leased if one.lease is not None]:
            if not stands(change):
                self.leased.remove(change)
            elif why := change.lease.over(step, lambda: present_loss(self._session)):  # type: ignore[union-attr]
                self.leased.remove(change)
                self._go_back(change, why)
        due = [one for one in self.to_come if (one[0].at or 0) <= step]
        if due:
            self.to_come = [one for one in self.to_come if one not in due]
            for content, author in due:
                self._take_hold(content, author)
        self._waiting = {key: one for key, one in self._waiting.items() if (one[1].step or 0) >= step - 1}
        if not self._busy():
            self._session.boundary.unwatch(self.on_step)

    def _take_hold(self, content: SetHyperparameterContent, author: str) -> None:
        try:
            self.set(content, author)
        except CommandError as error:
            session = self._session
            detail = {"name": full_name(content), "value": content.value}
            session.journal.add(session.step, author, "setHyperparameter", str(error), detail, success=False)

    def _prove(self, change: Change) -> None:
        """An update has been made since: what did it use?"""
        session = self._session
        if change in self._unproven:
            self._unproven.remove(change)
        if change.proven or session.step <= (change.step or 0):
            return
        change.used = session.hyperparameters.used(change.name)
        if change.request is None:
            change.proven, change.applied = True, change.used
            return
        mine = [held for held in change.helds if held.request is change.request]
        if len(mine) < len(change.helds):
            others = {held.request.author for held in change.helds if held.request is not change.request} - {""}
            what = f"{', '.join(sorted(others))} changed it" if others else "it was released"
            change.notes.append(f"{what} before an update used it, and that stands")
            change.proven = True
            return
        change.proven = all(held.updates > 0 for held in mine)
        if any(held.overwritten for held in mine):
            note = f"the update used {change.used} instead: something in the script wrote over it"
            change.notes.append(note)
            detail = {"name": change.name, "requested": change.requested, "used": change.used, "entry": change.entry}
            session.journal.add(
                session.step, change.author, "overwritten", f"{change.name}: {note}", detail, success=False
            )
        elif change.proven:
            change.applied = change.used  # of a factor it is known only now

    def _go_back(self, change: Change, why: str) -> None:
        """A lease is over: what was before the change is again."""
        session = self._session
        hyperparameters = session.hyperparameters
        mine = [
            (held, former)
            for held, former in zip(change.helds, change.former, strict=True)
            if held.request is change.request
        ]
        back: list[Change] = []
        for name, former in grouped(change.name, mine):
            old = hyperparameters[name]
            if former is not None and former.owner == "person":
                request = former._replace(since=session.step)
                one = Change(name, former.mode, former.value, LEASE_AUTHOR, session.step, request=request)
                one.helds = hyperparameters.hold_for(name, request)
                one.former = [None for _ in one.helds]
                self._enter(one, old, "setHyperparameter", why)
            else:
                one = Change(name, "release", None, LEASE_AUTHOR, session.step)
                hyperparameters.let_go(name)
                self._enter(one, old, "releaseHyperparameter", why)
            back.append(one)
        self._tell(back)
