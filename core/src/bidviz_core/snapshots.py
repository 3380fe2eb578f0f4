"""The session's side of the worker: which tensors it is given, and what becomes of its answers."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING, Any

from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.failure import NotYet
from bidviz_core.metrics.results import take_results

if TYPE_CHECKING:
    from bidviz_core.session import Session
    from bidviz_core.worker import Worker


class Snapshots:
    """Gives the worker what its metrics name, when they are due; starts it with the first such metric.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self.worker: Worker | None = None

    def change(self, metric: Metric, joins: bool) -> None:
        """A metric joins the worker, or leaves it."""
        if self.worker is None and joins:
            from bidviz_core.worker import Worker

            self.worker = Worker(self._result)
        if self.worker is not None and joins:
            self.worker.add(metric)
        elif self.worker is not None:
            self.worker.remove(metric.name)

    def wanted(self, step: int) -> frozenset[str]:
        """The arguments that the worker's metrics need of a step; nothing while the worker is busy."""
        return self.worker.wanted(step) if self.worker is not None else frozenset()

    def activation_patterns(self, step: int) -> tuple[str, ...]:
        """The patterns of modules whose outputs the worker's metrics need of a step."""
        return self.worker.activation_patterns(step) if self.worker is not None else ()

    def submit(self, step: int, moment: float) -> None:
        """Copies what is due for the worker; it is skipped while the worker is busy."""
        worker = self.worker
        if worker is None or not worker.is_due(step):
            return
        if worker.busy:
            worker.skipped += 1
            return
        sources = self._session.engine.sources
        arguments: dict[str, Any] = {}
        for name in worker.due(step):
            try:
                if name == "series":
                    arguments[name] = self._session.engine.series
                elif name == "activations":
                    arguments[name] = {pattern: sources[name](pattern) for pattern in worker.activation_patterns(step)}
                else:
                    arguments[name] = sources[name]()
            except NotYet:
                return  # the next step has it
            except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
                self._refuse(name, step, error)
                return
        worker.submit(step, moment, arguments)

    def interrupt(self) -> str:
        """Interrupts the worker's metric; gives a name for it, or an empty text."""
        if self.worker is None:
            return ""
        name, _ = self.worker.running()
        return name if self.worker.interrupt() else ""

    def close(self) -> None:
        """Ends the worker."""
        if self.worker is not None:
            self.worker.close()

    def _refuse(self, argument: str, step: int, error: Exception) -> None:
        engine = self._session.engine
        for name, slot in list(engine.slots.items()):
            if slot.enabled and slot.metric.where == "worker" and argument in slot.metric.arguments:
                message = f"{name} cannot have {argument}: {error}"
                failure = FailureContent(source="metric", name=name, message=message, step=step, time=time.time())
                self.change(slot.metric, False)
                engine.fail(name, failure)

    def _result(
        self, name: str, step: int, moment: float, value: Any, cost_seconds: float, failure: FailureContent | None
    ) -> None:
        """Takes what the worker gave; called on the worker's own thread."""
        session = self._session
        slot = session.engine.slots.get(name)
        if slot is None:
            return
        if failure is None:
            try:
                results = take_results(name, value)
            except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
                failure = FailureContent(
                    source="metric", name=name, message=f"{name} {error}", step=step, time=time.time()
                )
        if failure is not None:
            session.engine.fail(name, failure)
            return
        slot.charge(cost_seconds)
        for series in (*results.names, *(series for series, _, _ in results.arrays)):
            if series not in slot.series:
                slot.series[series] = None
                session.renew_catalogue()
        session.recorder.results(results, step, moment)
