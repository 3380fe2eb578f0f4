"""Each fault that a metric, a chart or a policy can have is found, and what has none is left in peace."""

from __future__ import annotations

import random
from typing import Any

import pytest
import torch

import bidviz_core as bidviz
import bidviz_metric_gradnorm
from bidviz_core.sharing.panels import _with_help
from bidviz_core.specs import unsaid_in
from bidviz_core.testing import check, run_metric
from bidviz_core.testing.chart_checks import check_charts
from bidviz_core.testing.metric_checks import try_on_all

#: Whole bundles are checked here, which takes its time on a busy machine.
pytestmark = pytest.mark.timeout(900)

CHART = bidviz.Line(title="Tried", help="Healthy: falls. Sick: climbs.")


def found(thing: Any) -> str:
    return "\n".join(map(str, check(thing)))


@bidviz.metric(name="good", chart=CHART)
def good(grads):
    """Global L2 norm of the gradients (dimensionless)."""
    return grads.norm()


def test_nothing_is_found_where_there_is_nothing() -> None:
    assert check(good) == []


def changes_a_weight(model):
    """Writes into a weight."""
    next(model.parameters()).data.mul_(1.01)
    return 1.0


def changes_a_mode(model):
    """Leaves the model in another mode."""
    model.eval()
    return 1.0


def changes_late(model, step):
    """Waits until it is no longer watched closely."""
    if step == 8:
        next(model.parameters()).data.mul_(1.01)
    return float(step)


def draws_from_torch(params):
    """Draws from the training's generator."""
    return float(torch.randn(1)) + 0 * params.norm()


def draws_from_python(params):
    """Draws from the training's generator."""
    return random.random()


def chokes_on_nan(loss):
    """Wants a number."""
    return round(float(loss) * 100)


def chokes_on_empty(grads):
    """Wants values in every tensor."""
    return {str(at): tensor.abs().max() for at, tensor in enumerate(grads.tensors)}


def chokes_on_frozen(model):
    """Takes every parameter for one with a gradient."""
    return sum(float(parameter.grad.norm()) for parameter in model.parameters())


def chokes_on_bf16(params):
    """Hands tensors to numpy."""
    return float(abs(params.tensors[0].numpy()).mean())


def test_no_help(*_: Any) -> None:
    @bidviz.metric(chart=bidviz.Line(title="Bare"))
    def bare(grads):
        return grads.norm()

    told = found(bare)
    assert "bare: it does not say what it is. Give its function a docstring" in told
    assert "chart 'Bare': it has no help text" in told


