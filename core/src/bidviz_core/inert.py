"""The session of a process that is not watched: every call is there and does nothing."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any


class InertSession:
    """Stands in for a session in DataLoader workers, spawned children and ranks above 0.

    Args:
        reason: why this process is not watched.
    """

    url = ""
    id = ""
    name = ""
    step = 0
    epoch: int | None = None
    state = "ended"
    closed = True

    def __init__(self, reason: str) -> None:
        self.reason = reason
        self.run_dir = Path()

    def batches(self, loader: Iterable[Any], epochs: int = 1) -> Iterator[Any]:
        """Iterates over the loader as the script would."""
        for _ in range(epochs):
            yield from loader

    def loop(self, step_fn: Callable[[Any], Any], loader: Iterable[Any], epochs: int = 1) -> None:
        """Makes the steps as the script would."""
        for batch in self.batches(loader, epochs):
            step_fn(batch)

    def __enter__(self) -> InertSession:
        return self

    def __exit__(self, *_: object) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return _Nothing()

    def __repr__(self) -> str:
        return f"<InertSession: {self.reason}>"


class _Nothing:
    """Takes any call and any attribute, and is empty."""

    def __call__(self, *_: Any, **__: Any) -> None:
        return None

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        return self

    def __iter__(self) -> Iterator[Any]:
        return iter(())

    def __len__(self) -> int:
        return 0
