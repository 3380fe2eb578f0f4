"""Bundles come, change and go while the session lives, and leave nothing behind."""

from __future__ import annotations

import linecache
import os
import random
import shutil
import sys
import textwrap
from pathlib import Path
from typing import Any

import pytest

from bidviz_core.errors import PluginError
from bidviz_core.plugins import Plugins

from .samples import NAME, PACKAGE, sample, state, wheel_hash


def test_load_and_unload_leave_nothing_behind(site: Any, plugins: Plugins, host: Any) -> None:
    modules, path, cached = set(sys.modules), list(sys.path), set(linecache.cache)
    site.put(NAME, "0.1.0", sample(1))
    assert state(plugins) == "offered"
    info = plugins.load(NAME)
    assert (info.state, info.version, info.metrics, info.hash) == (
        "loaded",
        "0.1.0",
        ("constant",),
        wheel_hash(sample(1)),
    )
    assert host.metrics["constant"].origin == f"{NAME} 0.1.0"
    assert host.metrics["constant"]() == 1
    assert [chart.title for chart in host.charts[f"{NAME} 0.1.0"]] == ["Sample"]
    heard: list[Any] = []
    plugins.tell("step_ended", session=heard, step=5)
    assert heard == [(1, 5)]
    linecache.getlines(str(site.folder / PACKAGE / "metrics.py"))

    assert plugins.unload(NAME).state == "offered"
    assert host.metrics == {}
    assert host.charts == {}
    assert not plugins.wanted("step_ended")
    assert {name for name in sys.modules if name.startswith(PACKAGE)} == set()
    assert set(sys.modules) - modules <= {name for name in sys.modules if "bidviz_metric" not in name}
    assert sys.path == path
    assert set(linecache.cache) - cached == set()
    assert host.failures == []


def test_is_found_by_its_entry_point_too(site: Any, plugins: Plugins) -> None:
    site.put(NAME, "0.1.0", sample(1))
    assert plugins.load("sample").name == NAME
    assert plugins.unload("Bidviz_Metric.Sample").state == "offered"
    with pytest.raises(PluginError, match=r"No bundle 'smple' is installed here; installed are: .*metric-sample"):
        plugins.load("smple")


def test_loading_twice_says_what_to_do(site: Any, plugins: Plugins) -> None:
    site.put(NAME, "0.1.0", sample(1))
    plugins.load(NAME)
    with pytest.raises(PluginError, match=r"bidviz-metric-sample 0\.1\.0 is loaded already: reload it"):
        plugins.load(NAME)


def test_installation_and_removal_are_noticed(site: Any, plugins: Plugins) -> None:
    assert NAME not in [info.name for info in plugins.scan()]
    site.put(NAME, "0.1.0", sample(1))
    offered = [info for info in plugins.scan() if info.name == NAME]
    assert [(info.state, info.version) for info in offered] == [("offered", "0.1.0")]
    plugins.load(NAME)
    site.put(NAME, "0.2.0", sample(2))
    info = next(info for info in plugins.scan() if info.name == NAME)
    assert (info.state, info.version, info.installed, info.outdated) == ("loaded", "0.1.0", "0.2.0", True)
    site.remove(NAME)
    info = next(info for info in plugins.scan() if info.name == NAME)
    assert (info.state, info.version, info.installed, info.outdated) == ("loaded", "0.1.0", "", False)
    plugins.unload(NAME)
    assert NAME not in [info.name for info in plugins.scan()]


def test_a_whole_folder_that_goes_soon_after_it_came_is_noticed(site: Any, plugins: Plugins) -> None:
    site.put(NAME, "0.1.0", sample(1))
    assert NAME in [info.name for info in plugins.scan()]
    shutil.rmtree(site.folder)
    assert NAME not in [info.name for info in plugins.scan()]


def test_a_bundle_that_is_still_being_written_is_not_offered(site: Any, plugins: Plugins) -> None:
    site.put(NAME, "0.1.0", sample(1), records=False)
    assert NAME not in [info.name for info in plugins.scan()]
    (site.folder / f"{PACKAGE}-0.1.0.dist-info" / "RECORD").write_text("")
    assert NAME in [info.name for info in plugins.scan()]


def test_upgrade_replaces_the_old_code(site: Any, plugins: Plugins, host: Any) -> None:
    site.put(NAME, "0.1.0", sample(1))
    plugins.load(NAME)
    old = host.metrics["constant"]
    site.put(NAME, "0.2.0", sample(2))
    done = plugins.reload(NAME)
    assert (done.old_version, done.version) == ("0.1.0", "0.2.0")
    assert (done.old_hash, done.hash) == (wheel_hash(sample(1)), wheel_hash(sample(2)))
    assert host.metrics["constant"]() == 2
    assert old() == 1
    assert host.metrics["constant"].origin == f"{NAME} 0.2.0"
    assert list(host.charts) == [f"{NAME} 0.2.0"]
    assert "return 2" in host.metrics["constant"].code
    heard: list[Any] = []
    plugins.tell("step_ended", session=heard, step=5)
    assert heard == [(2, 5)]


