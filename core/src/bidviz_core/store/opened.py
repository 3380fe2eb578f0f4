"""A run on disk, as a person reads it: running or ended, read-only."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from bidviz_core.errors import StoreError
from bidviz_core.messages.bundles import RanBundle
from bidviz_core.messages.health import HealthContent
from bidviz_core.messages.notifications import Entry, FailureContent, MetricInfo, RunInfo, State
from bidviz_core.records import Record
from bidviz_core.replaying.around import entries_around
from bidviz_core.replaying.exporting import Form, export_to, form_for, text_of
from bidviz_core.store.database import FILE
from bidviz_core.store.history import Columns
from bidviz_core.store.reader import StoreReader


class StoredJournal(list[Entry]):
    """The journal of a stored run: a list of its entries that can be exported.

    Args:
        reader: of its file.
    """

    def __init__(self, reader: StoreReader) -> None:
        super().__init__(reader.journal())
        self._reader = reader

    def export(self, path: str | Path, form: Form | None = None) -> Path:
        """Writes the journal to a file: one that `bidviz.replay(path)` does again, or a snippet of schedules.

        Args:
            path: the file.
            form: `"replay"` or `"python"`; by default what the file's name says (`.py`).

        Raises:
            StoreError: the run's file cannot be read, or this one cannot be written.
        """
        return export_to(path, text_of(self._reader, form_for(path, form), self))

    def around(self, step: int, within: int | None = None) -> list[Entry]:
        """What changed here: the entries around a step.

        Args:
            step: the step.
            within: how many steps before and after; by default a fiftieth of the steps so far, at least 10, and where
                there is nothing the last entry before.
        """
        return entries_around(self, step, within)


class StoredMetrics:
    """The metrics of a stored run: iteration, `len`, `in` and `[name]`."""

    def __init__(self, metrics: list[MetricInfo]) -> None:
        self._metrics = {metric.name: metric for metric in metrics}

    def __iter__(self) -> Iterator[MetricInfo]:
        return iter(self._metrics.values())

    def __len__(self) -> int:
        return len(self._metrics)

    def __contains__(self, name: object) -> bool:
        return name in self._metrics

    def __getitem__(self, name: str) -> MetricInfo:
        try:
            return self._metrics[name]
        except KeyError:
            known = ", ".join(self._metrics) or "none"
            raise KeyError(f"The run has no metric {name!r}; it has {known}.") from None


class OpenRun:
    """A run on disk. Everything is read anew each time it is asked for, so a running one grows.

    Args:
        reader: of its file.
    """

    def __init__(self, reader: StoreReader) -> None:
        self._reader = reader

    @property
    def info(self) -> RunInfo:
        """What never changes of the run."""
        return self._reader.info

    @property
    def id(self) -> str:
        """The run's id."""
        return self.info.id

    @property
    def name(self) -> str:
        """The run's name."""
        return self.info.name

    @property
    def run_dir(self) -> Path:
        """The run's own folder."""
        return self._reader.file.parent

    @property
    def step(self) -> int:
        """The last completed step that was written."""
        return self._reader.last_status().step

    @property
    def state(self) -> State:
        """The run's state; `"lost"` where the training has gone without a word."""
        return self._reader.state()

    @property
    def series(self) -> dict[str, str]:
        """Every series and the kind of its values."""
        return self._reader.series()

    @property
    def journal(self) -> StoredJournal:
        """Everything that was done to the run, in order; `.export(path)` writes it to a file."""
        return StoredJournal(self._reader)

    @property
    def failures(self) -> list[FailureContent]:
        """What was set aside, in order."""
        return self._reader.failures()

    @property
    def health(self) -> list[HealthContent]:
        """What rules have found, those that stand first."""
        catalogue = self._reader.catalogue()
        return catalogue.health if catalogue is not None else []

    @property
    def metrics(self) -> StoredMetrics:
        """The run's metrics."""
        catalogue = self._reader.catalogue()
        return StoredMetrics(catalogue.metrics if catalogue is not None else [])

    @property
    def bundles(self) -> list[RanBundle]:
        """Every bundle whose code ran in the run: name, version, hash, where it came from, and between which steps."""
        catalogue = self._reader.catalogue()
        return catalogue.ran if catalogue is not None else []

    def history(
        self, name: str, start: int | None = None, stop: int | None = None, points: int | None = None
    ) -> Columns:
        """The records of a scalar series from `start` up to before `stop`, or at most `points` buckets of them.

        Raises:
            StoreError: there is no such series, or the file cannot be read.
        """
        return self._reader.history(name, start, stop, points)

    def arrays(
        self, name: str, start: int | None = None, stop: int | None = None, count: int = 1, spread: bool = False
    ) -> list[Record]:
        """The last `count` records of a series of arrays from `start` up to before `stop`; with `spread`, as many that
        are spread evenly over those that there are.

        Raises:
            StoreError: there is no such series, or the file cannot be read.
        """
        return self._reader.arrays(name, start, stop, count, spread)

    def __repr__(self) -> str:
        return f"<run {self.name} ({self.id}): {self.state} at step {self.step}, {self.run_dir}>"


def open_run(path: str | Path) -> OpenRun:
    """Opens a run on disk for reading, running or ended.

    Args:
        path: the run's own folder, or the file in it.

    Raises:
        StoreError: there is no run at `path`, or it cannot be read.
    """
    path = Path(path).expanduser()
    if path.is_dir() and not (path / FILE).exists():
        inside = sorted(found.parent.name for found in path.glob(f"*/{FILE}"))
        if inside:
            shown = ", ".join(inside[-10:])
            raise StoreError(f"{path} holds {len(inside)} runs ({shown}); give the folder of one of them.")
    return OpenRun(StoreReader(path))
