"""A bundle that does not load is refused with a sentence; the training, and an older version, go on."""

from __future__ import annotations

import sys
from typing import Any

import pytest

from bidviz_core.errors import PluginError
from bidviz_core.plugins import Plugins

from .samples import NAME, PACKAGE, sample, state

BROKEN = {
    "raises": (
        "raise ValueError('no luck')",
        r"could not be imported \(.*\): ValueError: no luck \(__init__.py, line \d+\)",
    ),
    "exits": ("import sys; sys.exit(3)", r"could not be imported \(.*\): SystemExit: 3"),
    "needs a module": ("import bidviz_no_such_module", "ModuleNotFoundError: No module named 'bidviz_no_such_module'"),
    "syntax": ("def f(:", "SyntaxError: invalid syntax"),
    "misspelt hook": (
        "@bidviz.hookimpl\ndef step_endde(): pass",
        "'step_endde', which is no hook of BIDViz: did you mean step_ended",
    ),
    "wrong argument": (
        "@bidviz.hookimpl\ndef run_started(sesion): pass",
        "wants 'sesion' in run_started, which does not give it: did you mean session",
    ),
    "hook raises": (
        "@bidviz.hookimpl\ndef register_policies(): return 1 / 0",
        r"register_policies raised ZeroDivisionError: division by zero \(__init__.py, line \d+\)",
    ),
    "generator raises": (
        "@bidviz.hookimpl\ndef register_policies():\n    yield 1\n    raise OSError('gone')",
        "register_policies failed: OSError: gone",
    ),
    "no metric": (
        "@bidviz.hookimpl\ndef register_metrics(): return [print]",
        "register_metrics gave .*; expected metrics",
    ),
    "no chart": (
        "@bidviz.hookimpl\ndef register_charts(): return ['Line']",
        "register_charts gave str 'Line'; expected charts",
    ),
    "no mapping": (
        "@bidviz.hookimpl\ndef register_commands(): return [1]",
        r"register_commands gave list '\[1\]'; expected a mapping",
    ),
}


@pytest.mark.parametrize(("code", "text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_bundle_is_refused_with_a_sentence_and_no_trace(
    site: Any, plugins: Plugins, host: Any, code: str, text: str
) -> None:
    site.put(NAME, "0.1.0", sample(1, more=""))
    with (site.folder / PACKAGE / "__init__.py").open("a") as file:
        file.write("\n" + code + "\n")
    with pytest.raises(PluginError, match=text):
        plugins.load(NAME)
    assert (host.metrics, host.charts) == ({}, {})
    assert not plugins.wanted("step_ended")
    assert not [name for name in sys.modules if name.startswith(PACKAGE)]
    assert state(plugins) == "failed"
    assert [failure.name for failure in host.failures] == [NAME]
    assert host.failures[0].message.endswith((".", ")", "?"))
    # Mended, it is loaded as if nothing had been.
    site.put(NAME, "0.1.1", sample(2))
    assert plugins.load(NAME).state == "loaded"
    assert host.metrics["constant"]() == 2


@pytest.mark.parametrize(("code", "text"), BROKEN.values(), ids=BROKEN)
def test_a_broken_upgrade_leaves_the_old_code_running(
    site: Any, plugins: Plugins, host: Any, code: str, text: str
) -> None:
    site.put(NAME, "0.1.0", sample(1))
    plugins.load(NAME)
    modules = {name: module for name, module in sys.modules.items() if name.startswith(PACKAGE)}
    site.put(NAME, "0.2.0", sample(2))
    with (site.folder / PACKAGE / "__init__.py").open("a") as file:
        file.write("\n" + code + "\n")
    with pytest.raises(PluginError, match=rf"{text}.* bidviz-metric-sample 0\.1\.0 goes on\."):
        plugins.reload(NAME)
    assert host.metrics["constant"]() == 1
    assert {name: module for name, module in sys.modules.items() if name.startswith(PACKAGE)} == modules
    heard: list[Any] = []
    plugins.tell("step_ended", session=heard, step=1)
    assert heard == [(1, 1)]
    assert state(plugins) == "loaded"
