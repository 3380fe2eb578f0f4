"""`session.model_changes`: changes of the model, each in the journal, with undo from a kept copy."""

from __future__ import annotations

import secrets
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any, NamedTuple

from msgspec import Struct

from bidviz_core.control.reply import Reply
from bidviz_core.errors import CommandError
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.replaying.gathering import path_taken

if TYPE_CHECKING:
    from bidviz_core.model_changes.kept import Kept
    from bidviz_core.session import Session

#: Bytes of all kept copies together; the oldest go first.
LIMIT_BYTES = 1 << 30


class ModelChange(Struct, frozen=True, kw_only=True):
    """A change of the model.

    Args:
        number: of its entry in the journal.
        step: the step boundary at which it was made.
        action: `"freeze"`, `"unfreeze"`, `"initialize"`, `"scale"`, `"clip"` or `"reset_state"`.
        pattern: of the parameters' names.
        value: the factor or the bound, where the action has one.
        seed: of the random numbers, where it draws some.
        names: the parameters that it changed.
        author: who made it.
        size: bytes of the kept copy.
        undo: empty while it can be undone, or why not.
    """

    number: int
    step: int
    action: str
    pattern: str
    value: float | None = None
    seed: int | None = None
    names: tuple[str, ...] = ()
    author: str = ""
    size: int = 0
    undo: str = ""


class _Frozen(NamedTuple):
    """Parameters that were frozen, and a checksum of each: nobody may change them from here on."""

    number: int
    sums: dict[str, int]


