"""How time, load and memory are drawn, and what healthy and sick curves look like."""

from __future__ import annotations

from bidviz_core import Bar, Line

_PARTS = ("data", "forward", "backward", "update", "ours", "other")

PHASES = Line(
    title="Step time by phase",
    series=tuple(f"system/phases/{name}" for name in ("step", *_PARTS)),
    unit="ms",
    help=(
        "Milliseconds of the training thread a step, the mean since the last point: the whole step and its parts. "
        "Healthy: level; forward and backward make up most of it, backward about twice the forward pass. "
        "Sick: data above a third of the step (the loader is too slow: more workers, a cache); other large (clipping, "
        "logging, evaluation); ours above a few percent (a metric is too dear); all rising together (the machine is "
        "shared, hot, or short of memory). On a GPU the parts say where the thread waits, not where kernels run."
    ),
)

PHASE_BARS = Bar(
    title="Where a step's time goes, now",
    series=tuple(f"system/phases/{name}" for name in _PARTS),
    unit="ms",
    help="Healthy: forward, backward and update are the tallest. Sick: data or other is.",
)

SPEED = Line(
    title="Steps a second",
    series=("system/speed",),
    unit="steps/s",
    help=(
        "Steps a second over the time since the last point, pauses left out. Healthy: level. "
        "Sick: falls slowly (something grows: memory, a list, the length of sequences) or jumps down (another process)."
    ),
)

EXAMPLES = Line(
    title="Examples a second",
    series=("system/examples",),
    unit="examples/s",
    help=(
        "The first dimension of what the model was given, summed over its passes with gradients, a second. "
        "Healthy: level. Sick: falls while steps a second stay: batches have become smaller."
    ),
)

CPU = Line(
    title="CPU",
    series=("system/cpu/process", "system/cpu/machine"),
    unit="%",
    help=(
        "Of the training's process, where 100 % is one core kept busy, and of the whole machine, where 100 % is all "
        "cores. Healthy: the process uses the cores that its threads are meant for. "
        "Sick: the machine at 100 % while the process is far below its threads (others take the cores), or the process "
        "near nothing (it waits for data or a disk)."
    ),
)

MEMORY = Line(
    title="Memory",
    series=("system/memory/*",),
    unit="MiB",
    help=(
        "Memory of the process (rss) and what torch holds for the model, its gradients and the optimizer's state; on a "
        "GPU what torch has allocated and reserved there. "
        "Healthy: level after the first steps. Sick: a slope that never ends: tensors are kept (a list of losses with "
        "their graphs, say) until the process is killed."
    ),
)

GPU_LOAD = Line(
    title="GPU load",
    series=("system/gpu/*/load",),
    unit="%",
    help=(
        "Share of the last moments in which a kernel ran (NVML). Healthy: above 90. "
        "Sick: low or like a saw: the GPU waits for data or for the processor."
    ),
)

GPU_MEMORY = Line(
    title="GPU memory",
    series=("system/gpu/*/memory",),
    unit="MiB",
    help="Memory in use on the device, by all processes (NVML). Healthy: level. Sick: rising until it is full.",
)

GPU_HEAT = Line(
    title="GPU temperature",
    series=("system/gpu/*/temperature",),
    unit="°C",
    help="Healthy: level below about 85. Sick: at its limit, where the clock is lowered and steps become longer.",
)

GPU_POWER = Line(
    title="GPU power",
    series=("system/gpu/*/power",),
    unit="W",
    help="Healthy: near the board's limit. Sick: far below it while the load is high: kernels are small and wait.",
)
