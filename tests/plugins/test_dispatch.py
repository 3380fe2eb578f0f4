"""A plugin that fails is set aside and reported; the training and the other plugins go on."""

from __future__ import annotations

import types
from collections.abc import Callable
from importlib import import_module
from typing import Any

import pytest

from bidviz_core import hookspecs
from bidviz_core.errors import PluginError, TrainingStopped
from bidviz_core.hookspecs import hookimpl
from bidviz_core.plugins import Hooks, Plugins


def plugin(**implementations: Callable[..., Any]) -> object:
    """An object with these hook implementations."""
    return types.SimpleNamespace(**{name: hookimpl(function) for name, function in implementations.items()})


def raising(error: BaseException) -> Callable[..., None]:
    def step_ended(session: object, step: int) -> None:
        raise error

    return step_ended


@pytest.mark.parametrize("error", [ValueError("no"), SystemExit(3), MemoryError(), GeneratorExit(), RecursionError()])
def test_failing_plugin_is_set_aside_and_others_go_on(plugins: Plugins, host: Any, error: BaseException) -> None:
    seen: list[int] = []
    plugins.register(plugin(step_ended=lambda step: seen.append(step)), "first")
    plugins.register(plugin(step_ended=raising(error)), "sick")
    plugins.register(plugin(step_ended=lambda step: seen.append(-step)), "last")
    plugins.tell("step_ended", session=None, step=7)
    plugins.tell("step_ended", session=None, step=8)
    assert sorted(seen) == [-8, -7, 7, 8]
    assert [(failure.source, failure.name, failure.step) for failure in host.failures] == [("plugin", "sick", 7)]
    assert f"step_ended raised {type(error).__name__}" in host.failures[0].message
    assert "Traceback" in host.failures[0].traceback
    assert "test_dispatch.py" in host.failures[0].traceback
    assert {info.name: info.state for info in plugins if info.distribution == ""} == {
        "first": "loaded",
        "sick": "failed",
        "last": "loaded",
    }


@pytest.mark.parametrize("error", [KeyboardInterrupt(), TrainingStopped()])
def test_a_persons_wish_to_end_passes(plugins: Plugins, host: Any, error: BaseException) -> None:
    plugins.register(plugin(step_ended=raising(error)), "stopper")
    with pytest.raises(type(error)):
        plugins.tell("step_ended", session=None, step=1)
    assert host.failures == []
    assert plugins.wanted("step_ended")


def test_only_the_arguments_that_are_taken_are_passed(plugins: Plugins) -> None:
    seen: list[Any] = []
    plugins.register(plugin(step_ended=lambda: seen.append("none")), "none")
    plugins.register(plugin(step_ended=lambda step, session: seen.append((step, session))), "both")
    plugins.tell("step_ended", session="session", step=3)
    assert sorted(seen, key=str) == [(3, "session"), "none"]


def test_order_is_pluggys_and_can_be_asked_for(plugins: Plugins) -> None:
    order: list[str] = []
    late = types.SimpleNamespace(step_ended=hookimpl(trylast=True)(lambda: order.append("late")))
    early = types.SimpleNamespace(step_ended=hookimpl(tryfirst=True)(lambda: order.append("early")))
    plugins.register(late, "late")
    plugins.register(plugin(step_ended=lambda: order.append("one")), "one")
    plugins.register(early, "early")
    plugins.register(plugin(step_ended=lambda: order.append("two")), "two")
    plugins.tell("step_ended", session=None, step=1)
    assert order == ["early", "two", "one", "late"]


def test_ask_collects_and_first_stops(plugins: Plugins) -> None:
    asked: list[str] = []

    def answer(name: str, value: Any) -> Callable[..., Any]:
        return lambda: asked.append(name) or value

    plugins.register(plugin(handle_command=answer("c", "third")), "c")
    plugins.register(plugin(handle_command=answer("b", "second")), "b")
    plugins.register(plugin(handle_command=answer("a", None)), "a")
    assert plugins.ask("handle_command", session=None, command=None) == ["second", "third"]
    asked.clear()
    assert plugins.first("handle_command", session=None, command=None) == "second"
    assert asked == ["a", "b"]


def test_wanted_follows_registering_and_failing(plugins: Plugins) -> None:
    assert not plugins.wanted("step_ended")
    changes: list[bool] = []
    plugins.on_change = lambda: changes.append(plugins.wanted("step_ended"))
    plugins.register(plugin(step_ended=raising(ValueError())), "sick")
    assert plugins.wanted("step_ended")
    plugins.tell("step_ended", session=None, step=1)
    assert not plugins.wanted("step_ended")
    assert changes == [True, False]


def test_unknown_hook_is_a_mistake_of_ours(plugins: Plugins) -> None:
    with pytest.raises(KeyError, match="step_endde"):
        plugins.tell("step_endde", session=None, step=1)


