"""`bidviz.replay`: does again, at the same step boundaries, what was done to another run."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING

from bidviz_core.errors import BidvizError
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.replaying.file import ReplayEntry, ReplayFile, read_file
from bidviz_core.replaying.orders import CannotReplay, carry_out, ends_policy, policy_mode, same_thing, to_skip

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: Before everything else that watches step boundaries, as the orders were that it takes the place of.
_RANK = -1000


class Replay:
    """A plugin that does a journal again: `watch(model, optimizer, plugins=[replay])`.

    Args:
        file: what was exported.
        console: whether console lines are run, which are code.
        metrics: whether metrics are added.
        script: whether to do again what the script itself did.
    """

    def __init__(self, file: ReplayFile, *, console: bool = False, metrics: bool = False, script: bool = True) -> None:
        self.file = file
        #: How many entries were done again.
        self.done = 0
        #: What could not be done as it was, one sentence each.
        self.problems: list[str] = []
        #: The numbers of entries in this run by those in the one before.
        self.numbers: dict[int, int] = {}
        self._entries: dict[int, list[ReplayEntry]] = defaultdict(list)
        #: Those done in a pause before an update: between its gradients and itself.
        self._before_updates: dict[int, list[ReplayEntry]] = defaultdict(list)
        left_to_script = set()
        for entry in file.entries:
            if not to_skip(entry, console=console, metrics=metrics, script=script):
                place = self._before_updates if entry.detail.get("before_update") else self._entries
                place[entry.step].append(entry)
            elif entry.action == "armPolicy":
                left_to_script.add(entry.detail.get("target"))
        self._values: dict[int, list[tuple[str, float]]] = defaultdict(list)
        for values in file.values:
            for step, value in zip(values.steps, values.values, strict=True):
                if values.name not in left_to_script:
                    self._values[step].append((values.name, value))
        self._total = sum(map(len, [*self._entries.values(), *self._before_updates.values()]))
        if self._before_updates:  # only then is the hook there: it costs each update a call

            @hookimpl
            def gradients_ready(session: Session) -> None:
                self._do_all(session, self._before_updates.pop(session.step, ()))

            self.gradients_ready = gradients_ready
        self._modes: dict[str, str] = {}
        self._session: Session | None = None

    @hookimpl
    def register_hyperparameters(self, session: Session) -> None:
        """The plugin is loaded: what was done before the first step is done now, the rest at its step."""
        self._session = session
        words = f"replays {self._total} entries of {self.file.name} ({self.file.run})"
        session.journal.add(session.step, "bidviz", "replay", words, {"run": self.file.run, "name": self.file.name})
        missed = sum(len(entries) for step, entries in self._entries.items() if step < session.step)
        if missed:
            self._tell(
                f"{missed} entries belong to steps before {session.step}, which are over: give the replay to "
                "watch(plugins=[…]), before the first step."
            )
        if self.file.begins_at > session.step:
            self._tell(
                f"It went on from a checkpoint of {self.file.parent} at step {self.file.begins_at}, which this run has "
                "not: restore that checkpoint, then session.plugins.register(bidviz.replay(path), name='replay')."
            )
        session.boundary.watch(self._at, _RANK)
        self._at(session.step)

    @hookimpl
    def run_ended(self, session: Session) -> None:
        """Says what was never reached."""
        left = [entry for step, entries in self._entries.items() if step > session.step for entry in entries]
        if left:
            first = min(entry.step for entry in left)
            self._tell(
                f"The run ended at step {session.step}, before {len(left)} of {self._total} entries, the first of "
                f"which belongs to step {first}: train for at least {self.file.last_step} steps."
            )

    def _at(self, step: int) -> None:
        session = self._session
        assert session is not None
        self._do_all(session, self._entries.pop(step, ()))
        for name, value in self._values.pop(step, ()):
            self._hold(session, name, value)
        if not self._entries and not self._values:
            session.boundary.unwatch(self._at)

    def _do_all(self, session: Session, entries: Iterable[ReplayEntry]) -> None:
        """Does the entries of one step; what a console line did itself stands before it, and is not done twice."""
        waiting: list[ReplayEntry] = []
        for entry in entries:
            if entry.author == "script" and entry.kind != "console":
                waiting.append(entry)
                continue
            if entry.kind != "console":
                self._do_each(session, waiting)
                waiting = []
            before = len(session.journal)
            self._do(session, entry)
            if entry.kind == "console":
                waiting = self._left_by_line(session, waiting, before)
        self._do_each(session, waiting)

    def _left_by_line(self, session: Session, waiting: list[ReplayEntry], before: int) -> list[ReplayEntry]:
        """The entries that a console line has not just made itself."""
        made = list(session.journal)[before:]
        left = []
        for entry in waiting:
            again = next((one for one in made if same_thing(entry, one)), None)
            if again is None:
                left.append(entry)
            else:
                made.remove(again)
                self.numbers[entry.number] = again.number
                self.done += 1
        return left

    def _do_each(self, session: Session, entries: Iterable[ReplayEntry]) -> None:
        for entry in entries:
            self._do(session, entry)

    def _do(self, session: Session, entry: ReplayEntry) -> None:
        try:
            if ended := ends_policy(entry):
                session.hyperparameters.drop(ended)
            elif (armed := policy_mode(entry)) is not None:
                self._modes[armed[0]] = armed[1]
            else:
                carry_out(session, entry, self.numbers)
            self.done += 1
        except (CannotReplay, BidvizError) as problem:
            self._tell(f"Entry {entry.number} ({entry.summary}) was not done at step {entry.step}: {problem}")

    def _hold(self, session: Session, name: str, value: float) -> None:
        held = session.hyperparameters
        try:
            if held.owner(name) != "person":
                held.hold(name, value, self._modes.get(name, "override"))
        except BidvizError as error:
            self._tell(f"The values of a policy for {name} are not applied from step {session.step} on: {error}")
            left = {step: [one for one in values if one[0] != name] for step, values in self._values.items()}
            self._values = defaultdict(list, left)  # one sentence is enough

    def _tell(self, problem: str) -> None:
        self.problems.append(problem)
        session = self._session
        assert session is not None
        session.fail(
            FailureContent(
                source="replay",
                name=f"{self.file.name} {len(self.problems)}",
                message=f"Replay of {self.file.name}: {problem}",
                step=session.step,
            )
        )

    def __repr__(self) -> str:
        return f"<replay of {self.file.name}: {self.done} of {self._total} entries done>"


def replay(
    path: str | os.PathLike[str], *, console: bool = False, metrics: bool = False, script: bool = True
) -> Replay:
    """What was done to another run, to be done again: `watch(model, optimizer, plugins=[bidviz.replay(path)])`.

    Each entry is done at the step boundary at which it took hold. Policies are not armed again: the values they gave
    are applied. What cannot be done is told, and the training goes on.

    Args:
        path: a file that `session.journal.export(path)` wrote.
        console: run console lines as well. They are code: do that with files you trust.
        metrics: add metrics as well, which are code too.
        script: do again what the script itself did; false where the script of this run does it by itself.

    Raises:
        StoreError: the file cannot be read.
    """
    return Replay(read_file(Path(path).expanduser()), console=console, metrics=metrics, script=script)
