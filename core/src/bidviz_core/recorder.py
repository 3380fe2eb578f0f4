"""Takes values from the script and from metrics, and hands them to the pump: the hottest few lines of all."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from threading import get_ident
from time import time
from typing import TYPE_CHECKING, Any

import numpy as np

from bidviz_core.channel import Channel, PendingRecord
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.results import Results, take_results
from bidviz_core.metrics.series import SeriesView
from bidviz_core.ring import Ring

if TYPE_CHECKING:
    from bidviz_core.boundary import Boundary
    from bidviz_core.session import Session


#: What numbers add up to that can be packed as they are.
_PLAIN = frozenset({float, np.float64, np.float32})


class Recorder:
    """Publishes scalars and arrays on the channel of a session.

    Args:
        session: the session.
    """

    boundary: Boundary

    def __init__(self, session: Session) -> None:
        self._session = session
        self._channel = session.channel
        self._pulse = session.channel.pulse
        self._series = SeriesView()
        self._ring = Ring(())  # of the names that were logged last

    def attach(self, boundary: Boundary, series: SeriesView) -> None:
        """Takes the parts of the session that are made after this one."""
        self.boundary = boundary
        self._series = series

    def divert(self) -> tuple[Channel, Ring, SeriesView]:
        """Has what is recorded from here on go nowhere, until what this gives is handed to `resume`."""
        kept = self._channel, self._ring, self._series
        self._channel, self._ring, self._series = Channel(), Ring(()), SeriesView()
        return kept

    def resume(self, kept: tuple[Channel, Ring, SeriesView]) -> None:
        """Records again."""
        self._channel, self._ring, self._series = kept

    def log(self, name: str | Mapping[str, Any], value: Any = None) -> None:
        """Records what the script computed; see `Session.log`."""
        pulse = self._pulse
        if pulse.logs:
            step = pulse.step
            if pulse.in_step or pulse.unsure or pulse.sequence() != pulse.at:
                begun = self.boundary.learner.begun
                step += 1 if begun is None else begun()
        else:
            step = self.boundary.first_log()
        values: Collection[Any]
        if type(name) is dict:
            names, values = tuple(name), name.values()
        elif type(name) is str:
            names, values = (name,), (value,)
        else:
            self._log_slowly(name if isinstance(name, Mapping) else {name: value}, step)
            return
        try:
            # A sum is a float, or numpy's, only where all are numbers: nothing asks it cheaper.
            plain = type(sum(values)) in _PLAIN
        except (TypeError, OverflowError):
            plain = False
        if not plain:
            self._log_slowly(dict(zip(names, values, strict=True)), step)
        elif get_ident() != pulse.thread:
            self._channel.publish_row(step, time(), names, tuple(map(float, values)))
        else:
            ring = self._ring  # what follows is `Ring.put`, written out: it saves a call
            at = ring.written
            if names == ring.names and at - ring.read < ring.rows and not self._series.watched:
                pack, memory, rows, size = ring.packing
                pack(memory, at % rows * size, step, time(), *values)
                ring.written = at + 1
            else:
                self.numbers(step, time(), names, tuple(map(float, values)))
                self._ring = self._channel.ring(names) or ring

    def numbers(self, step: int, moment: float, names: tuple[str, ...], values: Sequence[float]) -> None:
        """Hands plain numbers of one step to the pump; for the training thread alone."""
        self._channel.publish_numbers(step, moment, names, values)
        if self._series.watched:
            self._series.take(names, values)

    def _log_slowly(self, values: Mapping[str, Any], step: int) -> None:
        """Whatever is not a mapping of plain floats: numbers of one row stay together all the same."""
        moment = time()
        names: list[str] = []
        numbers: list[Any] = []
        for name, value in values.items():
            try:
                results = take_results(str(name), value)
            except Exception as error:  # noqa: BLE001 - nothing that is logged may stop the loop; it is told
                wrong = str(error).removeprefix("returned ")
                message = f"session.log({name!r}, …) got {wrong}. The value was not recorded."
                failure = FailureContent(source="log", name=str(name), message=message, step=step, time=moment)
                self._session.fail_once(failure)
                continue
            names += results.names
            numbers += results.values
            self.arrays(results, step, moment)
        if names:
            self.scalars(step, moment, tuple(names), numbers)

    def scalars(self, step: int, moment: float, names: tuple[str, ...], values: Any) -> None:
        """Hands scalars of one step to the pump, and to metrics that look at other series."""
        self._channel.publish(step, moment, names, values)
        if self._series.watched:
            self._series.take(names, values)

    def arrays(self, results: Results, step: int, moment: float) -> None:
        """Hands array values to the pump."""
        for name, value, size in results.arrays:
            self._channel.publish_array(PendingRecord(name, step, moment, value, size))

    def results(self, results: Results, step: int, moment: float) -> None:
        """Hands over what a metric gave."""
        if results.names:
            self.scalars(step, moment, results.names, results.values)
        self.arrays(results, step, moment)