@pytest.mark.parametrize(
    ("metric", "what", "mend"),
    [
        (changes_a_weight, "changed the training", "work on a copy"),
        (changes_a_mode, "changed the training (the mode of", "leave modes"),
        (changes_late, "is another than it is without the metric", "never write through .data"),
        (draws_from_torch, "random generators (torch)", "generator of its own"),
        (draws_from_python, "random generators (random)", "generator of its own"),
        (chokes_on_nan, "whose loss becomes NaN", "NaN and Inf are values"),
        (chokes_on_empty, "which has an empty layer", "numel() == 0"),
        (chokes_on_frozen, "which has a frozen layer", "not every parameter has a gradient"),
        (chokes_on_bf16, "in bfloat16", "float32"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_a_fault_of_a_metric_is_found_with_the_way_to_mend_it(metric: Any, what: str, mend: str) -> None:
    # What it costs is another thing where the machine is busy.
    (line,) = [one for one in check(metric) if "; the budget is" not in one.what]
    assert line.about == metric.__name__
    assert what in line.what
    assert mend in line.mend


def test_what_is_dear_is_told_to_begin_seldom_and_is_left_alone_when_it_does() -> None:
    def dear(params):
        """Computes for a long time."""
        return float(torch.linalg.svdvals(torch.ones(300, 300) * params.norm().float())[0])

    (line,) = [one for one in check(bidviz.metric(dear)) if "of a step" in one.what]
    assert "Begin with every=" in line.mend
    wanted = int(line.mend.partition("every=")[2].partition(",")[0])
    seldom = bidviz.metric(every=20 * wanted)(dear)
    assert not [one for one in check(seldom) if "of a step" in one.what]


def test_costs_are_judged_on_one_thread_and_the_programs_own_threads_are_given_back() -> None:
    former = torch.get_num_threads()
    torch.set_num_threads(2)
    try:
        (counted,) = run_metric("torch.get_num_threads()", steps=2).values()
        assert list(counted) == [1, 1]
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(former)


def test_a_trial_tells_value_shape_cost_and_memory() -> None:
    trial = try_on_all(good)
    assert trial.learners == ("mlp", "cnn", "transformer", "lstm", "sparse")
    assert "kmeans" in trial.refused
    assert (trial.kind, trial.shape, trial.cost_on) == ("scalar", (), "wide")
    assert trial.cost is not None
    assert trial.cost > 0
    assert trial.share is not None
    assert 0 < trial.share < 1
    assert trial.samples["good"].step == tuple(range(1, 13))
    assert trial.varying == ()


def test_what_is_another_each_time_is_noticed() -> None:
    import time

    def clock(step):
        """Seconds (a time)."""
        return {"time": time.perf_counter() % 1, "step": float(step)}

    assert try_on_all(bidviz.metric(clock)).varying == ("clock/time",)


class Charts:
    """A plugin whose charts name what is not there."""

    def __init__(self, *charts: Any, own: Any = CHART) -> None:
        self.charts, self.own = charts, own

    @bidviz.hookimpl
    def register_metrics(self):
        return [good.with_(charts=(self.own,))]

    @bidviz.hookimpl
    def register_charts(self):
        return list(self.charts)


HELP = "Healthy: falls. Sick: climbs."


@pytest.mark.parametrize(
    ("chart", "what"),
    [
        (bidviz.Line(title="A", series=("goood",), help=HELP), "'goood', which no metric gives. Did you mean 'good'?"),
        (bidviz.Line(title="A", series=("other/*",), help=HELP), "'other/*', which no metric gives"),
        (
            bidviz.PlotlyFigure(title="A", figure={"data": [{"y": {"$series": "nowhere"}}]}, help=HELP),
            "'nowhere', which no metric gives",
        ),
        (bidviz.Line(title="A", help=HELP), "it names no series"),
        (bidviz.Line(title="A", series=("good",), help="Look."), "does not say what healthy and sick looks like"),
    ],
)
def test_a_chart_that_shows_nothing_or_says_nothing_is_found(chart: Any, what: str) -> None:
    assert what in found(Charts(chart))


@pytest.mark.parametrize(
    ("text", "missing"),
    [
        ("Norms.", "healthy and sick"),
        ("Healthy: falls.", "sick"),
        ("", "healthy and sick"),
        ("Sick: climbs.", "healthy"),
    ],
)
def test_what_a_shared_charts_author_has_yet_to_say_is_asked_for_and_lets_it_pass(text: str, missing: str) -> None:
    written = _with_help(bidviz.Line(title="A", series=("good",), help=text), "good", "It lay between 0 and 1.")
    assert written.help.startswith(text)
    assert "It lay between 0 and 1." in written.help
    [asked] = check_charts((), (written,), {"good": {"good"}}, ())
    assert asked.level == "note"
    assert f"does not say yet what is {missing}" in asked.what
    assert unsaid_in(f"{written.help} Healthy: level. Sick: jumps.") == ""


def test_a_shared_chart_whose_author_has_said_it_is_left_as_it_is() -> None:
    assert _with_help(bidviz.Line(title="A", help=HELP), "good", "It lay between 0 and 1.").help == HELP


def test_charts_may_show_what_every_run_has() -> None:
    assert check(Charts(bidviz.Line(title="A", series=("good", "loss", "lr"), help=HELP))) == []


def test_a_misspelt_hook_is_an_error() -> None:
    class Misspelt:
        @bidviz.hookimpl
        def register_metric(self):
            return [good]

    assert "did you mean register_metrics" in found(Misspelt())


def test_a_hook_that_raises_while_training_is_found() -> None:
    class Broken:
        @bidviz.hookimpl
        def register_metrics(self):
            return [good]

        @bidviz.hookimpl
        def step_ended(self, step):
            raise RuntimeError("on step")

    assert "step_ended raised RuntimeError: on step" in found(Broken())


def test_a_whole_bundle_passes() -> None:
    assert check(bidviz_metric_gradnorm) == []


@pytest.mark.parametrize(
    ("function", "what"),
    [
        (lambda base, step: base / (1 - (step == 500)), "disarmed there"),
        (lambda step: float("nan"), "cannot be previewed: lr: the formula gives nan"),
        (lambda base, step: base * 0.99**step, ""),
    ],
)
def test_policies_give_finite_values_over_a_thousand_steps(function: Any, what: str) -> None:
    policy = bidviz.policy(target="lr", name="tried")(function).with_(help="Tried.")
    told = found(policy)
    assert what in told
    assert bool(told) == bool(what)


def test_a_formula_is_a_policy_and_reads_what_the_learner_lacks() -> None:
    policy = bidviz.formula_policy("mixing", '0.5 * hp("mix") + last("val_loss")', target="strange", help="Tried.")
    assert check(policy) == []
