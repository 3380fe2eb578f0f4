"""Takes values from the script and from metrics, and hands them to the pump: the hottest few lines of all."""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from bidviz_core.channel import PendingRecord
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.results import Results, take_results

if TYPE_CHECKING:
    from bidviz_core.boundary import Boundary
    from bidviz_core.session import Session


class Recorder:
    """Publishes scalars and arrays on the channel of a session.

    Args:
        session: the session.
    """

    boundary: Boundary

    def __init__(self, session: Session) -> None:
        self._session = session
        self._channel = session.channel

    def log(self, name: str | Mapping[str, Any], value: Any) -> None:
        """Records what the script computed; see `Session.log`."""
        boundary = self.boundary
        if boundary.logs:
            learner = self._session.learner
            step = boundary.step + 1 if learner.in_step else boundary.step
        else:
            step = boundary.first_log()
        if type(name) is dict:
            values = tuple(name.values())
            for one in values:
                if type(one) is not float:
                    self._log_slowly(name, step)
                    return
            self.scalars(step, time.time(), tuple(name), values)
        elif type(value) is float and type(name) is str:
            self.scalars(step, time.time(), (name,), (value,))
        else:
            self._log_slowly(name if isinstance(name, Mapping) else {name: value}, step)

    def _log_slowly(self, values: Mapping[str, Any], step: int) -> None:
        """Whatever is not a mapping of plain floats: numbers of one row stay together all the same."""
        moment = time.time()
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
        series = self._session.engine.series
        if series.watched:
            series.take(names, values)

    def arrays(self, results: Results, step: int, moment: float) -> None:
        """Hands array values to the pump."""
        for name, value, size in results.arrays:
            self._channel.publish_array(PendingRecord(name, step, moment, value, size))

    def results(self, results: Results, step: int, moment: float) -> None:
        """Hands over what a metric gave."""
        if results.names:
            self.scalars(step, moment, results.names, results.values)
        self.arrays(results, step, moment)
