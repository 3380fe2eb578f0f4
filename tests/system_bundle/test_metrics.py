"""The bundle's metrics in real trainings, against psutil, torch and clocks that the test reads itself."""

from __future__ import annotations

import itertools
import pickle
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import psutil
import pytest
import torch
from support.loops import LOOPS
from torch import nn

import bidviz_core as bidviz
import bidviz_metric_system
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_metric_system import gpus, machine, metrics

from .test_phases import same

MEBIBYTE = 2**20


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Watches with the bundle, each metric as often as a test wants it."""
    opened: list[Any] = []

    def attach(model: Any = None, optimizer: Any = None, every: int = 1, **options: Any) -> Any:
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, "budget": None, **options}
        session = bidviz.watch(model, optimizer, **options)
        opened.append(session)
        session.plugins.register(bidviz_metric_system, "bidviz-metric-system")
        for metric in list(session.metrics):
            if metric.name.startswith("system/"):
                session.metrics.change(metric.name, every=every)
        return session

    yield attach
    for session in opened:
        session.close()


def busy(seconds: float) -> None:
    until = time.perf_counter() + seconds
    while time.perf_counter() < until:
        pass


class Training:
    def __init__(self, watch: Callable[..., Any], **options: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(256, 512), nn.BatchNorm1d(512), nn.Linear(512, 1))
        self.optimizer = torch.optim.Adam(self.model.parameters())
        self.session = watch(self.model, self.optimizer, **options)

    def step(self, count: int = 8) -> None:
        self.optimizer.zero_grad()
        self.model(torch.randn(count, 256)).square().mean().backward()
        self.optimizer.step()


def test_phases_and_speed_are_those_of_the_tests_own_clock(watch: Callable[..., Any]) -> None:
    training = Training(watch, every=5)
    marks = []
    for number in range(1, 41):
        busy(0.004)
        training.step(count=8 if number <= 20 else 16)
        if number % 5 == 0:
            marks.append(time.perf_counter())
    session = training.session
    history = session.history("system/phases/step")
    # The first point needs one before it; the guards' first runs lie between the first of them.
    assert history.step.tolist() == [10, 15, 20, 25, 30, 35, 40]
    taken = [(later - earlier) / 5 for earlier, later in itertools.pairwise(marks)]
    names = ("data", "forward", "backward", "update", "ours", "other")
    parts = [session.history(f"system/phases/{name}").value for name in names]
    assert sum(parts) == pytest.approx(history.value, rel=1e-9)
    assert history.value[2:].mean() == pytest.approx(1000 * sum(taken[2:]) / len(taken[2:]), rel=0.1)
    assert min(session.history("system/phases/data").value) >= 4.0
    speed = session.history("system/speed")
    assert speed.step.tolist() == history.step.tolist()
    assert 1 / speed.value[2:].mean() == pytest.approx(sum(taken[2:]) / len(taken[2:]), rel=0.2)
    examples = session.history("system/examples").value
    # As many examples in a step as it had, at the step time that is shown for it.
    per_step = examples * history.value / 1000
    assert per_step == pytest.approx([8, 8, 8, 16, 16, 16, 16], rel=0.02)


def test_memory_is_psutils_and_torchs(watch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "SAMPLE_AFTER", 0.0)
    training = Training(watch)
    for _ in range(6):
        training.step()
    session, model = training.session, training.model
    rss = session.history("system/memory/rss").value[-1]
    assert rss == pytest.approx(psutil.Process().memory_info().rss / MEBIBYTE, rel=0.2)
    sizes = [one.numel() * one.element_size() for one in model.parameters()]
    buffers = [one.numel() * one.element_size() for one in model.buffers()]
    assert session.history("system/memory/model").value[-1] == pytest.approx((sum(sizes) + sum(buffers)) / MEBIBYTE)
    assert session.history("system/memory/gradients").value[-1] == pytest.approx(sum(sizes) / MEBIBYTE)
    # Adam: two moments of each parameter's size and a step of four bytes.
    assert session.history("system/memory/optimizer").value[-1] == pytest.approx(
        (2 * sum(sizes) + 4 * len(sizes)) / MEBIBYTE
    )
    assert "system/memory/allocated" not in session.engine.slots["system/memory"].series


def test_memory_that_is_taken_is_seen(watch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "SAMPLE_AFTER", 0.0)
    training = Training(watch)
    kept = []
    for number in range(8):
        training.step()
        if number == 4:
            kept.append(torch.ones(64 * MEBIBYTE // 4))
    values = training.session.history("system/memory/rss").value
    assert values[-1] - values[3] > 50
    del kept


def test_sparse_and_shared_parameters_count_by_what_they_hold() -> None:
    words = nn.Embedding(1000, 16, sparse=True)
    model = nn.ModuleDict({"words": words, "again": words})
    optimizer = torch.optim.SGD(words.parameters(), lr=0.1)
    words(torch.tensor([1, 2, 3])).sum().backward()
    held = machine.held_by_torch(model, [optimizer])
    assert held["model"] == 1000 * 16 * 4 / MEBIBYTE
    assert held["gradients"] == 3 * 16 * 4 / MEBIBYTE
    assert held["optimizer"] == 0


def test_cpu_is_that_of_a_process_that_is_busy(watch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metrics, "SAMPLE_AFTER", 0.2)
    training = Training(watch)
    own, all_cores = psutil.Process().cpu_times(), psutil.cpu_times()
    began = time.perf_counter()
    while time.perf_counter() - began < 2.0:
        training.step()
    seconds = time.perf_counter() - began
    spent = psutil.Process().cpu_times()
    process = training.session.history("system/cpu/process").value
    assert 3 <= len(process) <= 10  # not at every step
    expected = 100 * (spent.user + spent.system - own.user - own.system) / seconds
    assert process.mean() == pytest.approx(expected, rel=0.3)
    idle = psutil.cpu_times().idle - all_cores.idle
    busy_share = 100 * (1 - idle / (seconds * psutil.cpu_count()))
    machine_share = training.session.history("system/cpu/machine").value
    assert machine_share.mean() == pytest.approx(busy_share, abs=25)
    assert (machine_share <= 100.001).all()


def test_the_system_is_not_asked_at_every_step(watch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(machine, "resident", lambda: asked.append(1) or 1.0)
    training = Training(watch)
    began = time.perf_counter()
    for _ in range(100):
        training.step()
    assert 1 <= len(asked) <= 2 + (time.perf_counter() - began) / metrics.SAMPLE_AFTER


def test_a_checkpoint_keeps_no_clock(watch: Callable[..., Any]) -> None:
    training = Training(watch)
    for _ in range(5):
        training.step()
    state = training.session.engine.slots["system/speed"].state
    assert state["last"].value == 5
    again = pickle.loads(pickle.dumps(state))
    assert again["last"].value is None
    learner = SimpleNamespace(waited=0.0)
    assert metrics.speed.function(2, learner, again) is None
    assert metrics.speed.function(3, learner, again) > 0


def test_a_learner_without_torch_has_what_it_can_have(tmp_path: Path, watch: Callable[..., Any]) -> None:
    session = watch(object())
    for _ in range(30):
        session.step_done(loss=1.0)
    assert (session.history("system/speed").value > 0).all()
    assert session.history("system/memory/rss").value[0] > 10
    assert "system/phases" not in session.metrics
    (note,) = [info.error for info in session.plugins if info.name == "bidviz-metric-system"]
    assert "'phases' is not known" in note
    assert not session.failures


def test_without_a_gpu_nothing_is_imported_and_there_is_no_panel() -> None:
    code = (
        "import sys, bidviz_metric_system as bundle\n"
        "names = [metric.name for metric in bundle.register_metrics()]\n"
        "print('pynvml' in sys.modules, 'torch' in sys.modules, 'system/gpu' in names)"
    )
    if any(map(gpus.os.path.exists, gpus._DRIVER)):
        pytest.skip("this machine has NVIDIA's driver")
    said = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=120).stdout
    assert said.split() == ["False", "False", "False"]


def test_numbers_of_gpus_are_in_their_units(monkeypatch: pytest.MonkeyPatch) -> None:
    import pynvml

    def refuse(handle: Any) -> int:
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)

    monkeypatch.setattr(gpus.os.path, "exists", lambda path: True)
    monkeypatch.setattr(pynvml, "nvmlInit", lambda: None)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetCount", lambda: 2)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetHandleByIndex", lambda index: index)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetUtilizationRates", lambda handle: SimpleNamespace(gpu=40 + handle))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetMemoryInfo", lambda handle: SimpleNamespace(used=3 * MEBIBYTE))
    monkeypatch.setattr(pynvml, "nvmlDeviceGetTemperature", lambda handle, sensor: 61)
    monkeypatch.setattr(pynvml, "nvmlDeviceGetPowerUsage", refuse)
    gpus.devices.cache_clear()
    try:
        assert [one.name for one in bidviz_metric_system.register_metrics()][-1] == "system/gpu"
        found = metrics.gpu.function({})
    finally:
        gpus.devices.cache_clear()
    assert found == {
        "0/load": 40.0, "0/memory": 3.0, "0/temperature": 61.0,
        "1/load": 41.0, "1/memory": 3.0, "1/temperature": 61.0,
    }  # fmt: skip


def test_a_driver_that_does_not_answer_is_no_gpu(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gpus.os.path, "exists", lambda path: True)
    gpus.devices.cache_clear()
    try:
        assert gpus.devices() == ()  # NVML's library is not here, and says so by an error
    finally:
        gpus.devices.cache_clear()


def test_charts_are_plain_data_with_help() -> None:
    shown = [chart for metric in [*bidviz_metric_system.register_metrics(), metrics.gpu] for chart in metric.charts]
    for chart in [*shown, *bidviz_metric_system.register_charts()]:
        assert chart_from_dict(chart_to_dict(chart)) == chart
        assert chart.unit
        assert "Healthy:" in chart.help
        assert "Sick:" in chart.help


@pytest.mark.parametrize("name", ["mlp_with_dropout", "lbfgs", "grad_scaler_with_a_skipped_step", "two_optimizers"])
def test_trainings_are_the_same_to_the_bit(name: str, watch: Callable[..., Any]) -> None:
    plain = LOOPS[name](40, lambda *_, **__: None)
    sessions: list[Any] = []
    watched = LOOPS[name](40, lambda model, optimizer, **options: sessions.append(watch(model, optimizer, **options)))
    assert not sessions[0].failures
    assert sessions[0].history("system/phases/step").value.min() > 0
    assert same(plain, watched)
