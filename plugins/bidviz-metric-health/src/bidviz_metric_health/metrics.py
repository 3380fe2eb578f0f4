"""What the rules look at: each metric takes its readings, has the rules judge them, and records the ones that count."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from fnmatch import fnmatchcase
from functools import lru_cache
from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_health import charts, units
from bidviz_metric_health.labels import Labels, labels_in, no_labels
from bidviz_metric_health.layers import (
    LASTING,
    SilentUnits,
    UsualNorms,
    badly_begun,
    is_zero,
    layer_norms,
    layer_sizes,
    vanishing,
)
from bidviz_metric_health.losses import LossCourse, Validation
from bidviz_metric_health.monitor import Monitor, Sick, monitor_of
from bidviz_metric_health.settings import threshold

if TYPE_CHECKING:
    from bidviz_core.learners.phases import PhaseTimes
    from bidviz_core.views import TensorView

#: Series that are taken for a validation loss.
VALIDATION = ("*val*loss*", "*loss*val*", "*eval*loss*", "*loss*eval*", "*test*loss*", "*loss*test*")


#: Which metric looks for which rules: without it, they do not watch.
RULES_OF = {
    "health/loss": ("NanLoss", "LossNotDecreasing", "Plateau", "Overfit", "Overtraining"),
    "health/gradients": ("VanishingGradient", "ExplodingTensor", "AllZero", "PoorWeightInitialization"),
    "health/updates": ("WeightUpdateRatio", "UnchangedTensor"),
    "health/activations": ("DeadRelu", "SaturatedActivation"),
    "health/classes": ("ClassImbalance",),
    "health/data": ("StalledDataLoader",),
}


@bidviz.metric(name="health/loss", every=10, chart=charts.LOSS)
def loss(series: Mapping[str, Any], step: int, learner: Any) -> dict[str, float] | None:
    """Mean loss of the last block of 50 steps, and the best block's (in the loss' own unit); judges NanLoss,
    LossNotDecreasing, Plateau, and with a validation loss Overfit and Overtraining.
    """
    monitor = monitor_of(learner)
    if monitor is None or "loss" not in series:
        return None
    monitor.at(step)
    course = monitor.memory.get("loss")
    if course is None:
        course = monitor.memory["loss"] = LossCourse(max(0, step - series["loss"].count))
    finite = course.add(_new_values(monitor, series, "loss"))
    monitor.judge("NanLoss", None if finite else Sick("The loss is not finite.", "loss"))
    shown = monitor.shown_by("loss", "health/loss/block")
    monitor.judge("LossNotDecreasing", _not_decreasing(monitor, course, shown))
    steps, progress = threshold("Plateau", "steps"), threshold("Plateau", "progress") / monitor.ease("Plateau")
    stuck = course.stands_still(steps, progress, threshold("Plateau", "done"))
    text = f"The loss stands still: in the last {steps:,.0f} steps it fell by less than {progress:.1%} of all its fall."
    monitor.judge("Plateau", Sick(text, shown) if stuck else None)
    for name in [name for name in series if _is_validation(name)]:
        _judge_validation(monitor, series, name, course)
    return None if course.last is None else {"block": course.last, "best": course.best}


def _not_decreasing(monitor: Monitor, course: LossCourse, shown: str) -> Sick | None:
    rule = "LossNotDecreasing"
    if course.not_fallen(threshold(rule, "steps"), threshold(rule, "fall") / monitor.ease(rule)):
        return Sick(f"In {course.seen:,} steps the loss has not fallen from its first {course.first:.4g}.", shown)
    if (lost := course.lost()) > threshold(rule, "lost") * monitor.ease(rule):
        return Sick(f"The loss is back at {course.last:.4g}: {lost:.0%} of what it had gained is lost again.", shown)
    return None


def _judge_validation(monitor: Monitor, series: Mapping[str, Any], name: str, course: LossCourse) -> None:
    values = _new_values(monitor, series, name)
    if not values or course.last is None:
        return
    validation = monitor.memory.setdefault(f"validation {name}", Validation())
    validation.add(values, course.last, threshold("Overtraining", "delta"))
    ratio = threshold("Overfit", "ratio") * monitor.ease("Overfit")
    rise = threshold("Overfit", "rise") * monitor.ease("Overfit")
    text = f"{name} is {validation.last:.4g}, above its best {validation.best:.4g}; training has {course.last:.4g}."
    sick = validation.ratio > ratio and validation.rise > rise
    monitor.judge("Overfit", Sick(text, name) if sick else None)
    late = validation.without_a_best >= threshold("Overtraining", "patience")
    text = f"{name} has had no better value than {validation.best:.4g} in {validation.without_a_best} validations."
    monitor.judge("Overtraining", Sick(text, name) if late else None)


@bidviz.metric(name="health/gradients", every=10, chart=[charts.GRADIENTS, charts.SILENT])
def gradients(grads: TensorView, params: TensorView, step: int, learner: Any) -> dict[str, float] | None:
    """Root mean square of the smallest and the largest layer gradient, and the share of units without one; judges
    VanishingGradient, ExplodingTensor, AllZero, PoorWeightInitialization, and DeadRelu where no module says more.
    """
    monitor = monitor_of(learner)
    if monitor is None or not grads.names:
        return None
    monitor.at(step)
    norms, counts = layer_norms(grads), layer_sizes(grads)
    sizes = {layer: norm / math.sqrt(max(1, counts[layer])) for layer, norm in norms.items()}

    def shown(layer: str, own: str) -> str:
        return monitor.shown_by(f"gradnorm/norm/layer/{layer}", f"health/gradients/{own}")

    at_nothing = [layer for layer, norm in norms.items() if norm == 0]
    zero = [layer for layer in at_nothing if is_zero(grads, layer)]
    _judge(monitor, "AllZero", zero, "The gradient of {} is exactly 0.", lambda layer: shown(layer, "smallest"))
    size, share = threshold("VanishingGradient", "size"), threshold("VanishingGradient", "share")
    ease = monitor.ease("VanishingGradient")
    small = [*vanishing(sizes, size / ease, share / ease), *(set(at_nothing) - set(zero))]
    least = min((sizes[layer] for layer in small), default=0.0)
    text = f"The gradient of {{}} has a root mean square of {least:.2g} or a little more."
    _judge(monitor, "VanishingGradient", small, text, lambda layer: shown(layer, "smallest"))
    _judge_exploding(monitor, norms, layer_norms(params), lambda layer: shown(layer, "largest"))
    _judge_beginning(monitor, learner, step)
    found = {"smallest": min(sizes.values()), "largest": _largest(sizes.values())}
    if "rectifiers" not in monitor.memory:
        monitor.memory["rectifiers"] = units.has_rectifiers(learner.model)
    if not monitor.memory["rectifiers"]:
        shares = monitor.memory.setdefault("silent", SilentUnits()).shares(grads)
        _judge_dead(monitor, shares, lambda layer: "health/gradients/silent")
        if shares:
            found["silent"] = max(shares.values())
    return found


def _judge_exploding(monitor: Monitor, norms: dict[str, float], weights: dict[str, float], shown: Any) -> None:
    bad = [layer for layer, norm in norms.items() if not math.isfinite(norm)]
    worse = [layer for layer, norm in weights.items() if not math.isfinite(norm)]
    usual = monitor.memory.setdefault("usual", UsualNorms())
    jumps = usual.jumps(norms, threshold("ExplodingTensor", "jump"))
    if worse:
        _judge(monitor, "ExplodingTensor", worse, "The weights of {} are not finite.", shown)
    elif bad:
        _judge(monitor, "ExplodingTensor", bad, "The gradient of {} is not finite.", shown)
    else:
        most = max(jumps.values(), default=0.0)
        text = f"The gradient of {{}} is up to {most:,.0f} times its usual norm."
        _judge(monitor, "ExplodingTensor", list(jumps), text, shown)


def _judge_beginning(monitor: Monitor, learner: Any, step: int) -> None:
    rule = "PoorWeightInitialization"
    early = step <= threshold(rule, "steps")
    if not monitor.beginning or not (early or monitor.stands(rule)):
        return
    ease = monitor.ease(rule)
    now = badly_begun(learner.model, threshold(rule, "small") / ease, threshold(rule, "large") * ease)
    # Weights that were well begun may grow as large as they like.
    wrong = [layer for layer in monitor.beginning if layer in now]
    text = f"{{}} {now[wrong[0]]}." if wrong else ""
    _judge(monitor, rule, wrong, text, lambda layer: monitor.shown_by("health/gradients/largest"))


def _judge_dead(monitor: Monitor, shares: dict[str, float], shown: Any) -> None:
    most = threshold("DeadRelu", "share") * monitor.ease("DeadRelu")
    dead = sorted((layer for layer, share in shares.items() if share > most), key=lambda layer: -shares[layer])
    worst = shares[dead[0]] if dead else 0.0
    _judge(monitor, "DeadRelu", dead, f"Up to {worst:.0%} of the units of {{}} are dead.", shown)


@bidviz.metric(name="health/updates", every=50, chart=charts.UPDATES)
def updates(updates: TensorView, params: TensorView, step: int, learner: Any) -> dict[str, float] | None:
    """Norm of the update over that of the weights after it (dimensionless), of the layers where it is smallest and
    largest; judges WeightUpdateRatio and UnchangedTensor.
    """
    monitor = monitor_of(learner)
    if monitor is None or not updates.names:
        return None
    monitor.at(step)
    changes, weights = layer_norms(updates), layer_norms(params)
    unchanged = [layer for layer, change in changes.items() if change == 0]
    ratios = {
        layer: change / weights[layer] for layer, change in changes.items() if change > 0 and weights.get(layer, 0) > 0
    }

    def shown(layer: str, own: str) -> str:
        return monitor.shown_by(f"gradnorm/updates/{layer}", f"health/updates/{own}")

    text = "{} is to be trained and does not change."
    _judge(monitor, "UnchangedTensor", unchanged, text, lambda layer: shown(layer, "smallest"))
    rule = "WeightUpdateRatio"
    ease = monitor.ease(rule)
    large = [layer for layer, ratio in ratios.items() if ratio > threshold(rule, "large") * ease]
    small = [layer for layer, ratio in ratios.items() if ratio < threshold(rule, "small") / ease]
    if large:
        most = max(ratios[layer] for layer in large)
        text = f"One update of {{}} is up to {most:.0%} of what the weights are after it."
        _judge(monitor, rule, large, text, lambda layer: shown(layer, "largest"))
    else:
        text = f"Updates of {{}} are less than {threshold(rule, 'small'):.2g} of the weights."
        _judge(monitor, rule, small, text, lambda layer: shown(layer, "smallest"))
    return {"smallest": min(ratios.values()), "largest": _largest(ratios.values())} if ratios else None


@bidviz.metric(
    name="health/activations",
    every=20,
    chart=charts.UNITS,
    modules=bidviz.Observe(units.select, units.look, before=True),
    fits=units.no_unit,
)
def activations(activations: dict[str, Any], step: int, learner: Any) -> dict[str, float] | None:
    """Share of dead ReLU units and of saturated inputs of tanh and sigmoid (0 to 1), of the worst module of each kind;
    judges DeadRelu and SaturatedActivation.
    """
    monitor = monitor_of(learner)
    if monitor is None:
        return None
    monitor.at(step)
    silent_for = monitor.memory.setdefault("silent for", {})
    dead: dict[str, float] = {}
    flat: dict[str, float] = {}
    for name, kept in activations.items():
        if isinstance(kept, tuple):
            flat[name] = float(kept[0]) / kept[1]
        elif kept is not None:
            before = silent_for.get(name)
            if before is None or before.shape != kept.shape or before.device != kept.device:
                before = kept.long() * 0
            silent_for[name] = (before + 1) * ~kept
            dead[name] = float((silent_for[name] >= LASTING).float().mean())
    found: dict[str, float] = {}
    if dead:
        # Where the bundle about activations is loaded, it has looked for longer.
        finer = _of_series(monitor, "activations/dead/lasting/")
        shares = finer if finer.keys() >= dead.keys() else dead
        _judge_dead(
            monitor,
            shares,
            lambda layer: monitor.shown_by(f"activations/dead/lasting/{layer}", "health/activations/dead"),
        )
        found["dead"] = max(shares.values())
    if flat:
        rule = "SaturatedActivation"
        most = threshold(rule, "share") * monitor.ease(rule)
        sick = sorted((name for name, share in flat.items() if share > most), key=lambda name: -flat[name])
        worst = flat[sick[0]] if sick else 0.0
        text = f"Up to {worst:.0%} of the inputs of {{}} lie where it is flat."
        _judge(
            monitor,
            rule,
            sick,
            text,
            lambda layer: monitor.shown_by(f"activations/saturation/high/{layer}", "health/activations/saturated"),
        )
        found["saturated"] = max(flat.values())
    return found or None


@bidviz.metric(name="health/classes", every=10, chart=charts.CLASSES, fits=no_labels)
def classes(learner: Any, step: int) -> dict[str, float] | None:
    """How many times more often the most frequent class came than the least frequent one, in the last 500 labels;
    judges ClassImbalance. Nothing where the targets are no classes.
    """
    monitor = monitor_of(learner)
    labels = labels_in(learner) if monitor is not None else None
    if monitor is None or labels is None or not len(labels):
        return None
    monitor.at(step)
    kept = monitor.memory.setdefault("labels", Labels())
    samples = int(threshold("ClassImbalance", "samples"))
    kept.add(labels, samples)
    if kept.count < samples:
        return None
    ratio, most, least = kept.imbalance()
    text = f"Class {most} comes {ratio:.0f} times as often as class {least}."
    sick = ratio > threshold("ClassImbalance", "ratio") * monitor.ease("ClassImbalance")
    monitor.judge("ClassImbalance", Sick(text, "health/classes/imbalance") if sick else None)
    return {"imbalance": ratio}


@bidviz.metric(name="health/data", every=50, chart=charts.DATA)
def data(phases: PhaseTimes, step: int, learner: Any) -> dict[str, float] | None:
    """The share of a step's time that goes into getting its batch (0 to 1), over the last 50 steps; judges
    StalledDataLoader.
    """
    monitor = monitor_of(learner)
    if monitor is None:
        return None
    monitor.at(step)
    last, monitor.memory["phases"] = monitor.memory.get("phases"), phases
    if last is None or phases.steps <= last.steps:
        return None
    spent = phases.since(last)
    share, each = spent.data / spent.seconds, 1000 * spent.data / spent.steps
    rule = "StalledDataLoader"
    sick = share > threshold(rule, "share") * monitor.ease(rule) and each > threshold(rule, "least") * monitor.ease(
        rule
    )
    text = f"A step waits {each:.3g} ms for its data: {share:.0%} of its time."
    shown = monitor.shown_by("system/phases/data", "health/data/share")
    monitor.judge(rule, Sick(text, shown) if sick else None)
    return {"share": share}


def _judge(monitor: Monitor, rule: str, layers: list[str], text: str, shown: Any) -> None:
    """Judges a rule by the layers that it found, `{}` in the text standing for their names."""
    if not layers:
        monitor.judge(rule, None)
        return
    named = ", ".join(layers[:3]) + (f" and {len(layers) - 3} more" if len(layers) > 3 else "")
    monitor.judge(rule, Sick(text.replace("{}", named), shown(layers[0])))


def _new_values(monitor: Monitor, series: Mapping[str, Any], name: str) -> list[float]:
    """The values of a series that have come since the last look."""
    seen = monitor.memory.setdefault("seen", {})
    count = series[name].count
    new, seen[name] = count - seen.get(name, 0), count
    return list(series[name].values(new)) if new > 0 else []


@lru_cache(maxsize=65_536)  # a run may have a thousand series, and each is asked about at each look
def _is_validation(name: str) -> bool:
    lower = name.lower()
    return not lower.startswith("health/") and any(fnmatchcase(lower, pattern) for pattern in VALIDATION)


def _of_series(monitor: Monitor, prefix: str) -> dict[str, float]:
    recorded = monitor.series()
    return {name.removeprefix(prefix): recorded[name].last for name in recorded if name.startswith(prefix)}


def _largest(values: Iterable[float]) -> float:
    """The largest; NaN where one is."""
    return math.nan if any(map(math.isnan, known := list(values))) else max(known)
