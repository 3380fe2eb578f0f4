"""Bundles that are wrong in ways that only a running session can meet; the training goes on through all of them."""

from __future__ import annotations

import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import torch

import bidviz_core as bidviz
from bidviz_core.description import DescribedMetric, Description, encode_description
from bidviz_core.errors import PluginError
from bidviz_core.messages.bundles import (
    FindBundles,
    FindContent,
    InspectBundle,
    InspectContent,
    RemoveBundle,
    RollbackBundle,
)
from bidviz_core.messages.commands import InstallBundle, Method, Order
from bidviz_core.messages.contents import BundleContent, InstallBundleContent
from bidviz_core.plugins.pins import read_pins

from .conftest import Index, make_wheel, metric_code, sha256
from .trainings import content_hash, until

pytestmark = pytest.mark.usefixtures("only_our_index")

NAME = "bidviz-metric-live"


class Trained:
    """A training on a thread of its own in this process, and its session."""

    def __init__(self, folder: Path) -> None:
        self._stopped = threading.Event()
        self._ready = threading.Event()
        self._folder = folder
        self.session: Any = None
        self._thread = threading.Thread(target=self._train, name="training")
        self._thread.start()
        assert self._ready.wait(60)

    def _train(self) -> None:
        model = torch.nn.Linear(3, 1)
        optimizer = torch.optim.SGD(model.parameters(), lr=1e-4)
        with bidviz.watch(
            model, optimizer, dashboard=None, run_dir=self._folder, plugins=["bidviz-registry"]
        ) as self.session:
            self._ready.set()
            while not self._stopped.is_set():
                optimizer.zero_grad()
                model(torch.randn(4, 3)).square().mean().backward()
                optimizer.step()
                self._stopped.wait(0.02)

    def ask(self, command: Method, right: str = "code") -> Any:
        """Carries a command out as one from a browser, on this thread."""
        return self.session.dispatcher.carry_out(Order(1, "person", right, command))  # type: ignore[arg-type]

    def goes_on(self) -> bool:
        step = self.session.step
        return bool(until(lambda: self.session.step > step + 3))

    def close(self) -> None:
        self._stopped.set()
        self._thread.join(60)


@pytest.fixture
def trained(tmp_path: Path) -> Iterator[Trained]:
    made = Trained(tmp_path / "runs")
    yield made
    made.close()


def put(index: Index, version: str, code: str, **more: Any) -> Path:
    """Serves a version of the bundle."""
    files = {"bidviz_metric_live/__init__.py": code, **more.pop("files", {})}
    return index.serve(make_wheel(index.folder, NAME, version, files, **more))


def put_needed(index: Index, version: str, value: float) -> Path:
    """Serves a version of a package that bundles may need and that is none."""
    files = {"bidviz_needed/__init__.py": f"VALUE = {value}"}
    return index.serve(make_wheel(index.folder, "bidviz-needed", version, files, entry_points=""))


