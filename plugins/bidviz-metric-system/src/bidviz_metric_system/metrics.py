"""The metrics: what is measured, how often."""

from __future__ import annotations

from time import perf_counter
from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_system import charts, gpus, machine

if TYPE_CHECKING:
    from bidviz_core.learners.phases import PhaseTimes

#: Seconds between two questions to the operating system or a GPU; each takes some ten microseconds.
SAMPLE_AFTER = 1.0


@bidviz.metric(name="system/phases", every=10, chart=charts.PHASES)
def phases(phases: PhaseTimes, state: dict[str, Any]) -> dict[str, float] | None:
    """Milliseconds a step by phase, the mean over all steps since the last point: data, forward, backward, update,
    ours (BIDViz' own step boundaries), other, and the whole step.
    """
    last, state["last"] = state.get("last"), phases
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
    last, state["last"] = state.get("last"), (now, step)
    # After a rewind the steps count from an earlier one.
    if last is None or step <= last[1] or now <= last[0]:
        return None
    return (step - last[1]) / (now - last[0])


@bidviz.metric(name="system/examples", every=10, chart=charts.EXAMPLES)
def examples(phases: PhaseTimes, state: dict[str, Any]) -> float | None:
    """Examples a second since the last point: the first dimension of the model's first tensor, summed over its passes
    with gradients; nothing where the model's own call is not seen.
    """
    last, state["last"] = state.get("last"), phases
    if last is None:
        return None
    spent = phases.since(last)
    return spent.examples / spent.seconds if spent.examples > 0 and spent.seconds > 0 else None


@bidviz.metric(name="system/cpu", every=10, chart=charts.CPU)
def cpu(state: dict[str, Any]) -> dict[str, float] | None:
    """Processor time in percent, asked at most once a second: of this process (100 is one core) and of the machine
    (100 is all cores).
    """
    now = perf_counter()
    last = state.get("last")
    if last is not None and now - last[0] < SAMPLE_AFTER:
        return None
    times = machine.cpu_times()
    state["last"] = now, *times
    if last is None or times.total <= last[3]:
        return None
    return {
        "process": 100 * (times.process - last[1]) / (now - last[0]),
        "machine": 100 * (times.busy - last[2]) / (times.total - last[3]),
    }


@bidviz.metric(name="system/memory", every=10, chart=charts.MEMORY)
def memory(learner: Any, state: dict[str, Any]) -> dict[str, float] | None:
    """Memory in MiB, asked at most once a second: the process' resident set, and what torch holds."""
    now = perf_counter()
    if now - state.get("at", -SAMPLE_AFTER) < SAMPLE_AFTER:
        return None
    state["at"] = now
    return {"rss": machine.resident(), **machine.held_by_torch(learner.model, learner.optimizers)}


@bidviz.metric(
    name="system/gpu",
    every=10,
    chart=[charts.GPU_LOAD, charts.GPU_MEMORY, charts.GPU_HEAT, charts.GPU_POWER],
)
def gpu(state: dict[str, Any]) -> dict[str, float] | None:
    """Load in percent, memory in MiB, temperature in °C and power in watts of each GPU, asked at most once a second."""
    now = perf_counter()
    if now - state.get("at", -SAMPLE_AFTER) < SAMPLE_AFTER:
        return None
    state["at"] = now
    return gpus.readings(gpus.devices()) or None