def test_an_edit_within_the_same_second_and_size_is_taken(site: Any, plugins: Plugins, host: Any) -> None:
    # Python's bytecode cache cannot tell these two apart.
    moment = random.Random(0).randrange(1_600_000_000, 1_700_000_000)
    for value in (1, 2, 3):
        site.put(NAME, "0.1.0", sample(value))
        for path in (site.folder / PACKAGE).glob("*.py"):
            os.utime(path, (moment, moment))
        plugins.reload(NAME) if value > 1 else plugins.load(NAME)
        assert host.metrics["constant"]() == value
    plugins.unload(NAME)
    site.put(NAME, "0.1.0", sample(4))
    for path in (site.folder / PACKAGE).glob("*.py"):
        os.utime(path, (moment, moment))
    plugins.load(NAME)
    assert host.metrics["constant"]() == 4


def test_requirements_are_checked_before_the_code_runs(site: Any, plugins: Plugins, host: Any) -> None:
    ran = "raise AssertionError('imported')"
    site.put(NAME, "0.1.0", {f"{PACKAGE}/__init__.py": ran}, requires=("bidviz-core>=9",))
    with pytest.raises(
        PluginError, match=r"sample 0\.1\.0 needs bidviz-core>=9, but bidviz-core .* is installed: upgrade"
    ):
        plugins.load(NAME)
    assert "bidviz-core>=9" in next(info.error for info in plugins if info.name == NAME)
    site.put(NAME, "0.1.0", {f"{PACKAGE}/__init__.py": ran}, requires=("bidviz-no-such-thing",))
    with pytest.raises(PluginError, match="needs bidviz-no-such-thing, which is not installed: pip install"):
        plugins.load(NAME)
    requires = ("bidviz-core>=0.1", "bidviz-nothing; extra == 'all'", "bidviz-nothing; python_version < '3'")
    site.put(NAME, "0.1.0", sample(1), requires=requires)
    assert plugins.load(NAME).state == "loaded"


def test_what_this_learner_cannot_give_is_left_out(site: Any, plugins: Plugins, host: Any) -> None:
    files = sample(1)
    files[f"{PACKAGE}/metrics.py"] += (
        "\n            @bidviz.metric\n            def other(grads):\n                return 2\n"
    )
    files[f"{PACKAGE}/__init__.py"] = files[f"{PACKAGE}/__init__.py"].replace("constant]", "constant, other]")
    files[f"{PACKAGE}/__init__.py"] = files[f"{PACKAGE}/__init__.py"].replace(
        "import constant", "import constant, other"
    )
    host.unavailable = frozenset({"grads"})
    site.put(NAME, "0.1.0", files)
    info = plugins.load(NAME)
    assert (info.state, info.error) == ("loaded", "Left out: other cannot have what it asks for.")
    assert list(host.metrics) == ["constant"]


def test_a_bundle_with_nothing_for_this_learner_is_no_failure_at_the_start(
    site: Any, plugins: Plugins, host: Any
) -> None:
    files = sample(1)
    files[f"{PACKAGE}/metrics.py"] = files[f"{PACKAGE}/metrics.py"].replace("constant()", "constant(grads)")
    host.unavailable = frozenset({"grads"})
    site.put(NAME, "0.1.0", files)
    infos = plugins.load_installed([NAME])
    assert host.failures == []
    assert "has no metric for this run" in next(info.error for info in infos if info.name == NAME)
    assert state(plugins) == "offered"
    with pytest.raises(PluginError, match="has no metric for this run: constant cannot have what it asks for"):
        plugins.load(NAME)
    site.put(NAME, "0.1.1", sample(1))
    [info] = [info for info in plugins.scan() if info.name == NAME]
    assert (info.version, info.state, info.error) == ("0.1.1", "offered", ""), "another version was not tried"


def test_the_start_goes_on_past_a_broken_bundle(site: Any, plugins: Plugins, host: Any) -> None:
    site.put("bidviz-metric-broken", "1.0", {"bidviz_metric_broken/__init__.py": "1 / 0"})
    site.put(NAME, "0.1.0", sample(1))
    infos = {info.name: info.state for info in plugins.load_installed(["broken", NAME, "absent"])}
    assert infos["bidviz-metric-broken"] == "failed"
    assert infos[NAME] == "loaded"
    assert [failure.name for failure in host.failures] == ["bidviz-metric-broken", "absent"]
    assert "ZeroDivisionError" in host.failures[0].traceback


def test_an_observer_that_fails_keeps_its_metrics_and_is_mended_by_a_reload(
    site: Any, plugins: Plugins, host: Any
) -> None:
    site.put(NAME, "0.1.0", sample(1, more="    raise ValueError('sick')"))
    plugins.load(NAME)
    plugins.tell("step_ended", session=[], step=3)
    assert state(plugins) == "failed"
    assert "step_ended raised ValueError: sick" in host.failures[0].message
    assert f"{PACKAGE}/__init__.py" in host.failures[0].traceback
    assert list(host.metrics) == ["constant"]
    site.put(NAME, "0.1.1", sample(1))
    plugins.reload(NAME)
    assert state(plugins) == "loaded"
    assert plugins.wanted("step_ended")


