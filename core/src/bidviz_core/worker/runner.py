"""The worker process: runs metrics over snapshots, one after the other, and sends back what they give."""

from __future__ import annotations

import contextlib
import linecache
import os
import pickle
import signal
import sys
import time
from collections.abc import Callable, Mapping
from typing import Any

import msgspec
import numpy as np

from bidviz_core.errors import MetricError
from bidviz_core.metrics.definition import Metric
from bidviz_core.metrics.failure import describe_failure
from bidviz_core.metrics.interrupt import MetricInterrupted
from bidviz_core.metrics.printing import PrintCatcher
from bidviz_core.metrics.results import Results, take_results
from bidviz_core.metrics.source import compile_metric
from bidviz_core.transfer import to_host, to_host_scalars
from bidviz_core.values import to_parts
from bidviz_core.worker.limits import MemoryLimit, end_with_parent, finished, step_back
from bidviz_core.worker.memory import SharedMemory
from bidviz_core.worker.messages import Add, Begin, Remove, Run, pack_answer, read_commands
from bidviz_core.worker.snapshot import Reader


class _Member:
    """A metric with a state of its own, or the reason why there is none."""

    def __init__(self, metric: Metric, modules: str | None, error: BaseException | None = None) -> None:
        self.metric = metric
        self.modules = modules or "*"
        self.error = error
        self.state: dict[str, Any] = {}


class Runner:
    """Serves the training's commands.

    Args:
        answers: the descriptor of the pipe to the training.
        memory: the shared memory.
    """

    def __init__(self, answers: int, memory: SharedMemory) -> None:
        self._answers = answers
        self._memory = memory
        self._reader = Reader(memory)
        self._members: dict[int, _Member] = {}
        self._catcher = PrintCatcher()
        self._limit = MemoryLimit(0)
        self._interruptible = False
        signal.signal(signal.SIGINT, self._interrupted)

    def _interrupted(self, _number: int, _frame: Any) -> None:
        # A signal that comes too late must not hit the next metric.
        if self._interruptible and self._memory.is_to_interrupt():
            self._interruptible = False
            raise MetricInterrupted

    def serve(self, command: Any) -> None:
        """Does what a command says."""
        match command:
            case Begin():
                self._begin(command)
            case Add():
                self._members[command.id] = _member(command)
            case Remove():
                self._members.pop(command.id, None)
            case Run():
                self._run_all(command)

    def _begin(self, begin: Begin) -> None:
        sys.path[:] = begin.sys_path
        if begin.with_torch:
            import torch

            torch.set_num_threads(1)
        self._limit = MemoryLimit(begin.memory_limit)
        self._send({"type": "ready"})

    def _run_all(self, run: Run) -> None:
        if not self._reader.knows(run.places):
            # It was meant for a process that has ended; the training skipped a step without knowing.
            self._send({"type": "done", "serial": run.serial})
            return
        arguments: Mapping[str, Any] | None = None
        error: Exception | None = None
        try:
            self._limit.allow(run.size)
            arguments = self._reader.read(run.data, run.places, run.size)
        except Exception as caught:  # noqa: BLE001 - a class that cannot be imported here, or no memory: reported below
            error = caught
        for number in run.metrics:
            member = self._members.get(number)
            if member is None:
                continue
            if arguments is None:
                reason = f"cannot be given its arguments in the worker: {type(error).__name__}: {error}"
                self._failed(number, member, run, MetricError(reason))
            else:
                self._run(number, member, run, arguments)
        self._send({"type": "done", "serial": run.serial})

    def _run(self, number: int, member: _Member, run: Run, arguments: Mapping[str, Any]) -> None:
        printed = ""
        began = time.perf_counter()
        # Said until the answer is sent: should the process end before, this metric is to blame.
        self._memory.say_running(number)
        try:
            if member.error is not None:
                raise member.error
            given = [_argument(name, member, arguments) for name in member.metric.arguments]
            self._catcher.start()
            try:
                results = take_results(member.metric.name, self._call(member.metric, given))
            finally:
                printed = self._catcher.stop()
            header, buffers = _packed(results)
        except BaseException as error:  # noqa: BLE001 - whatever a metric raises, the next one is to run
            self._failed(number, member, run, error, printed)
            self._memory.say_running(0)
            return
        cost = time.perf_counter() - began
        about = {"type": "result", "serial": run.serial, "id": number, "cost": cost}
        self._send({**about, "printed": printed, **header}, buffers)
        self._memory.say_running(0)

    def _call(self, metric: Metric, given: list[Any]) -> Any:
        with _no_gradients():
            try:
                self._interruptible = True
                return metric.function(*given)
            finally:
                self._interruptible = False

    def _failed(self, number: int, member: _Member, run: Run, error: BaseException, printed: str = "") -> None:
        self._members.pop(number, None)
        if _is_out_of_memory(error):
            error = MemoryError(str(error)).with_traceback(error.__traceback__)
        failure = describe_failure(member.metric, run.step, error)
        about = {"type": "failed", "serial": run.serial, "id": number, "run": self._memory.running()[1]}
        interrupted = isinstance(error, MetricInterrupted)
        told = msgspec.to_builtins(failure)
        self._send({**about, "printed": printed, "interrupted": interrupted, "failure": told})

    def _send(self, header: Mapping[str, Any], buffers: list[Any] | None = None) -> None:
        data = memoryview(pack_answer(header, buffers or []))
        while data:
            data = data[os.write(self._answers, data) :]


