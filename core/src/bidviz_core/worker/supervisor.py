"""The training's handle on the worker: which metrics are there, which snapshot they work on, what became of it."""

from __future__ import annotations

import os
import sys
import threading
import time
import weakref
from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeAlias

import msgspec
from numpy.typing import NDArray

from bidviz_core.errors import MetricError
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.results import is_tensor
from bidviz_core.notices import notice
from bidviz_core.worker.attendant import Attendant, Timing
from bidviz_core.worker.membership import Member, make_member
from bidviz_core.worker.memory import SharedMemory, open_memory
from bidviz_core.worker.messages import Begin, Command, Remove, Run, value_of
from bidviz_core.worker.snapshot import Writer, is_refused, take_apart

#: `(name, step, time, value or None, cost in seconds, failure or None)`, called on the thread `bidviz-worker`.
OnResult: TypeAlias = Callable[[str, int, float, Any, float, "FailureContent | None"], None]

MEMORY_LIMIT = 1024 * 1024 * 1024
TIME_LIMIT = 60.0
GRACE = 5.0


class _Snapshot(NamedTuple):
    """The snapshot that the worker works on."""

    serial: int
    step: int
    time: float


class Worker:
    """Runs metrics over snapshots in a process of its own, and never makes the training wait for it.

    The process is started with the first metric and again whenever it ends before its time; the metric during which it
    ended is set aside. A step whose snapshot comes while the worker is busy is skipped, and counted in `skipped`.

    Args:
        on_result: told of every value and every failure: name, step, time (seconds since the epoch), value (a number, a
            mapping, an array or value type; none for "nothing this time"), cost in seconds, failure or none.
        memory_limit: bytes that metrics may take beside the snapshot and four times its size; 0 for no limit.
        time_limit: seconds that one run of a metric may take.
        grace: seconds after which a metric that does not react to an interruption is killed.
    """

    def __init__(
        self,
        on_result: OnResult,
        *,
        memory_limit: int = MEMORY_LIMIT,
        time_limit: float = TIME_LIMIT,
        grace: float = GRACE,
    ) -> None:
        self.skipped = 0
        #: What each metric printed when it last ran.
        self.printed: dict[str, str] = {}
        self._on_result = on_result
        self._memory_limit = memory_limit
        self._time_limit = time_limit
        self._members: dict[int, Member] = {}  # a new dict with every change, so that readers need no lock
        self._last_number = 0
        self._changing = threading.Lock()
        self._memory = SharedMemory(open_memory())
        self._writer = Writer(self._memory)
        self._attendant = Attendant(self._memory, self, Timing(time_limit, grace))
        self._started = False
        self._closed = False
        self._free = threading.Event()  # cleared by the training thread, set by the attendant
        self._serial = 0
        self._snapshot: _Snapshot | None = None
        self._worker_knows_places = False
        _workers.add(self)

    # --- the set of metrics -------------------------------------------------------------------------------------------

    def add(self, metric: Metric) -> None:
        """Takes a metric in, in place of one of the same name.

        Raises:
            MetricError: it asks for what stays in the training process, or cannot be sent to another one.
        """
        if self._closed:
            raise MetricError(f"The metric {metric.name!r} comes too late: the worker is closed.")
        with self._changing:
            self._last_number += 1
            member = make_member(metric, self._last_number)
            self._without(metric.name)
            self._members = {**self._members, self._last_number: member}
            self._attendant.send(member.order)
            if not self._started:
                self._started = True
                self._attendant.start()
        self._attendant.wake()

    def remove(self, name: str) -> None:
        """Takes a metric out, if it is there; a value that is on its way is dropped."""
        with self._changing:
            self._without(name)
        if self._started:
            self._attendant.wake()

    def _without(self, name: str) -> None:
        for number, member in self._members.items():
            if member.metric.name == name:
                self._members = {key: value for key, value in self._members.items() if key != number}
                self._attendant.send(Remove(number))
                return

    # --- the training thread's steps ----------------------------------------------------------------------------------

    @property
    def busy(self) -> bool:
        """Whether a snapshot would be skipped now: the process works on another one, or has not started yet."""
        return not self._free.is_set()

    def wait(self, timeout: float) -> bool:
        """Waits until a snapshot would not be skipped; for whoever wants every step, and has the time.

        Args:
            timeout: seconds.

        Returns:
            Whether it is so now.
        """
        return self._free.wait(timeout)

    def is_due(self, step: int) -> bool:
        """Whether some metric is due at a step."""
        return any(step % member.metric.every == 0 for member in self._members.values())

    def due(self, step: int) -> frozenset[str]:
        """The arguments that the metrics due at a step ask for."""
        wanted = [member.wanted for member in self._members.values() if step % member.metric.every == 0]
        if len(wanted) == 1:
            return wanted[0]
        return frozenset().union(*wanted) if wanted else _NOTHING

    def wanted(self, step: int) -> frozenset[str]:
        """What to keep ready of the coming step: what is due, or nothing while the worker is busy for longer."""
        snapshot = self._snapshot
        # What it was given a moment ago it may well have finished by then.
        likely = self._free.is_set() or (snapshot is not None and snapshot.step >= step - 1)
        return self.due(step) if likely else _NOTHING

    def activation_patterns(self, step: int) -> tuple[str, ...]:
        """The patterns of modules whose outputs the metrics due at a step ask for."""
        due = (member.metric for member in self._members.values() if step % member.metric.every == 0)
        return tuple({metric.pattern or "*" for metric in due if "activations" in metric.arguments})

    def submit(self, step: int, time: float, arguments: Mapping[str, Any]) -> bool:
        """Copies a step's arguments for the worker, unless it is busy.

        Copying costs what the memory costs (about 20 µs for 400 kB), and some 0.1 ms for a hundred tensors. Tensors on
        another device are cloned there, and fetched by another thread.

        Args:
            step: the step.
            time: seconds since the epoch at its boundary.
            arguments: for each name in `due(step)` its value; `activations` is a mapping of patterns to mappings of
                module names to tensors.

        Returns:
            Whether the worker has the snapshot; false when it was skipped.
        """
        due = {number: member for number, member in self._members.items() if step % member.metric.every == 0}
        if not due:
            return False
        if not self._free.is_set():
            self.skipped += 1
            return False
        try:
            data, parts = take_apart(arguments)
            places, new = self._writer.prepare(parts)
        except MetricError as error:
            self._refuse(due, step, time, arguments, str(error))
            return False
        except OSError as error:
            self._refuse(due, step, time, arguments, f"do not fit into memory for a snapshot: {error}")
            return False
        self._free.clear()
        self._serial += 1
        self._snapshot = _Snapshot(self._serial, step, time)
        known = self._worker_knows_places and not new
        self._worker_knows_places = True
        run = Run(self._serial, step, tuple(due), data, None if known else places, self._writer.size)
        if all(part.is_cpu for part in parts if is_tensor(part)):
            self._writer.write(parts)
            self._attendant.send(run)
        else:
            self._attendant.call(partial(self._fetch, parts, run))
        return True

    def _fetch(self, parts: Sequence[Any], run: Run) -> None:
        self._writer.write(parts)
        self._attendant.send(run)

    def _refuse(
        self, due: Mapping[int, Member], step: int, moment: float, arguments: Mapping[str, Any], why: str
    ) -> None:
        """Sets aside the metrics whose arguments cannot be sent."""
        for number, member in due.items():
            given = {name: arguments[name] for name in member.wanted if name in arguments}
            wrong = [name for name in given if is_refused(name, given[name])] or sorted(given)
            message = f"{member.metric.name}'s argument {', '.join(wrong)} {why}"
            if len(due) == 1 or any(is_refused(name, given[name]) for name in given):
                failure = _failure(member.metric.name, step, message)
                self._attendant.call(partial(self._set_aside, number, step, moment, failure))

    # --- what a person can do -----------------------------------------------------------------------------------------

    def running(self) -> tuple[str, float]:
        """The metric that runs now and for about how many seconds; an empty name when none does."""
        member = self._members.get(self._memory.running()[0])
        return (member.metric.name, self._attendant.seconds()) if member is not None else ("", 0.0)

    def interrupt(self) -> bool:
        """Interrupts the metric that runs now, which is set aside; false when none does."""
        number, run = self._memory.running()
        return bool(number) and self._attendant.interrupt(run)

    def kill(self) -> bool:
        """Ends the process; it is started again, without the metric that was running. False when there is none."""
        return self._attendant.kill("was ended with its process by a person")

    @property
    def pid(self) -> int | None:
        """The process's number, or none when there is no process."""
        process = self._attendant.process
        return process.pid if process is not None else None

    @property
    def output(self) -> str:
        """The end of what the process printed past its metrics' own output (from C, or when it crashed)."""
        process = self._attendant.process
        return process.printed if process is not None else ""

    def close(self, timeout: float = 2.0) -> None:
        """Ends the process, and joins the thread.

        Args:
            timeout: seconds that the worker has to finish the last snapshot.
        """
        if self._closed:
            return
        self._closed = True
        if self._started:
            self._attendant.close(timeout)
        self._free.clear()
        self._members = {}
        self._writer.forget()
        self._memory.close()

    # --- called by the attendant, on its thread -----------------------------------------------------------------------

    def needed(self) -> bool:
        """Whether there are metrics."""
        return bool(self._members)

    def is_working(self) -> bool:
        """Whether the process works on a snapshot."""
        return self._snapshot is not None

    def greeting(self) -> list[Command]:
        """What a new process is told first."""
        self._snapshot = None
        self._worker_knows_places = False
        orders = [member.order for member in self._members.values()]
        return [Begin(list(sys.path), "torch" in sys.modules, self._memory_limit), *orders]

    def answered(self, header: dict[str, Any], buffers: Sequence[NDArray[Any]]) -> None:
        """Takes an answer."""
        match header["type"]:
            case "ready":
                self._free.set()
            case "done" if header["serial"] == self._serial:
                self._snapshot = None
                self._free.set()
            case "result":
                self._take_result(header, buffers)
            case "failed":
                self._take_failure(header)

    def leaving(self) -> None:
        """No snapshot can be taken until the next process is ready."""
        self._free.clear()

    def died(self, number: int, reason: str, printed: str) -> None:
        """The process ended by itself: the metric that ran is to blame."""
        snapshot = self._snapshot or _Snapshot(0, 0, time.time())
        self._snapshot = None
        member = self._members.get(number)
        if member is None:
            notice(f"The worker {reason}; it is started again.")
            return
        message = f"{member.metric.name} {reason}. It was set aside; the worker is started again."
        failure = _failure(member.metric.name, snapshot.step, message, printed, source="worker")
        self._set_aside(number, snapshot.step, snapshot.time, failure)

    def hopeless(self, reason: str, printed: str) -> None:
        """The process does not start."""
        for number, member in self._members.items():
            message = (
                f"{member.metric.name} has no worker to run in: its process does not start ({reason}). "
                "Add it with where='training', or add it again."
            )
            failure = _failure(member.metric.name, 0, message, printed, source="worker")
            self._set_aside(number, 0, time.time(), failure)

    def _take_result(self, header: dict[str, Any], buffers: Sequence[NDArray[Any]]) -> None:
        member, snapshot = self._members.get(header["id"]), self._snapshot
        if member is None or snapshot is None:
            return
        name = member.metric.name
        self.printed[name] = header["printed"]
        self._deliver(name, snapshot.step, snapshot.time, value_of(name, header, buffers), header["cost"], None)

    def _take_failure(self, header: dict[str, Any]) -> None:
        member, snapshot = self._members.get(header["id"]), self._snapshot
        if member is None or snapshot is None:
            return
        name = member.metric.name
        self.printed[name] = header["printed"]
        failure = msgspec.convert(header["failure"], FailureContent)
        if header["interrupted"] and self._attendant.overran == header["run"]:
            late = f"{name} took longer than {self._time_limit:g} s in the worker, so it was interrupted and set aside."
            failure = msgspec.structs.replace(failure, message=late)
        self._set_aside(header["id"], snapshot.step, snapshot.time, failure)

    def _set_aside(self, number: int, step: int, moment: float, failure: FailureContent) -> None:
        with self._changing:
            if number not in self._members:
                return
            self._members = {key: value for key, value in self._members.items() if key != number}
            self._attendant.send(Remove(number))
        self._deliver(failure.name, step, moment, None, 0.0, failure)

    def _deliver(
        self, name: str, step: int, moment: float, value: Any, cost: float, failure: FailureContent | None
    ) -> None:
        try:
            self._on_result(name, step, moment, value, cost, failure)
        except Exception as error:  # noqa: BLE001 - the thread has other metrics to serve
            notice(f"The value of {name} at step {step} was lost: {type(error).__name__}: {error}")

    # --- fork ---------------------------------------------------------------------------------------------------------

    def forget(self) -> None:
        """Lets go of pipes and memory in a forked child, where there is no worker."""
        self._closed = True
        self._free = threading.Event()
        self._members = {}
        self._changing = threading.Lock()
        self._attendant.forget()
        self._writer.forget()
        self._memory.close()


_NOTHING: frozenset[str] = frozenset()
_workers: weakref.WeakSet[Worker] = weakref.WeakSet()


def _forget_in_child() -> None:
    for worker in list(_workers):
        worker.forget()


if hasattr(os, "register_at_fork"):
    os.register_at_fork(after_in_child=_forget_in_child)


def _failure(name: str, step: int, message: str, printed: str = "", source: str = "metric") -> FailureContent:
    return FailureContent(
        source=source, name=name, message=message, step=step, traceback=printed[-8000:], time=time.time()
    )