def test_a_metric_name_that_is_taken(site: Any, plugins: Plugins, host: Any) -> None:
    site.put(NAME, "0.1.0", sample(1))
    plugins.load(NAME)
    other = {path.replace("sample", "twin"): text.replace("sample", "twin") for path, text in sample(2).items()}
    site.put("bidviz-metric-twin", "0.1.0", other)
    with pytest.raises(PluginError, match="There is a metric 'constant' already"):
        plugins.load("twin")
    assert host.metrics["constant"]() == 1
    assert list(host.charts) == [f"{NAME} 0.1.0"]


def test_an_editable_install_made_while_running(site: Any, plugins: Plugins, host: Any, tmp_path: Path) -> None:
    source = tmp_path / "checkout" / "src"
    for path, text in sample(1).items():
        target = source / path
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(textwrap.dedent(text))
    path = list(sys.path)
    site.put(NAME, "0.1.0", {"_bidviz_metric_sample.pth": str(source)})
    info = plugins.load(NAME)
    assert info.hash == wheel_hash(sample(1))
    assert host.metrics["constant"]() == 1
    (source / PACKAGE / "metrics.py").write_text((source / PACKAGE / "metrics.py").read_text().replace("1", "7"))
    done = plugins.reload(NAME)
    assert done.old_hash != done.hash
    assert host.metrics["constant"]() == 7
    plugins.unload(NAME)
    assert sys.path == path


def test_modules_of_others_stay(site: Any, plugins: Plugins) -> None:
    shared = {
        "bidviz_shared/one.py": "",
        f"{PACKAGE}/__init__.py": sample(1)[f"{PACKAGE}/__init__.py"]
        + "\nimport bidviz_shared.one, bidviz_shared.two, bidviz_metric_sampler",
    }
    site.put(
        "bidviz-other",
        "1.0",
        {"bidviz_shared/two.py": "", "bidviz_metric_sampler.py": ""},
        entry_point="other = bidviz_shared.two",
    )
    site.put(NAME, "0.1.0", {**sample(1), **shared})
    plugins.load(NAME)
    plugins.unload(NAME)
    left = {name for name in sys.modules if name.startswith(("bidviz_shared", PACKAGE))}
    assert left == {"bidviz_shared", "bidviz_shared.two", "bidviz_metric_sampler"}


def test_a_second_session_shares_the_modules(site: Any, plugins: Plugins, host: Any) -> None:
    site.put(NAME, "0.1.0", sample(1))
    plugins.load(NAME)
    module = sys.modules[PACKAGE]
    plugins.close()
    host.metrics.clear()
    second = Plugins(host)
    second.load(NAME)
    assert sys.modules[PACKAGE] is module
    second.close()
    host.metrics.clear()
    site.put(NAME, "0.2.0", sample(2))
    third = Plugins(host)
    third.load(NAME)
    assert host.metrics["constant"]() == 2
    third.close()


def test_nothing_here_can_install(plugins: Plugins) -> None:
    with pytest.raises(PluginError, match="Nothing here can install bundles: pip install bidviz-registry"):
        plugins.install("bidviz-metric-sample")


def test_a_refused_installation_is_no_failure_of_the_installer(plugins: Plugins, host: Any) -> None:
    from types import SimpleNamespace

    from bidviz_core.hookspecs import hookimpl

    @hookimpl
    def install_bundle(requirement: str) -> object:
        if requirement == "nothing":
            return None
        if requirement == "crash":
            raise OSError("disk gone")
        raise PluginError(f"{requirement} is refused.")

    plugins.register(SimpleNamespace(install_bundle=install_bundle), "installer")
    with pytest.raises(PluginError, match=r"torch is refused\."):
        plugins.install("torch")
    with pytest.raises(PluginError, match="Installing 'crash' failed: OSError: disk gone"):
        plugins.install("crash")
    with pytest.raises(PluginError, match="Nothing here knows how to install 'nothing'"):
        plugins.install("nothing")
    assert plugins.wanted("install_bundle")
    assert host.failures == []


def test_what_only_finds_and_installs_bundles_says_so(site: Any, plugins: Plugins) -> None:
    finding = """
        import bidviz_core as bidviz

        @bidviz.hookimpl
        def find_bundles(query, pins):
            return []
    """
    site.put("bidviz-finder", "0.1.0", {"bidviz_finder.py": finding})
    site.put(NAME, "0.1.0", sample(1))
    assert plugins.load("bidviz-finder").serves
    assert not plugins.load(NAME).serves
    more = """
        @bidviz.hookimpl
        def step_ended(session, step):
            pass
    """
    site.put("bidviz-finder", "0.2.0", {"bidviz_finder.py": finding + more})
    plugins.reload("bidviz-finder")
    told = {one.name: one.serves for one in plugins}
    assert not told["bidviz-finder"], "it does something at every step: that is shown"