def test_commands_find_inspect_install_roll_back_and_remove(trained: Trained, index: Index) -> None:
    wheels = [put(index, "0.1.0", metric_code(1.5))]
    found = trained.ask(FindBundles(FindContent(NAME)), "tune")
    assert [(row["name"], row["version"], row["source"]) for row in found.data] == [(NAME, "0.1.0", "pip")]
    assert "needs the right 'tune'" in trained.ask(FindBundles(FindContent(NAME)), "view").data
    assert "needs the right 'code'" in trained.ask(InspectBundle(InspectContent(NAME)), "tune").data
    assert "expected a requirement, or a name" in trained.ask(InspectBundle(InspectContent())).data
    seen = trained.ask(InspectBundle(InspectContent(name=NAME, version="0.1.0"))).data
    assert (seen["hash"], [*seen["refusals"], *seen["warnings"]]) == (sha256(wheels[0]), [])

    wish = InstallBundleContent(NAME, hash=seen["hash"], load=True)
    done = trained.ask(InstallBundle(wish))
    assert done.success, done.data
    assert (done.data["text"], done.data["state"], done.data["version"]) == (
        f"Installed {NAME} 0.1.0.",
        "loaded",
        "0.1.0",
    )
    assert (done.data["hash"], done.data["wheel"], done.data["source"]) == (
        content_hash(wheels[0]),
        seen["hash"],
        "pip",
    )
    assert trained.ask(FindBundles(FindContent(NAME))).data[-1]["loaded"] == "0.1.0"

    wheels.append(put(index, "0.2.0", metric_code(2.5)))
    assert trained.ask(InstallBundle(InstallBundleContent(NAME, load=True))).data["hash"] == content_hash(wheels[1])
    catalogue = trained.session.report.catalogue({})
    assert [(one.version, one.until is None) for one in catalogue.ran if one.name == NAME] == [
        ("0.1.0", False),
        ("0.2.0", True),
    ]
    pins = read_pins(trained.session.run_dir)
    assert [(pin.version, pin.folder) for pin in pins.pins[NAME]] == [
        (wheel.name.split("-")[1], f"bundles/{NAME}/{wheel.name.split('-')[1]}-{sha256(wheel)[:8]}") for wheel in wheels
    ]
    back = trained.ask(RollbackBundle(BundleContent(NAME)))
    assert (back.success, back.data["version"], back.data["hash"]) == (True, "0.1.0", content_hash(wheels[0]))
    refused = trained.ask(RollbackBundle(BundleContent("live")))
    assert "There is no version of bidviz-metric-live before 0.1.0" in refused.data
    assert trained.session.metrics["live_value"].origin == f"{NAME} 0.1.0"
    gone = trained.ask(RemoveBundle(BundleContent("live")))
    assert (gone.success, gone.data["state"]) == (True, "offered")
    assert "No bundle 'bidviz-metric-live' is installed here" in trained.ask(RemoveBundle(BundleContent(NAME))).data
    assert read_pins(trained.session.run_dir).pins == {}
    assert [entry.summary for entry in trained.session.journal if entry.action.endswith("Bundle")] == [
        f"installed {NAME} 0.1.0 from pip",
        f"installed {NAME} 0.2.0 from pip",
        f"{NAME} went back from 0.2.0 to 0.1.0 (from pip)",
        f"removed {NAME} 0.1.0",
    ]
    assert trained.goes_on()


def test_a_bundle_that_takes_the_name_of_another_s_metric(trained: Trained, index: Index) -> None:
    put(index, "0.1.0", metric_code(1.5))
    trained.session.plugins.install(NAME, load=True)
    other = "bidviz-metric-other"
    about = Description(1, other, "1.0", metrics=(DescribedMetric("live_value"),))
    files = {
        "bidviz_metric_other/__init__.py": metric_code(6.5),
        "bidviz_metric_other/bidviz-bundle.json": encode_description(about).decode(),
    }
    index.serve(make_wheel(index.folder, other, "1.0", files))
    seen = trained.ask(InspectBundle(InspectContent(other))).data
    assert f"has the name of one that is there (from {NAME} 0.1.0)" in " ".join(seen["warnings"])
    with pytest.raises(PluginError, match=rf"There is a metric 'live_value' already \(from {NAME} 0\.1\.0\)") as caught:
        trained.session.plugins.install(other, load=True)
    assert f"{other} 1.0 was taken away again; nothing is changed." in str(caught.value)
    assert trained.session.metrics["live_value"].origin == f"{NAME} 0.1.0"
    assert trained.goes_on()


