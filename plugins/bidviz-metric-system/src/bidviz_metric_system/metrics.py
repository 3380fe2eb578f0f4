"""The metrics: what is measured, how often."""

from __future__ import annotations

import math
from time import perf_counter
from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_system import charts, gpus, machine

if TYPE_CHECKING:
    from bidviz_core.learners.phases import PhaseTimes

#: Seconds between two questions to the operating system or a GPU; each takes some ten microseconds.
SAMPLE_AFTER = 1.0


class Reading:
    """The last reading of a clock or a counter: it means nothing in another process, nor after going back to a
    checkpoint, so a checkpoint keeps it as none.

    Args:
        at: seconds of `perf_counter`.
        value: what was read.
    """

    __slots__ = ("at", "value")

    def __init__(self, at: float = -math.inf, value: Any = None) -> None:
        self.at = at
        self.value = value

    def __reduce__(self) -> tuple[Any, ...]:
        return Reading, ()


def renew(state: dict[str, Any], value: Any, at: float = 0.0) -> Reading:
    """Keeps a reading in place of the last, and gives that."""
    last: Reading = state.get("last") or Reading()
    state["last"] = Reading(at, value)
    return last


def too_early(state: dict[str, Any]) -> bool:
    """Whether the last question was less than `SAMPLE_AFTER` ago."""
    last: Reading = state.get("last") or Reading()
    return perf_counter() - last.at < SAMPLE_AFTER


@bidviz.metric(name="system/phases", every=10, chart=charts.PHASES)
def phases(phases: PhaseTimes, state: dict[str, Any]) -> dict[str, float] | None:
    """Milliseconds a step by phase, the mean over all steps since the last point: data, forward, backward, update,
    ours (BIDViz' own step boundaries), other, and the whole step.
    """
    last = renew(state, phases).value
    if last is None or phases.steps <= last.steps:
        return None
    spent = phases.since(last)
    each = 1000 / spent.steps
    return {
        "step": spent.seconds * each,
        "data": spent.data * each,
        "forward": spent.forward * each,
        "backward": spent.backward * each,
        "update": spent.update * each,
        "ours": spent.ours * each,
        "other": spent.other * each,
    }


@bidviz.metric(name="system/speed", every=10, chart=charts.SPEED)
def speed(step: int, learner: Any, state: dict[str, Any]) -> float | None:
    """Steps a second since the last point, pauses left out."""
    now = perf_counter() - learner.waited
    last = renew(state, step, now)
    if last.value is None or step <= last.value:
        return None
    return (step - last.value) / (now - last.at)


@bidviz.metric(name="system/examples", every=10, chart=charts.EXAMPLES)
def examples(phases: PhaseTimes, state: dict[str, Any]) -> float | None:
    """Examples a second since the last point: the first dimension of the model's first tensor, summed over its passes
    with gradients; nothing where the model's own call is not seen.
    """
    last = renew(state, phases).value
    if last is None or phases.steps <= last.steps:
        return None
    spent = phases.since(last)
    return spent.examples / spent.seconds if spent.examples > 0 and spent.seconds > 0 else None


@bidviz.metric(name="system/cpu", every=10, chart=charts.CPU)
def cpu(state: dict[str, Any]) -> dict[str, float] | None:
    """Processor time in percent, asked at most once a second: of this process (100 is one core) and of the machine
    (100 is all cores).
    """
    if too_early(state):
        return None
    now, times = perf_counter(), machine.cpu_times()
    last = renew(state, times, now)
    if last.value is None or times.total <= last.value.total:
        return None
    return {
        "process": 100 * (times.process - last.value.process) / (now - last.at),
        "machine": 100 * (times.busy - last.value.busy) / (times.total - last.value.total),
    }


@bidviz.metric(name="system/memory", every=10, chart=charts.MEMORY)
def memory(learner: Any, state: dict[str, Any]) -> dict[str, float] | None:
    """Memory in MiB, asked at most once a second: the process' resident set, and what torch holds."""
    if too_early(state):
        return None
    renew(state, None, perf_counter())
    return {"rss": machine.resident(), **machine.held_by_torch(learner.model, learner.optimizers)}


@bidviz.metric(
    name="system/gpu",
    every=10,
    chart=[charts.GPU_LOAD, charts.GPU_MEMORY, charts.GPU_HEAT, charts.GPU_POWER],
)
def gpu(state: dict[str, Any]) -> dict[str, float] | None:
    """Load in percent, memory in MiB, temperature in °C and power in watts of each GPU, asked at most once a second."""
    if too_early(state):
        return None
    renew(state, None, perf_counter())
    return gpus.readings(gpus.devices()) or None