class ModelChanges:
    """Changes the model of a session at step boundaries; iterating gives a `ModelChange` for each, oldest first.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._changes: dict[int, ModelChange] = {}
        self._kept: dict[int, Kept] = {}
        self._frozen: list[_Frozen] = []
        #: Bytes of all kept copies together; the oldest go first.
        self.limit_bytes = LIMIT_BYTES

    def apply(
        self, action: str, pattern: str, value: float | None = None, seed: int | None = None, author: str = "script"
    ) -> Reply:
        """Makes a change: at once on the training thread, at the next step boundary otherwise.

        Args:
            action: `"freeze"`, `"unfreeze"`, `"initialize"`, `"scale"` (by `value`), `"clip"` (to ±`value`) or
                `"reset_state"` (of the optimizers).
            pattern: a parameter's qualified name, a module's, or one with `*` in it.
            value: the factor or the bound.
            seed: of `initialize`; one is drawn, and told in the journal, where none is given.
            author: who makes it, for the journal.

        Returns:
            `{number, names, note}` with the number of the journal's entry, or why nothing was changed.
        """
        return self._at_boundary(lambda: self._apply(action, pattern, value, seed, author))

    def undo(self, number: int, author: str = "script") -> Reply:
        """Puts back what a change replaced: weights, `requires_grad` and the optimizers' state, to the bit.

        Args:
            number: of the change's entry in the journal.
            author: who undoes it, for the journal.
        """
        return self._at_boundary(lambda: self._undo(number, author))

    def parameters(self) -> list[dict[str, Any]]:
        """The model's parameters: `name`, `shape`, `trained`, `updated` (by an optimizer) and `type`."""
        from bidviz_core.model_changes.actions import describe

        learner = self._session.learner
        return describe(learner.model, learner.optimizers)

    def __iter__(self) -> Iterator[ModelChange]:
        return iter(list(self._changes.values()))

    def __len__(self) -> int:
        return len(self._changes)

    def __getitem__(self, number: int) -> ModelChange:
        return self._changes[number]

    def forget(self) -> None:
        """The run goes on as another one: the numbers of the old journal mean nothing any more."""
        self._changes.clear()
        self._kept.clear()
        self._frozen.clear()

    # --- inside ------------------------------------------------------------------------------------------------------

    def _at_boundary(self, work: Any) -> Reply:
        session = self._session
        if session.closed:
            return Reply(False, "The run has ended.")
        if session.dispatcher.no_steering:
            return Reply(False, session.dispatcher.no_steering)

        def fenced() -> Reply:
            try:
                return work()  # type: ignore[no-any-return]
            except CommandError as error:
                return Reply(False, str(error))

        reply: Reply = session.boundary.call(fenced)
        return reply

    def _apply(self, action: str, pattern: str, value: float | None, seed: int | None, author: str) -> Reply:
        from bidviz_core.model_changes.actions import perform

        session, learner = self._session, self._session.learner
        number = float(value) if value is not None and action in ("scale", "clip") else None
        if action == "initialize" and seed is None:
            seed = secrets.randbits(32)  # not from a generator that the training draws from
        done = perform(learner.model, learner.optimizers, action, pattern, number, seed or 0, self.limit_bytes)
        notes = list(done.notes)
        dropped: list[int] = []
        if done.kept is None:
            most = _bytes(self.limit_bytes)
            notes.append(f"It cannot be undone: a copy takes {_bytes(done.size)}, and at most {most} are kept.")
        else:
            dropped = self._make_room(done.size)
            if dropped:
                notes.append(f"To make room for its copy, undo of {_entries(dropped)} is no longer possible.")
        names = [one.name for one in done.parameters]
        detail: dict[str, Any] = {
            "action": action,
            "pattern": pattern,
            "value": number,
            "seed": seed if action == "initialize" else None,
            "names": names,
            "shapes": [list(one.tensor.shape) for one in done.parameters],
            "note": " ".join(notes),
            "undo": done.kept is not None,
            "dropped": dropped,
        }
        entry = session.journal.add(session.step, author, "changeModel", done.summary, detail)
        if done.kept is not None:
            self._kept[entry.number] = done.kept
        self._changes[entry.number] = ModelChange(
            number=entry.number,
            step=session.step,
            action=action,
            pattern=pattern,
            value=number,
            seed=detail["seed"],
            names=tuple(names),
            author=author,
            size=done.size if done.kept is not None else 0,
            undo="" if done.kept is not None else notes[-1],
        )
        self._after(entry.number, action, names)
        answer = {"number": entry.number, "names": names, "note": detail["note"]}
        return Reply(True, answer, session.step)

    def _undo(self, number: int, author: str) -> Reply:
        from bidviz_core.model_changes.actions import present_tensors
        from bidviz_core.model_changes.kept import put_back

        session, learner = self._session, self._session.learner
        change = self._changes.get(number)
        if change is None:
            raise CommandError(f"Entry {number} of the journal is no change of the model in this session.")
        if change.undo:
            raise CommandError(f"Entry {number} cannot be undone: {change.undo}")
        on_path = {entry.number for entry in path_taken(list(session.journal))[0]}
        if number not in on_path:
            raise CommandError(f"The run went back to before entry {number}, which undid it already.")
        later = [
            one.number
            for one in self._changes.values()
            if one.number > number and one.number in on_path and not one.undo and set(one.names) & set(change.names)
        ]
        if later:
            raise CommandError(f"The same parameters were changed after that: undo {_entries(later[::-1])} first.")
        put_back(self._kept[number], present_tensors(learner.model, learner.optimizers))
        del self._kept[number]
        self._set_undo(number, "It was undone already.")
        words = f"undid entry {number}: {change.action} {change.pattern}"
        detail = {"number": number, "action": change.action, "pattern": change.pattern, "names": list(change.names)}
        session.journal.add(session.step, author, "undoModelChange", words, detail)
        self._after(number, "unfreeze" if change.action == "freeze" else "undo", list(change.names))
        return Reply(True, "", session.step)

    def _make_room(self, size: int) -> list[int]:
        """Drops the oldest copies until another of this size fits."""
        dropped: list[int] = []
        while self._kept and sum(one.size for one in self._kept.values()) + size > self.limit_bytes:
            oldest = min(self._kept)
            del self._kept[oldest]
            self._set_undo(oldest, "Its copy was dropped to make room for newer ones.")
            dropped.append(oldest)
        return dropped

    def _set_undo(self, number: int, words: str) -> None:
        change = self._changes[number]
        self._changes[number] = ModelChange(**{**_fields(change), "undo": words, "size": 0})

    def _after(self, number: int, action: str, names: list[str]) -> None:
        """What else has to know of a change: the learner's lists of what is trained, the watch over what is frozen."""
        session = self._session
        session.learner.renew()
        session.renew_catalogue()
        self._frozen = [
            _Frozen(one.number, left)
            for one in self._frozen
            if (left := {name: value for name, value in one.sums.items() if name not in names})
        ]
        if action == "freeze":
            self._frozen.append(_Frozen(number, self._sums(names)))
            session.boundary.watch(self._check_frozen)

    def _sums(self, names: list[str]) -> dict[str, int]:
        from bidviz_core.model_changes.actions import checksums

        learner = self._session.learner
        return checksums(learner.model, learner.optimizers, names)

    def _check_frozen(self, step: int) -> None:
        """At the boundary after the next update: whether what was frozen stood still, then looks no more."""
        session = self._session
        waiting = [one for one in self._frozen if self._changes[one.number].step >= step]
        for number, sums in self._frozen:
            now = self._sums(list(sums)) if self._changes[number].step < step else {}
            moved = [name for name, value in sums.items() if now.get(name, value) != value]
            if moved:
                message = (
                    f"{', '.join(moved[:5])} changed in step {step} although entry {number} froze it: its optimizer "
                    "updates parameters that have no gradient, or the script writes to it."
                )
                session.fail(FailureContent(source="model", name=f"freeze {number}", message=message, step=step))
        self._frozen = waiting
        if not waiting:
            session.boundary.unwatch(self._check_frozen)


def _fields(change: ModelChange) -> dict[str, Any]:
    return {name: getattr(change, name) for name in change.__struct_fields__}


def _entries(numbers: list[int]) -> str:
    return f"entr{'y' if len(numbers) == 1 else 'ies'} {', '.join(map(str, numbers))}"


def _bytes(count: float) -> str:
    for unit in ("B", "kB", "MB"):
        if count < 1000:
            return f"{count:.3g} {unit}"
        count /= 1000
    return f"{count:.3g} GB"
