"""Runs metrics on a sample learner under a real session, and gives what was recorded."""

from __future__ import annotations

import os
import random
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import wraps
from importlib import import_module
from pathlib import Path
from typing import Any

import numpy as np

from bidviz_core.errors import BidvizError, MetricError
from bidviz_core.guards import RandomGuard
from bidviz_core.messages.notifications import FailureContent
from bidviz_core.metrics.definition import Metric, from_function
from bidviz_core.metrics.source import compile_metric
from bidviz_core.session import Session
from bidviz_core.store import StoreReader
from bidviz_core.testing.learners import SampleLearner, Strange, sample_learner
from bidviz_core.values import HostValue

#: So many steps show a metric's first runs, on which it is guarded, and some of the usual ones.
STEPS = 12


@dataclass(frozen=True)
class Run:
    """What a metric gave on a sample learner.

    Args:
        series: the values by series, in the order of their steps: floats, numpy arrays and BIDViz's value types.
        steps: the steps of each.
        failure: why the metric was set aside, or none.
        refused: why this learner cannot give what the metric asks for, or an empty text.
        seconds: how long each of the metric's calls took.
        step_seconds: how long a step took, the median, the metric's calls left out.
        least_step: the shortest of these steps, which other programs disturbed least.
        memory: bytes that the metric needed at most at once, on its first runs.
        drawn: the random generators that it drew from: of `"random"`, `"numpy"`, `"torch"`.
        state: what the learner had learnt at the end.
    """

    series: Mapping[str, Sequence[HostValue]] = field(default_factory=dict)
    steps: Mapping[str, Sequence[int]] = field(default_factory=dict)
    failure: FailureContent | None = None
    refused: str = ""
    seconds: tuple[float, ...] = ()
    step_seconds: float = 0.0
    least_step: float = 0.0
    memory: int = 0
    drawn: tuple[str, ...] = ()
    state: Sequence[Any] = ()


def run_metric(
    metric: Metric | Callable[..., Any] | str,
    learner: str = "mlp",
    *,
    steps: int = STEPS,
    name: str = "metric",
    strange: Strange = "",
    seed: int = 0,
) -> Mapping[str, Sequence[HostValue]]:
    """Runs a metric at every step of a sample learner's training, and gives what was recorded.

    The same call gives the same numbers again, and the program's own random generators are as they were afterwards.

    Args:
        metric: a metric, a function, or code as it is typed in the browser.
        learner: a key of `LEARNERS`.
        steps: for how many steps the learner is trained.
        name: the metric's name, for code.
        strange: what is to be strange about the learner.
        seed: of the learner.

    Returns:
        The values by series, one for each step at which there was one: floats, numpy arrays, and BIDViz's value types.

    Raises:
        MetricError: the metric cannot be had on this learner, or failed; with its traceback.
        BidvizError: there is no such learner.
    """
    run = try_metric(as_metric(metric, name), learner, steps=steps, strange=strange, seed=seed)
    if run.refused:
        raise MetricError(run.refused)
    if run.failure is not None:
        raise MetricError(
            f"On the sample learner {learner}: {run.failure.message}",
            line=run.failure.line,
            traceback=run.failure.traceback,
        )
    return run.series


def as_metric(metric: Metric | Callable[..., Any] | str, name: str = "metric") -> Metric:
    """Takes a metric in any of the forms that `session.metrics.add` takes."""
    if isinstance(metric, Metric):
        return metric
    return compile_metric(metric, name=name) if isinstance(metric, str) else from_function(metric)


def try_metric(
    metric: Metric, learner: str, *, steps: int = STEPS, strange: Strange = "", seed: int = 0, every: int = 1
) -> Run:
    """The same as `run_metric`, with all that there is to be known of it; a failure is told, not raised."""
    seconds: list[float] = []
    # A worker gets the same values from a copy; here one process is enough.
    tried = metric.with_(every=every, where="training", function=_timed(metric.function, seconds))
    with seeded(seed, learner), ExitStack() as stack:
        sample = sample_learner(learner, seed=seed, strange=strange)
        session = stack.enter_context(watched(sample))
        guard = _Telling()
        session.engine.fence.random = guard
        try:
            session.metrics.add(tried)
        except MetricError as error:
            return Run(refused=str(error))
        clocked, least = _clocked(sample, session, steps, seconds)
        slot = session.metrics.slots[metric.name]
        series = list(slot.series)
        session.close()
        values, at = recorded(session.run_dir, series)
        return Run(
            series=values,
            steps=at,
            failure=slot.failure,
            seconds=tuple(seconds),
            step_seconds=clocked,
            least_step=least,
            memory=slot.memory,
            drawn=tuple(sorted(guard.drawn)),
            state=sample.state(),
        )