def test_a_chart_of_a_series_that_nothing_gives(trained: Trained, index: Index) -> None:
    code = metric_code(1.5, chart='bidviz.Line(title="Live", series=("live_value", "loss", "absent/*"))')
    about = Description(
        1, NAME, "0.1.0", metrics=(DescribedMetric("live_value", charts=(bidviz.Line(series=("no",)),)),)
    )
    put(
        index,
        "0.1.0",
        code,
        files={"bidviz_metric_live/bidviz-bundle.json": encode_description(about).decode()},
    )
    seen = trained.ask(InspectBundle(InspectContent(NAME))).data
    assert seen["warnings"][0] == "The chart 'Line' shows the series 'no', which nothing gives."
    done = trained.ask(InstallBundle(InstallBundleContent(NAME, load=True)))
    assert done.data["error"] == "The chart 'Live' shows the series 'absent/*', which nothing gives."
    assert done.data["state"] == "loaded"
    assert trained.goes_on()


def test_what_came_along_is_imported_from_the_bundle_s_folder_and_goes_with_it(trained: Trained, index: Index) -> None:
    put_needed(index, "1.0", 4.5)
    code = metric_code(0.0).replace("return 0.0", "return VALUE").replace("import bidviz_core as bidviz", IMPORTS)
    put(index, "0.1.0", code, requires=("bidviz-needed",))
    with pytest.raises(PluginError, match="needs bidviz-needed, which is not installed"):
        trained.session.plugins.install(NAME, load=True)
    trained.session.plugins.install(NAME, load=True, with_dependencies=True)
    until(lambda: "live_value" in trained.session.pump.latest)
    assert trained.session.pump.latest["live_value"] == 4.5
    file = sys.modules["bidviz_needed"].__file__
    assert file is not None
    assert file.startswith(trained.session.plugins.pins.current()[NAME].folder)

    # Another version of it has another version of what it needs, and both are replaced.
    put_needed(index, "2.0", 5.5)
    put(index, "0.2.0", code, requires=("bidviz-needed>=2",))
    trained.session.plugins.install(NAME, load=True, with_dependencies=True)
    until(lambda: trained.session.pump.latest["live_value"] == 5.5)
    trained.session.plugins.rollback(NAME)
    until(lambda: trained.session.pump.latest["live_value"] == 4.5)
    trained.session.plugins.remove(NAME)
    assert "bidviz_needed" not in sys.modules
    assert not [path for path in sys.path if "bundles" in path]
    assert trained.goes_on()


def test_a_bundle_that_a_bundle_needs_comes_along_as_one_of_the_run_s_own(trained: Trained, index: Index) -> None:
    plugins, other = trained.session.plugins, "bidviz-metric-needed"
    files = {"bidviz_metric_needed/__init__.py": metric_code(4.5, "needed_value", 'bidviz.Line(title="Needed")')}
    index.serve(make_wheel(index.folder, other, "1.0", files))
    put(index, "0.1.0", metric_code(1.5), requires=(f"{other}>=1",))
    seen = trained.ask(InspectBundle(InspectContent(NAME))).data
    assert "with_dependencies" in seen["refusals"][-1]
    assert seen["refusals_with_dependencies"] == ()
    done = trained.ask(InstallBundle(InstallBundleContent(NAME, load=True, with_dependencies=True)))
    assert done.data["state"] == "loaded", done.data
    until(lambda: trained.session.pump.latest.get("needed_value") == 4.5)
    assert {info.name for info in plugins if info.state == "loaded"} >= {NAME, other}
    assert list(plugins.pins.current()) == [other, NAME]
    # What the run has installed for itself is there for the next: looked at, installed, and loaded before it.
    plugins.remove(NAME)
    assert [need["state"] for need in trained.ask(InspectBundle(InspectContent(NAME))).data["needs"]] == ["there"]
    plugins.unload(other)
    plugins.install(NAME, load=True)
    assert {info.name for info in plugins if info.state == "loaded"} >= {NAME, other}
    put(index, "0.2.0", metric_code(2.5), requires=(f"{other}>=2",))
    with pytest.raises(PluginError, match=rf"needs {other}>=2, but this run has installed {other} 1\.0"):
        plugins.install(NAME, load=True)
    plugins.remove(NAME)
    plugins.remove(other)
    # Where the bundle cannot be loaded, what came along goes as well.
    put(index, "0.3.0", "raise ValueError('no')\n", requires=(f"{other}>=1",))
    with pytest.raises(PluginError, match="was taken away again; nothing is changed"):
        plugins.install(NAME, load=True, with_dependencies=True)
    assert plugins.pins.current() == {}
    assert not [path for path in sys.path if "bundles" in path]
    assert trained.goes_on()


