"""Values of policies on their way to the run's file: those that change together are recorded in one row."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING

from bidviz_core.policies.armed import Armed

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: So many sets of policies that change together are recorded in rows of their own.
_MOST_ROWS = 32


class Rows:
    """Records values that are in force from a boundary on, so that a replay can apply them.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._known: set[tuple[str, ...]] = set()  # series that were recorded in one row
        #: Targets of policies that are computed before an update and used elsewhere than in it.
        self.exposed: frozenset[str] = frozenset()

    def record(self, changed: Sequence[Armed], values: Sequence[float], late: bool = False) -> None:
        """Records the values of some policies; `late` is before an update."""
        session, now = self._session, time.time()
        names = None if late and self.exposed else self._row(changed)
        if names is not None:
            session.recorder.scalars(session.step, now, names, values)
            return
        for one, value in zip(changed, values, strict=True):
            # The forward pass was made without it: as for the next one, it might have come at the boundary to come.
            step = session.step + (late and one.target in self.exposed)
            session.recorder.scalars(step, now, one.names, (value,))

    def recording(self, policies: Sequence[Armed], late: bool) -> Callable[[int, list[float], float], None]:
        """What records changes of policies that are computed together: called with a bit for each that has changed,
        the values of those, and the moment."""
        boundary, recorder = self._session.boundary, self._session.recorder
        rows: dict[int, tuple[str, ...]] = {}

        def record(which: int, values: list[float], moment: float) -> None:
            names = rows.get(which)
            if names is not None:
                recorder.numbers(boundary.step, moment, names, values)
                return
            changed = [one for number, one in enumerate(policies) if which >> number & 1]
            self.record(changed, values, late)
            if not (late and self.exposed) and (row := self._row(changed)) is not None:
                rows[which] = row

        return record

    def _row(self, changed: Sequence[Armed]) -> tuple[str, ...] | None:
        """The series of a row; none where too many sets come together by chance to have rows of their own."""
        names = tuple([one.series for one in changed])
        if names not in self._known and len(self._known) >= _MOST_ROWS:
            return None
        self._known.add(names)
        return names