def bare_state(learner: str, *, steps: int = STEPS, strange: Strange = "", seed: int = 0) -> Sequence[Any]:
    """What a sample learner has learnt after so many steps that nobody watched."""
    with seeded(seed, learner):
        sample = sample_learner(learner, seed=seed, strange=strange)
        sample.run(None, steps)
        return sample.state()


def same_state(one: Sequence[Any], other: Sequence[Any]) -> bool:
    """Whether two learners have learnt the same, to the bit, NaN included."""
    return len(one) == len(other) and all(
        np.array_equal(left, right, equal_nan=True) for left, right in zip(one, other, strict=True)
    )


@contextmanager
def watched(sample: SampleLearner, **options: Any) -> Iterator[Session]:
    """A session on a sample learner, in a folder of its own that is gone afterwards, without any dashboard.

    Args:
        sample: the learner.
        options: those of `watch`.
    """
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="bidviz-sample-")))
        stack.enter_context(_state_folder(folder / "state"))
        given = {"plugins": (), "budget": None, "name": f"sample-{sample.name}", **options}
        session = sample.watch(dashboard=None, run_dir=folder / "runs", **given)
        if not isinstance(session, Session):
            raise BidvizError(
                "Sample learners cannot run here: this process is a child of a training, or of rank 1 up."
            )
        stack.callback(session.close)
        yield session


def recorded(folder: Path, names: Sequence[str]) -> tuple[dict[str, list[HostValue]], dict[str, list[int]]]:
    """The values of series in a run's file, and their steps."""
    reader = StoreReader(folder)
    kinds = reader.series()
    values: dict[str, list[HostValue]] = {}
    steps: dict[str, list[int]] = {}
    for name in names:
        if name not in kinds:
            continue
        if kinds[name] == "scalar":
            columns = reader.history(name)
            values[name], steps[name] = columns.value.tolist(), columns.step.tolist()
        else:
            records = reader.arrays(name, count=1000)
            values[name], steps[name] = [one.value for one in records], [one.step for one in records]
    return values, steps


@contextmanager
def seeded(seed: int, learner: str) -> Iterator[None]:
    """Seeds the generators that a learner's training draws from, and gives them back as they were.

    Torch computes on one thread meanwhile: on a busy machine several wait for each other, and a step of the learner,
    by which costs are judged, takes a hundred times as long as it needs.
    """
    if learner != "kmeans":
        import_module("bidviz_core.testing.torch_learners")  # torch has to be there to be seeded
    torch = sys.modules.get("torch")
    threads = torch.get_num_threads() if torch is not None else 0
    with RandomGuard():
        random.seed(seed)
        np.random.seed(seed)
        if torch is None:
            yield
            return
        torch.manual_seed(seed)
        torch.set_num_threads(1)
        try:
            yield
        finally:
            torch.set_num_threads(threads)


class _Telling(RandomGuard):
    """Puts random states back as any session's does, and remembers which were drawn from."""

    def __init__(self) -> None:
        super().__init__()
        self.drawn: set[str] = set()

    def put_back(self) -> tuple[str, ...]:
        drawn = super().put_back()
        self.drawn.update(drawn)
        return drawn


def _timed(function: Callable[..., Any], seconds: list[float]) -> Callable[..., Any]:
    @wraps(function)
    def timed(*arguments: Any) -> Any:
        began = time.perf_counter()
        value = function(*arguments)
        seconds.append(time.perf_counter() - began)
        return value

    return timed


def _clocked(sample: SampleLearner, session: Session, steps: int, seconds: list[float]) -> tuple[float, float]:
    taken = []
    for _ in range(steps):
        before, began = len(seconds), time.perf_counter()
        sample.train(session)
        taken.append(time.perf_counter() - began - sum(seconds[before:]))
    later = taken[len(taken) // 4 :]
    return statistics.median(later), min(later)


@contextmanager
def _state_folder(folder: Path) -> Iterator[None]:
    """The runs of sample learners are none of the person's, and do not come into their list."""
    former = os.environ.get("BIDVIZ_STATE_DIR")
    os.environ["BIDVIZ_STATE_DIR"] = str(folder)
    try:
        yield
    finally:
        if former is None:
            os.environ.pop("BIDVIZ_STATE_DIR")
        else:
            os.environ["BIDVIZ_STATE_DIR"] = former