@pytest.mark.parametrize(
    ("implementation", "text"),
    [
        ({"step_endde": lambda: None}, "'step_endde', which is no hook of BIDViz: did you mean step_ended"),
        ({"zzz": lambda: None}, "'zzz', which is no hook of BIDViz: the hooks are register_metrics, "),
        ({"step_ended": lambda stpe: None}, "wants 'stpe' in step_ended, which does not give it: did you mean step?"),
        (
            {"step_ended": lambda grads: None},
            "wants 'grads' in step_ended, which does not give it: there is session, step",
        ),
        ({"register_metrics": lambda grads: None}, "which does not give it: there are no arguments"),
        ({}, "implements no hook: mark its functions with @bidviz.hookimpl"),
    ],
)
def test_a_wrong_implementation_is_refused_when_registered(
    plugins: Plugins, implementation: dict[str, Callable[..., Any]], text: str
) -> None:
    with pytest.raises(PluginError, match=text):
        plugins.register(plugin(**implementation), "typo")
    assert [info.name for info in plugins if info.distribution == ""] == []
    plugins.register(plugin(step_ended=lambda: None), "typo")  # nothing of the refused one is in the way


def test_wrappers_are_refused_and_foreign_hooks_can_be_marked(plugins: Plugins) -> None:
    wrapper = types.SimpleNamespace(step_ended=hookimpl(wrapper=True)(lambda: (yield)))
    with pytest.raises(PluginError, match="'step_ended' as a wrapper, which BIDViz does not call"):
        plugins.register(wrapper, "wrapper")
    foreign = types.SimpleNamespace(other_hook=hookimpl(optionalhook=True)(lambda: None))
    plugins.register(foreign, "foreign")
    plugins.register(plugin(register_pages=lambda: [1], step_ended=lambda: None), "with a page")


def test_a_name_is_taken_once(plugins: Plugins, host: Any) -> None:
    plugins.register(plugin(step_ended=lambda: None), "one")
    with pytest.raises(PluginError, match="'one' is there already: unload it first"):
        plugins.register(plugin(step_ended=lambda: None), "one")
    same = plugin(step_ended=lambda: None)
    plugins.register(same, "a")
    with pytest.raises(PluginError, match="registered already, by another name"):
        plugins.register(same, "b")


def test_tracing_prints_each_call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("BIDVIZ_TRACE_PLUGINS", "1")
    hooks = Hooks(lambda *failure: None)
    hooks.register(plugin(step_ended=lambda session, step: None), "watcher")
    hooks.tell("step_ended", session=object(), step=4)
    assert capsys.readouterr().err == "bidviz: watcher.step_ended(session=<object>, step=4)\n"


def test_hooks_are_those_of_the_specs() -> None:
    hooks = Hooks(lambda *failure: None)
    assert hooks.names[0] == "register_metrics"
    assert set(hooks.names) == {name for name in vars(hookspecs) if hasattr(getattr(hookspecs, name), "bidviz_spec")}


def test_an_unregistered_plugin_is_not_called_again(plugins: Plugins) -> None:
    seen: list[int] = []
    plugins.register(plugin(step_ended=lambda step: seen.append(step)), "one")
    plugins.unload("one")
    plugins.tell("step_ended", session=None, step=1)
    assert seen == []
    with pytest.raises(PluginError, match="No plugin 'one' is loaded; loaded are: nothing"):
        plugins.unload("one")


def test_closing_lets_everything_go(plugins: Plugins) -> None:
    plugins.register(plugin(step_ended=lambda: None), "one")
    plugins.close()
    assert not plugins.wanted("step_ended")


def test_a_module_that_has_changed_is_looked_at_anew() -> None:
    @hookimpl
    def run_ended() -> None: ...

    @hookimpl
    def run_endet() -> None: ...

    module = types.ModuleType("changing")
    module.run_ended = run_ended  # type: ignore[attr-defined]
    hooks = Hooks(lambda *about: None)
    hooks.register(module, "changing")
    assert hooks.wanted("run_ended")
    assert hooks.unregister("changing")
    assert not hooks.wanted("run_ended")
    module.run_endet = run_endet  # type: ignore[attr-defined]
    with pytest.raises(PluginError, match="did you mean run_ended"):
        hooks.register(module, "changing")


def test_a_built_in_plugin_is_looked_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    from bidviz_core.default_plugins import NAMES
    from bidviz_core.plugins.dispatch import _Shown

    modules = {name: import_module(f"bidviz_core.default_plugins.{name}") for name in NAMES}
    for hooks in (Hooks(lambda *about: None), Hooks(lambda *about: None)):
        for name, module in modules.items():
            hooks.register(module, name)
        assert hooks.those_of(NAMES) >= {"register_metrics", "register_commands"}
        monkeypatch.setattr(_Shown, "__init__", None)