def _member(order: Add) -> _Member:
    # A traceback is to show the lines as the person wrote them.
    filename = f"<metric {order.name}>"
    sys.path[:0] = [folder for folder in order.search if folder not in sys.path]
    linecache.cache[filename] = (len(order.code), None, order.code.splitlines(True), filename)
    try:
        if order.how == "source":
            metric = compile_metric(order.payload.decode(), name=order.name, where="worker")
        else:
            function: Callable[..., Any] = pickle.loads(order.payload)
            metric = Metric(order.name, function, order.arguments, where="worker", code=order.code)
    except BaseException as error:  # noqa: BLE001 - an import may raise anything; it is told when the metric is due
        metric = Metric(order.name, _nothing, order.arguments, where="worker", code=order.code)
        reason = MetricError(f"cannot be loaded in the worker: {type(error).__name__}: {error}")
        return _Member(metric, order.modules, reason)
    return _Member(metric, order.modules)


def _nothing() -> None:
    return None


def _argument(name: str, member: _Member, arguments: Mapping[str, Any]) -> Any:
    if name == "state":
        return member.state
    if name == "activations":
        return arguments[name][member.modules]
    return arguments[name]


def _no_gradients() -> contextlib.AbstractContextManager[Any]:
    torch = sys.modules.get("torch")
    return torch.no_grad() if torch is not None else contextlib.nullcontext()


def _is_out_of_memory(error: BaseException) -> bool:
    # torch's own allocator on the CPU raises a plain RuntimeError.
    return isinstance(error, RuntimeError) and "allocate memory" in str(error)


def _packed(results: Results) -> tuple[dict[str, Any], list[Any]]:
    """Results in the wire form: scalars in the first buffer, then the buffers of each array."""
    buffers: list[Any] = [np.empty(0)]
    if results.names:
        buffers[0] = to_host_scalars([results.values], len(results.names))[:, 0]
    arrays = []
    for series, value, _ in results.arrays:
        header, parts = to_parts(to_host(value))
        arrays.append({"name": series, "value": header, "at": len(buffers), "count": len(parts)})
        buffers += parts
    return {"names": list(results.names), "arrays": arrays}, buffers


def serve(commands: int, answers: int, memory: int) -> None:
    """Serves commands until the training closes its end.

    Args:
        commands: the descriptor that commands come from.
        answers: the descriptor that answers go to.
        memory: the descriptor of the shared memory.
    """
    runner = Runner(answers, SharedMemory(memory))
    end_with_parent(commands)
    step_back()
    for command in read_commands(commands):
        runner.serve(command)
    finished.set()