def test_the_worker_runs_the_version_that_is_loaded(trained: Trained, index: Index) -> None:
    trained.session.metrics.add("float(loss)", name="warm", where="worker")
    until(lambda: "warm" in trained.session.pump.latest)  # the worker's process has begun before the bundle is there
    put_needed(index, "1.0", 4.5)
    for version, scale in [("0.1.0", 1.0), ("0.2.0", 2.0)]:
        # A function of the bundle's own, which imports what came along only when it runs.
        body = f"return scaled()\n\n\ndef scaled():\n    import bidviz_needed\n    return bidviz_needed.VALUE * {scale}"
        code = metric_code(0.0).replace("return 0.0", body).replace("metric(chart", 'metric(where="worker", chart')
        put(index, version, code, requires=("bidviz-needed",))
        trained.session.plugins.install(NAME, load=True, with_dependencies=True)
        until(lambda: trained.session.pump.latest.get("live_value") == 4.5 * scale)  # noqa: B023 - it is waited for
    assert trained.session.failures == []
    trained.session.plugins.remove(NAME)
    assert trained.goes_on()


IMPORTS = "import bidviz_core as bidviz\nfrom bidviz_needed import VALUE"


def test_code_that_somebody_changed_after_it_was_installed_is_not_loaded(trained: Trained, index: Index) -> None:
    put(index, "0.1.0", metric_code(1.5))
    trained.session.plugins.install(NAME)
    folder = Path(trained.session.plugins.pins.current()[NAME].folder)
    (folder / "bidviz_metric_live" / "__init__.py").write_text(metric_code(6.5))
    with pytest.raises(PluginError, match=r"is not what this run installed: its code has the hash .*, expected"):
        trained.session.plugins.load(NAME)
    trained.session.plugins.remove(NAME)
    trained.session.plugins.install(NAME, load=True)
    assert trained.session.metrics["live_value"].function(1) == 1.5
    assert trained.goes_on()


def test_a_bundle_that_ends_the_process_when_it_is_imported(trained: Trained, index: Index) -> None:
    put(index, "0.1.0", "raise SystemExit(3)\n")
    with pytest.raises(PluginError, match=r"could not be imported .*SystemExit: 3"):
        trained.session.plugins.install(NAME, load=True)
    assert NAME not in [info.name for info in trained.session.plugins]
    assert trained.goes_on()


def test_a_branch_goes_on_with_the_bundles_of_its_run(trained: Trained, index: Index, tmp_path: Path) -> None:
    put(index, "0.1.0", metric_code(1.5))
    trained.session.plugins.install(NAME, load=True)
    first = trained.session.run_dir
    info = bidviz.open_run(first).info
    other = tmp_path / "runs" / "branch"
    moved = type(info)(**{**{key: getattr(info, key) for key in info.__struct_fields__}, "folder": str(other)})

    def branch() -> None:
        trained.session.become(moved)
        trained.session.plugins.pins.follow()

    trained.session.boundary.call(branch)
    kept = read_pins(other)
    assert [pin.folder for pin in kept.pins[NAME]] == [
        str(first / "bundles" / NAME / f"0.1.0-{kept.pins[NAME][0].hash[:8]}")
    ]
    assert [one.version for one in kept.ran if one.name == NAME] == ["0.1.0"]
    assert trained.goes_on()
