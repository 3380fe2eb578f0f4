"""The worker beside the training: what it shares, what it leaves behind, and what becomes of forks."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import torch
from torch.utils.data import DataLoader, Dataset

from bidviz_core.views import TensorView

from .conftest import PATIENCE, Bench

MakeBench = Callable[..., Bench]
LINUX = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def is_there(pid: int) -> bool:
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except FileNotFoundError:
        return False
    return state != "Z"


def gone(pid: int) -> bool:
    waiting = threading.Event()
    deadline = time.monotonic() + PATIENCE
    while is_there(pid) and time.monotonic() < deadline:
        waiting.wait(0.01)  # another process's process has no event to give
    return not is_there(pid)


def shared_memory() -> set[str]:
    """Named pieces of shared memory; other programs' semaphores and tensors do not count."""
    return {name for name in os.listdir("/dev/shm") if name.startswith(("bidviz", "psm_"))}


@LINUX
def test_close_leaves_no_process_no_thread_and_no_memory(make_bench: MakeBench) -> None:
    descriptors = len(os.listdir("/proc/self/fd"))
    shared = shared_memory()
    bench = make_bench()
    bench.add("inputs.sum()")
    assert bench.value(inputs=torch.ones(100_000)) == 100_000
    pid = bench.worker.pid
    assert pid is not None
    assert shared_memory() <= shared
    assert "bidviz-worker" in {thread.name for thread in threading.enumerate()}
    bench.worker.close()
    assert not is_there(pid)
    assert "bidviz-worker" not in {thread.name for thread in threading.enumerate() if thread.is_alive()}
    assert len(os.listdir("/proc/self/fd")) <= descriptors


def test_close_waits_for_the_last_snapshot(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.add("import time\ntime.sleep(0.3)\nreturn step")
    bench.submit(step=5)
    bench.worker.close(timeout=PATIENCE)
    assert bench.told.get_nowait().value == 5


def test_close_does_not_wait_for_ever(make_bench: MakeBench) -> None:
    bench = make_bench()
    bench.add("import time\ntime.sleep(1000)")
    bench.submit()
    bench.worker.close(timeout=0.1)
    assert bench.worker.pid is None


TRAINING = """
import os, sys, threading, time
import torch
from bidviz_core.metrics.source import compile_metric
from bidviz_core.worker import Worker

worker = Worker(lambda *told: None)
worker.add(compile_metric({code!r}, name="m", where="worker"))
assert worker.wait(120)
worker.submit(1, 0.0, {{"inputs": torch.ones(1000)}})
while not worker.running()[0]:
    threading.Event().wait(0.01)
print(worker.pid, flush=True)
{then}
"""


@LINUX
@pytest.mark.parametrize("code", ["import time\ntime.sleep(1000)", "return sum(range(10**15))"])
@pytest.mark.parametrize("then", ["os.kill(os.getpid(), 9)", "sys.exit(0)", "raise ValueError"])
def test_the_worker_never_outlives_the_training(code: str, then: str) -> None:
    shared = shared_memory()
    program = TRAINING.format(code=code, then=then)
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=False, timeout=PATIENCE
    )
    pid = int(done.stdout)
    assert gone(pid)
    assert shared_memory() <= shared


class Items(Dataset[torch.Tensor]):
    """Tells, from a DataLoader's worker, which pipes and memory of ours it holds."""

    def __init__(self, ours: list[str]) -> None:
        self.ours = ours

    def __len__(self) -> int:
        return 4

    def __getitem__(self, index: int) -> torch.Tensor:
        held = 0
        for name in os.listdir("/proc/self/fd"):
            try:
                held += os.readlink(f"/proc/self/fd/{name}") in self.ours
            except FileNotFoundError:
                continue  # the listing's own
        return torch.tensor(held)


@LINUX
def test_a_forked_data_loader_holds_nothing_of_it_and_the_worker_goes_on(bench: Bench) -> None:
    bench.add("step")
    assert bench.value(step=1) == 1
    process = bench.worker._attendant.process
    assert process is not None
    descriptors = [process.commands, process.answers, process.output, bench.worker._memory.descriptor]
    ours = [os.readlink(f"/proc/self/fd/{descriptor}") for descriptor in descriptors]
    loader = DataLoader(Items(ours), num_workers=1, multiprocessing_context="fork")
    for held in loader:
        assert held.item() == 0
        assert bench.value(step=2) == 2
    assert bench.value(step=3) == 3


@LINUX
def test_in_a_forked_child_the_worker_is_closed(bench: Bench) -> None:
    bench.add("step")
    assert bench.value(step=1) == 1
    child = os.fork()
    if not child:
        refused = not bench.worker.submit(2, 0.0, {"step": 2}) and bench.worker.pid is None
        bench.worker.close()
        os._exit(0 if refused else 1)
    assert os.waitpid(child, 0)[1] == 0
    assert bench.value(step=3) == 3


def test_the_script_is_not_imported_and_does_not_run_again(tmp_path: Path) -> None:
    script = tmp_path / "train.py"
    script.write_text(
        "import threading\n"
        "print('the script runs', flush=True)\n"
        "import bidviz_core as bidviz\n"
        "from bidviz_core.worker import Worker\n"
        "@bidviz.metric(where='worker')\n"
        "def double(step):\n    return factor * step\n"
        "factor = 2\n"
        "there = threading.Event()\n"
        "worker = Worker(lambda *told: (print(told[3], flush=True), there.set()))\n"
        "worker.add(double)\n"
        "assert worker.wait(120)\n"
        "worker.submit(1, 0.0, {'step': 21})\n"
        "assert there.wait(120)\n"
        "import sys\nassert 'torch' not in sys.modules\n"
        "worker.close()\n"
    )
    done = subprocess.run([sys.executable, str(script)], capture_output=True, text=True, check=False, timeout=PATIENCE)
    assert done.stdout.splitlines() == ["the script runs", "42.0"], done.stderr
    assert done.stderr == ""


def test_it_has_one_thread_a_lower_priority_and_no_graphics_card(bench: Bench) -> None:
    bench.add(
        "import os\nreturn {'threads': torch.get_num_threads(), 'nice': os.nice(0), 'cuda': torch.cuda.is_available()}"
    )
    assert bench.value() == {"threads": 1, "nice": os.nice(0) + 10, "cuda": 0}


def test_memory_is_used_again_and_grows_when_it_must(bench: Bench) -> None:
    bench.add("params.norm()")
    small = TensorView(("w",), [torch.ones(1000)])
    bench.value(params=small)
    mapped = bench.worker._memory.map
    bench.value(params=small)
    assert bench.worker._memory.map is mapped
    large = TensorView(("w",), [torch.ones(4_000_000)])
    assert bench.value(params=large) == pytest.approx(2000)
    assert bench.worker._memory.map is not mapped
    assert bench.value(params=small) == pytest.approx(1000**0.5)


def test_metrics_come_and_go_while_it_runs(bench: Bench) -> None:
    bench.add("step", name="one")
    assert bench.worker.due(1) == {"step"}
    bench.add("inputs.sum()", name="two", every=3)
    assert bench.worker.due(3) == {"step", "inputs"}
    assert bench.worker.due(4) == {"step"}
    bench.worker.remove("one")
    bench.worker.remove("never there")
    assert bench.worker.due(4) == frozenset()
    assert not bench.worker.submit(4, 0.0, {})
    bench.add("inputs.sum() * 2", name="two")  # in place of the other
    bench.step = 10
    assert bench.value(inputs=torch.ones(2)) == 4
    assert bench.told.empty()
