"""`session.metrics`: the metrics of a run, to add to, look at, save and load."""

from __future__ import annotations

import json
import os
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from bidviz_core.errors import BidvizError, MetricError
from bidviz_core.metrics.definition import Charts, Metric, Where, charts_of, from_function
from bidviz_core.metrics.engine import Engine
from bidviz_core.metrics.slot import Slot, saved_form
from bidviz_core.metrics.source import compile_metric
from bidviz_core.metrics.standing_aside import OWN, StandingAside, carry_on

#: What was added live is kept in the run's folder under this name, for the next run that asks.
LIVE_FILE = "live-metrics.json"


class Metrics:
    """The metrics of a session by name.

    Args:
        engine: what runs them.
        folder: the run's folder.
        at_boundary: calls a function on the training thread at a step boundary and gives its result.
        in_worker: told of each metric that joins or leaves the worker: `(metric, joins)`.
        aside: those that stand aside for a bundle's.
    """

    def __init__(
        self,
        engine: Engine,
        folder: Callable[[], Path],
        at_boundary: Callable[[Callable[[], Any]], Any],
        in_worker: Callable[[Metric, bool], None],
        aside: StandingAside,
    ) -> None:
        self._engine = engine
        self._folder = folder
        self._at_boundary = at_boundary
        self._in_worker = in_worker
        self._lock = threading.Lock()
        self._aside = aside
        self._refused: dict[str, Metric] = {}  # built-in ones that had nothing to show of this learner

    @property
    def slots(self) -> dict[str, Slot]:
        """The live state of each metric, by name."""
        return self._engine.slots

    def add(
        self,
        metric: str | Callable[..., Any] | Metric,
        name: str | None = None,
        every: int | None = None,
        chart: Charts = None,
        where: Where | None = None,
    ) -> Metric:
        """Adds a metric; it gives values from the next step on.

        Args:
            metric: typed code, a function whose argument names say what it needs, or a `Metric`.
            name: the series' name; a function's own by default.
            every: the cadence in steps, 1 by default.
            chart: how it is drawn; by what it returns by default.
            where: `"training"` or `"worker"`.

        Returns:
            The metric as it was added.

        Raises:
            MetricError: it does not compile, asks for something unknown, or its name is taken.
            SpecError: the chart is no valid spec.
        """
        made = self._make(metric, name, every, chart, where)
        self._at_boundary(lambda: self.take(made))
        return made

    def replace(self, name: str, source: str | Callable[..., Any] | Metric) -> Metric:
        """Puts other code in place of a metric's; its cadence and charts stay unless the code says otherwise."""
        old = self._engine.slot(name).metric
        if isinstance(source, str):
            made = compile_metric(
                source, name=name, every=old.every, where=old.where, origin=old.origin, namespace=old.namespace
            )
        else:
            made = self._make(source, name, None, None, None)
        made = made.with_(charts=made.charts or old.charts)
        self._at_boundary(lambda: self.take(made, replace=True))
        return made

    def remove(self, name: str) -> None:
        """Removes a metric; its history stays."""
        self._engine.slot(name)

        def drop() -> None:
            self._aside.forget(name)
            self._drop(name)

        self._at_boundary(drop)

    def enable(self, name: str) -> None:
        """Lets a metric run, also one that was set aside."""
        self.change(name, enabled=True)

    def disable(self, name: str) -> None:
        """Stops a metric without removing it."""
        self.change(name, enabled=False)

    def change(self, name: str, *, enabled: bool | None = None, every: int | None = None) -> None:
        """Enables, disables, or gives another cadence."""
        self._engine.slot(name)
        self._at_boundary(lambda: self._change(name, enabled, every))

    def save(self, file: str | os.PathLike[str]) -> Path:
        """Saves all metrics with their code and charts as JSON.

        Args:
            file: a plain name, which lies in the run's folder, or an absolute path (from Python only).
        """
        path = self._path(file)
        text = json.dumps(saved_form(self.slots), indent=1)
        path.write_text(text, encoding="utf-8")
        return path

    def load(
        self, file: str | os.PathLike[str], folder: str | os.PathLike[str] | None = None
    ) -> tuple[list[str], dict[str, str]]:
        """Loads metrics that `save` wrote; one of a name that is there is replaced if it has code of its own.

        Args:
            file: a plain name, which lies in the run's folder, or an absolute path (from Python only).
            folder: that of another run, in which the file lies.

        Returns:
            The names that were loaded, and for each that was refused the reason.

        Raises:
            BidvizError: there is no such file, or it holds no metrics.
        """
        path = self._path(file, None if folder is None else Path(folder))
        try:
            forms = json.loads(path.read_text(encoding="utf-8"))["stats"]
            assert isinstance(forms, dict)
        except FileNotFoundError:
            where = "the run's folder" if folder is None else str(folder)
            raise BidvizError(f"There is no file {path.name!r} in {where}.") from None
        except (ValueError, KeyError, TypeError, AssertionError) as error:
            raise BidvizError(f"{path.name} holds no saved metrics ({type(error).__name__}: {error}).") from None
        loaded: list[str] = []
        refused: dict[str, str] = {}
        for name, form in forms.items():
            try:
                if form.get("origin") == "built-in" or not form.get("code"):
                    continue
                present = self.slots.get(name)
                if present is not None and present.metric.code == form["code"]:
                    continue
                made = compile_metric(
                    form["code"],
                    name=name,
                    every=int(form.get("every", 1)),
                    chart=form.get("charts") or None,
                    where=form.get("where", "training"),
                    type=form.get("type", ""),
                    namespace=present.metric.namespace if present is not None else None,
                )
                if present is not None and self._aside.waits(made, present.metric):
                    continue  # a bundle computes it by the same code
                self._at_boundary(lambda made=made: self.take(made, replace=True))  # type: ignore[misc]
                loaded.append(name)
            except BidvizError as error:
                refused[name] = str(error)
        return loaded, refused

    # --- on the training thread --------------------------------------------------------------------------------------

    def take(self, metric: Metric, *, replace: bool = False, trusted: bool = False) -> None:
        """Adds a metric at once; called on the training thread."""
        if metric.where == "worker":
            self._engine.add(metric, replace=replace)
            try:
                self._in_worker(metric, True)
            except BidvizError:
                self._engine.remove(metric.name)
                raise
        else:
            old = self.slots.get(metric.name)
            self._engine.add(metric, replace=replace, trusted=trusted)
            if old is not None and old.metric.where == "worker":
                self._in_worker(old.metric, False)
        if metric.origin == "person":
            self._keep_live()

    def take_from_bundle(self, metric: Metric, *, trusted: bool = False) -> str:
        """Adds a bundle's metric at once, in place of one that was written for this run if that is the same code.

        Returns:
            In a sentence what stands aside for it; empty where nothing does.

        Raises:
            MetricError: it cannot be had, or there is another metric of its name.
        """
        present = self.slots.get(metric.name)
        if present is None and not self._aside.makes_way_again(metric):
            if trusted:
                self._refused[metric.name] = metric
            self.take(metric, trusted=trusted)
            self._refused.pop(metric.name, None)
            return ""
        if present is not None:
            if present.metric.origin not in OWN or metric.origin in OWN:
                self._engine.add(metric)  # which refuses it
            self._aside.make_way(present, metric)
            # The cadence is this run's, whatever it was when the bundle was made.
            metric = metric.with_(every=present.metric.every)
        try:
            self.take(metric, replace=present is not None, trusted=trusted)
        except BidvizError:
            if present is not None:
                self._aside.forget(metric.name)
            raise
        if present is None:
            return ""
        carry_on(present, self.slots[metric.name])
        if present.metric.origin == "person":
            self._keep_live()
        return f"{metric.name!r} goes on by the bundle's code, which is the same as that written for this run."

    def offer_again(self) -> None:
        """Adds the built-in metrics that did not fit, where they do by now; called on the training thread."""
        for metric in list(self._refused.values()):
            if metric.name in self.slots:
                continue  # somebody has written one of that name
            with suppress(MetricError):
                self.take_from_bundle(metric, trusted=True)

    def bring_back(self) -> list[str]:
        """Lets those run again that stood aside for a bundle's metric that is gone; called on the training thread.

        Returns:
            Their names.
        """
        names = []
        for former in self._aside.due(self.slots):
            self.take(former.metric)
            carry_on(former, self.slots[former.metric.name])
            self._engine.retired -= set(former.series)
            names.append(former.metric.name)
        return names

    def _drop(self, name: str) -> None:
        metric = self._engine.slot(name).metric
        self._engine.remove(name)
        if metric.where == "worker":
            self._in_worker(metric, False)
        if metric.origin == "person":
            self._keep_live()

    def drop_origin(self, origin: str) -> None:
        """Removes every metric of an origin at once; called on the training thread."""
        for name in [name for name, slot in self.slots.items() if slot.metric.origin == origin]:
            self._drop(name)

    def _change(self, name: str, enabled: bool | None, every: int | None) -> None:
        self._engine.change(name, enabled=enabled, every=every)
        slot = self._engine.slot(name)
        if slot.metric.where == "worker":
            self._in_worker(slot.metric, slot.enabled)

    def _keep_live(self) -> None:
        """What a person added comes back when the same script is run again and asks."""
        live = {name: slot for name, slot in self.slots.items() if slot.metric.origin == "person"}
        live |= dict(self._aside.persons())  # the next run need not have the bundle
        text = json.dumps(saved_form(live))
        folder = self._folder()
        with self._lock:
            try:
                folder.mkdir(parents=True, exist_ok=True)
                (folder / LIVE_FILE).write_text(text, encoding="utf-8")
            except OSError:
                return  # a full disk: the store tells of it, and the metric runs all the same

    def _make(
        self,
        metric: str | Callable[..., Any] | Metric,
        name: str | None,
        every: int | None,
        chart: Charts,
        where: Where | None,
    ) -> Metric:
        if isinstance(metric, str):
            if name is None:
                raise MetricError("Typed code needs a name: metrics.add('grads.norm()', name='grad_norm').")
            return compile_metric(
                metric, name=name, every=every or 1, chart=chart, where=where or "training", origin="script"
            )
        if isinstance(metric, Metric):
            changes: dict[str, Any] = {}
            if name is not None:
                changes["name"] = name
            if every is not None:
                changes["every"] = every
            if chart is not None:
                changes["charts"] = charts_of(chart)
            if where is not None:
                changes["where"] = where
            return metric.with_(**changes) if changes else metric
        if callable(metric):
            return from_function(metric, name=name, every=every or 1, chart=chart, where=where or "training")
        raise MetricError(f"A metric is code, a function or a Metric, got {type(metric).__name__}.")

    def _path(self, file: str | os.PathLike[str], folder: Path | None = None) -> Path:
        if isinstance(file, os.PathLike):
            return Path(file)
        plain = Path(file)
        if not file or plain.name != file or file.startswith(".") or "\\" in file or "\0" in file:
            raise BidvizError(f"A file's name inside the run's folder is expected, without any folder, got {file!r}.")
        foreign = folder is not None
        if folder is None:
            folder = self._folder()
            folder.mkdir(parents=True, exist_ok=True)
        # Whatever else is in the folder, the run's own file above all, is not to be written over.
        path = folder / (file if plain.suffix == ".json" else f"{file}.json")
        if foreign and path.is_symlink():
            raise BidvizError(
                f"{path.name} in {folder} is a link to what lies elsewhere; expected that run's own file."
            )
        return path

    def __iter__(self) -> Iterator[Metric]:
        return iter([slot.metric for slot in self.slots.values()])

    def __getitem__(self, name: str) -> Metric:
        return self._engine.slot(name).metric

    def __contains__(self, name: object) -> bool:
        return name in self.slots

    def __len__(self) -> int:
        return len(self.slots)
