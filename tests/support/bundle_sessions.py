"""Sessions with a bundle that is registered by its module, every metric at every step, and what they recorded."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch
from support.loops import LOOPS
from torch.nn import functional

import bidviz_core as bidviz
from bidviz_core.store import StoreReader

Watch = Callable[..., Any]


@contextmanager
def watching(folder: Path, bundle: ModuleType, every: int | None = 1) -> Iterator[Watch]:
    """Gives `watch(model, optimizer, **options)`, whose sessions hold the bundle and nothing else.

    Args:
        folder: where the runs go.
        bundle: the bundle's module.
        every: the cadence of all its metrics, or none for their own.
    """
    sessions = []

    def watch(model: Any, optimizer: Any = None, **options: Any) -> Any:
        given = {"dashboard": None, "run_dir": folder, "plugins": (), "budget": None, **options}
        session = bidviz.watch(model, optimizer, **given)
        sessions.append(session)
        session.plugins.register(bundle, bundle.__name__)
        for metric in bundle.register_metrics():
            if every is not None and metric.name in session.metrics:
                session.metrics.change(metric.name, every=every)
        return session

    yield watch
    for session in sessions:
        session.close()


def last(session: Any, name: str) -> float:
    """The last number of a series."""
    return float(session.history(name).value[-1])


def last_value(session: Any, name: str) -> Any:
    """The last value of a series that is no number."""
    session.pump.flush()
    return StoreReader(session.run_dir).arrays(name)[-1].value


def lacks(session: Any) -> dict[str, str]:
    """Why metrics have nothing to say, by name."""
    return {name: slot.reason for name, slot in session.metrics.slots.items() if slot.reason}


def trained_beside(name: str, steps: int, folder: Path, bundle: ModuleType, every: int = 1) -> tuple[Any, Any]:
    """Runs one of the sample trainings with a bundle beside it.

    Args:
        name: of one of `support.loops.LOOPS`.
        steps: how many steps it makes.
        folder: where the run goes.
        bundle: the bundle's module.
        every: the cadence of all its metrics.

    Returns:
        What has to be the same to the bit as without it, and the session, closed.
    """
    sessions = []
    with watching(folder, bundle, every) as watch:

        def attach(model: Any, optimizer: Any, **options: Any) -> None:
            sessions.append(watch(model, optimizer, **{"loss_fn": functional.cross_entropy, **options}))

        state = LOOPS[name](steps, attach)
    return state, sessions[0]


def differences(one: Any, other: Any) -> list[str]:
    """Where two states of trainings differ, to the bit."""
    if isinstance(one, torch.Tensor):
        same = one.dtype == other.dtype and one.shape == other.shape
        return [] if same and torch.equal(one.nan_to_num(), other.nan_to_num()) else ["a tensor"]
    if isinstance(one, dict):
        return [f"{key}: {what}" for key in one.keys() | other.keys() for what in differences(one[key], other[key])]
    if isinstance(one, (list, tuple)):
        pairs = zip(one, other, strict=True)
        return [f"{number}: {what}" for number, pair in enumerate(pairs) for what in differences(*pair)]
    return [] if one == other else [f"{one!r}, {other!r}"]
