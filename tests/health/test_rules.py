"""Each rule in a training that is sick in its way, and in the same training without that; and in the demo."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from support.loops import LOOPS

import bidviz_core as bidviz
import bidviz_metric_gradnorm
import bidviz_metric_health
from bidviz_core.specs import chart_from_dict, chart_to_dict
from bidviz_metric_health import RULES, settings

from .sick import TRAININGS

ROOT = Path(__file__).parents[2]


@pytest.fixture
def watch(tmp_path: Path) -> Iterator[Callable[..., Any]]:
    """Watches with the rules."""
    opened: list[Any] = []
    settings.reset()

    def attach(model: Any = None, optimizer: Any = None, **options: Any) -> Any:
        more = options.pop("bundles", ())
        options = {"dashboard": None, "plugins": (), "run_dir": tmp_path, "budget": None, **options}
        session = bidviz.watch(model, optimizer, **options)
        opened.append(session)
        for bundle in (bidviz_metric_health, *more):
            session.plugins.register(bundle, bundle.__name__)
        return session

    yield attach
    settings.reset()
    for session in opened:
        session.close()


def told(session: Any) -> list[tuple[int, str]]:
    return [(entry.step, entry.detail["rule"]) for entry in session.journal if entry.action == "health"]


def test_every_rule_has_its_sick_training() -> None:
    assert {name.partition(" ")[0] for name in TRAININGS} == set(RULES)


@pytest.mark.parametrize("name", TRAININGS)
def test_a_rule_fires_where_it_should_and_only_there(name: str, watch: Callable[..., Any]) -> None:
    rule = name.partition(" ")[0]
    sessions: list[Any] = []

    def attach(model: Any, optimizer: Any) -> Any:
        sessions.append(watch(model, optimizer))
        return sessions[-1]

    for sick in (True, False):
        torch.manual_seed(0)
        TRAININGS[name](attach, sick)
    ill, well = sessions
    assert not ill.failures, ill.failures
    assert not well.failures, well.failures
    assert rule in ill.health, list(ill.health)
    found = ill.health[rule]
    assert found.level == RULES[rule].level, found
    assert 0 < found.since <= found.step <= ill.step
    assert found.series in ill.engine.series, found
    assert rule not in well.health, well.health[rule]


def test_the_digits_demo_is_well(watch: Callable[..., Any], monkeypatch: pytest.MonkeyPatch) -> None:
    import bidviz_metric_system

    sessions: list[Any] = []

    def attach(model: Any, optimizer: Any) -> Any:
        bundles = (bidviz_metric_gradnorm, bidviz_metric_system)
        sessions.append(watch(model, optimizer, bundles=bundles))
        return sessions[-1]

    monkeypatch.setattr(bidviz, "watch", attach)
    monkeypatch.setattr(sys, "argv", ["digits.py", "--epochs", "14"])
    # The demo calls `bidviz.watch` after this module has replaced it; the fixture's own calls the original.
    with pytest.MonkeyPatch.context() as inner:
        inner.setattr(bidviz, "watch", attach)
        original = sys.modules["bidviz_core.watching"].watch
        inner.setitem(globals(), "bidviz", _With(original))
        runpy.run_path(str(ROOT / "examples/digits.py"), run_name="__main__")
    (session,) = sessions
    assert session.step >= 300
    assert not session.failures, session.failures
    assert list(session.health) == []
    assert len(session.history("health/gradients/smallest").step) >= 30


class _With:
    """The package with the original `watch`."""

    def __init__(self, watch: Any) -> None:
        self.watch = watch

    def __getattr__(self, name: str) -> Any:
        return getattr(sys.modules["bidviz_core"], name)


@pytest.mark.parametrize("name", LOOPS)
def test_usual_trainings_are_well_and_the_same_to_the_bit(name: str, watch: Callable[..., Any]) -> None:
    plain = LOOPS[name](60, lambda *_, **__: None)
    sessions: list[Any] = []
    watched = LOOPS[name](60, lambda model, optimizer, **options: sessions.append(watch(model, optimizer, **options)))
    assert not sessions[0].failures, sessions[0].failures
    assert _same(plain, watched)
    standing = [found for found in sessions[0].health if found.level != "ok"]
    assert not standing, standing


def test_findings_link_to_the_charts_of_other_bundles(watch: Callable[..., Any]) -> None:
    torch.manual_seed(0)
    sessions: list[Any] = []

    def attach(model: Any, optimizer: Any) -> Any:
        sessions.append(watch(model, optimizer, bundles=(bidviz_metric_gradnorm,)))
        return sessions[-1]

    TRAININGS["VanishingGradient"](attach, True)
    (session,) = sessions
    assert session.health["VanishingGradient"].series == "gradnorm/norm/layer/0"
    assert "0" in session.health["VanishingGradient"].text
    # The same numbers: the norm there over the root of the layer's size is what is judged.
    norm = session.history("gradnorm/norm/layer/0").value[-1]
    smallest = session.history("health/gradients/smallest").value[-1]
    assert norm / (16 * 32 + 32) ** 0.5 == pytest.approx(smallest, rel=1e-5)


def test_a_learner_without_torch_has_its_loss_judged(watch: Callable[..., Any]) -> None:
    session = watch(object())
    for step in range(60):
        session.step_done(loss=float("nan") if step == 30 else 1.0 / (1 + step))
    assert told(session) == [(40, "NanLoss")]
    assert not session.failures


def test_charts_are_plain_data_with_help() -> None:
    for metric in bidviz_metric_health.register_metrics():
        assert metric.charts
        for chart in metric.charts:
            assert chart_from_dict(chart_to_dict(chart)) == chart
            assert "Healthy:" in chart.help
            assert "Sick:" in chart.help


def _same(one: Any, other: Any) -> bool:
    if isinstance(one, torch.Tensor):
        return torch.equal(one, other)
    if isinstance(one, dict):
        return one.keys() == other.keys() and all(_same(one[key], other[key]) for key in one)
    if isinstance(one, (list, tuple)):
        return len(one) == len(other) and all(_same(a, b) for a, b in zip(one, other, strict=True))
    return bool(one == other)


@pytest.mark.parametrize("page", ["docs/health.md", "plugins/bidviz-metric-health/README.md"])
def test_every_rule_stands_in_the_documentation_with_its_defaults(page: str) -> None:
    text = (ROOT / page).read_text(encoding="utf-8")
    for rule in RULES.values():
        (row,) = [line for line in text.splitlines() if line.startswith(f"| `{rule.name}` |")]
        assert rule.help in row
        for key, threshold in rule.thresholds.items():
            assert f"`{key}` = {threshold.default:g}: {threshold.help} ({threshold.source})" in row
