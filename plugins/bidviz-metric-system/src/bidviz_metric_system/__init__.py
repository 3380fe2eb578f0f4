"""Step time by phase, throughput, CPU, memory and GPUs of a training."""

from __future__ import annotations

import bidviz_core as bidviz
from bidviz_metric_system import gpus
from bidviz_metric_system.charts import PHASE_BARS
from bidviz_metric_system.metrics import cpu, examples, gpu, memory, phases, speed


@bidviz.hookimpl
def register_metrics() -> list[bidviz.Metric]:
    """The metrics of this bundle; the one about GPUs only where there is one."""
    metrics = [phases, speed, examples, cpu, memory]
    return [*metrics, gpu] if gpus.devices() else metrics


@bidviz.hookimpl
def register_charts() -> list[bidviz.Bar]:
    """Where the time of a step goes, as it is now."""
    return [PHASE_BARS]
