"""The rules: names, levels, what a threshold is by default and where that comes from."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

#: Amazon SageMaker Debugger's list of built-in rules, whose names these rules have where they do the same.
DEBUGGER = "SageMaker Debugger's built-in rule"


@dataclass(frozen=True)
class Threshold:
    """A number of a rule that can be changed.

    Args:
        default: what it is unless somebody changes it.
        help: what it means, with its unit.
        source: where the default comes from.
    """

    default: float
    help: str
    source: str = ""


@dataclass(frozen=True)
class Rule:
    """One rule.

    Args:
        name: its name in the run's health list.
        level: how bad it is.
        help: what it looks for, and what to do then.
        thresholds: its numbers by name.
        patience: so many looks in a row have to find it before it fires.
        recovery: so many looks in a row have to find nothing before it clears.
        on: whether it is on unless somebody turns it off.
    """

    name: str
    level: Literal["warning", "bad"]
    help: str
    thresholds: dict[str, Threshold]
    patience: int = 3
    recovery: int = 6
    on: bool = True


_ALL = (
    Rule(
        "NanLoss",
        "bad",
        "The loss is NaN or infinite: what follows is worth nothing. Go back to a checkpoint; lower the learning rate, "
        "clip gradients, look for a logarithm or a division of 0.",
        {},
        patience=1,
        recovery=10,
    ),
    Rule(
        "LossNotDecreasing",
        "warning",
        "The loss has not fallen since the first steps, or has lost half of what it had gained. Change the learning "
        "rate (too low, or much too high), look at labels and at what is frozen.",
        {
            "steps": Threshold(500, "steps that a training is given before it must have fallen", "ten in " + DEBUGGER),
            "fall": Threshold(0.001, "least fall, as a share of the first loss", f"0.1 % in {DEBUGGER}"),
            "lost": Threshold(0.5, "share of what was gained that may be lost again", "ours: far beyond noise"),
        },
    ),
    Rule(
        "Plateau",
        "warning",
        "The loss stands still far above nothing. Lower or warm up the learning rate again, or stop.",
        {
            "steps": Threshold(2000, "steps without progress", "about ten epochs, ReduceLROnPlateau's patience"),
            "progress": Threshold(0.005, "least progress, as a share of all that was gained so far", "ours"),
            "done": Threshold(0.1, "share of the first loss below which a training is done, not stuck", "ours"),
        },
    ),
    Rule(
        "Overfit",
        "warning",
        "The validation loss rises above its best, and far above the training loss. Stop, take the best checkpoint, "
        "regularize, get more data.",
        {
            "ratio": Threshold(0.5, "(validation - training) / training", f"0.1 in {DEBUGGER}; healthy nets have more"),
            "rise": Threshold(0.1, "rise over the best, as a share of what validation had gained", "ours"),
        },
        recovery=3,
    ),
    Rule(
        "Overtraining",
        "warning",
        "Validation has not improved for long. Stop early; the best checkpoint is an old one.",
        {
            "patience": Threshold(10, "validations without a new best", f"patience_validation in {DEBUGGER}"),
            "delta": Threshold(0.01, "least improvement, as a share of the best", f"delta in {DEBUGGER}"),
        },
        patience=1,
        recovery=1,
    ),
    Rule(
        "VanishingGradient",
        "warning",
        "A layer's gradient is next to nothing: it does not learn. Residual connections, normalization, another "
        "non-linearity or initialization help.",
        {
            "size": Threshold(1e-8, "root mean square of a layer's gradient", f"mean of 1e-7 in {DEBUGGER}"),
            "share": Threshold(1e-4, "that, as a share of the median layer's", "gradnorm's diagnosis"),
        },
    ),
    Rule(
        "ExplodingTensor",
        "bad",
        "Gradients or weights are NaN or infinite, or a layer's gradient is far beyond what it was. Clip gradients, "
        "lower the learning rate.",
        {"jump": Threshold(1000, "times a layer's own average", f"ours; NaN and Inf as in {DEBUGGER}")},
        patience=1,
        recovery=10,
    ),
    Rule(
        "AllZero",
        "warning",
        "A layer's gradient is exactly 0: nothing of the loss reaches it. A detached tensor, a dead layer, a mask.",
        {},
    ),
    Rule(
        "DeadRelu",
        "warning",
        "Many units of a layer are never active for any example, and get no gradient. Lower the learning rate; "
        "LeakyReLU or GELU cannot die.",
        {"share": Threshold(0.5, "share of a layer's units", f"threshold_layer in {DEBUGGER}")},
    ),
    Rule(
        "SaturatedActivation",
        "warning",
        "Most inputs of a tanh or sigmoid lie where it is flat. Smaller weights, normalization before it.",
        {
            "share": Threshold(0.5, "share of the values of a call", f"threshold_layer in {DEBUGGER}"),
            "slope": Threshold(0.05, "share of the steepest slope below which it is flat", "a twentieth; 1e-7 there"),
        },
    ),
    Rule(
        "PoorWeightInitialization",
        "warning",
        "In the first steps: a layer's weights are all alike, all 0 or far too large or small for its inputs.",
        {
            "large": Threshold(10, "standard deviation times root of inputs", "1 is Glorot & Bengio 2010, √2 He 2015"),
            "small": Threshold(0.01, "the same", "GPT-2's residual layers have about 0.05"),
            "steps": Threshold(100, "steps in which it looks", f"the first ten in {DEBUGGER}"),
        },
        patience=1,
        recovery=1,
    ),
    Rule(
        "WeightUpdateRatio",
        "warning",
        "Updates are out of proportion to the weights: about 1e-3 is usual. Change the learning rate.",
        {
            "large": Threshold(0.5, "norm of a layer's update / norm of its weights after it", "ours: 1 is the most"),
            "small": Threshold(1e-8, "the same", f"small_threshold in {DEBUGGER}"),
        },
    ),
    Rule(
        "UnchangedTensor",
        "warning",
        "A layer that is to be trained does not change at all. Is it in the optimizer? Is its learning rate 0?",
        {},
    ),
    Rule(
        "ClassImbalance",
        "warning",
        "Some classes are far more frequent than others. Weight the loss, or sample evenly.",
        {
            "ratio": Threshold(10, "most frequent / least frequent class", f"threshold_imbalance in {DEBUGGER}"),
            "samples": Threshold(500, "labels that are counted", f"samples in {DEBUGGER}"),
        },
    ),
    Rule(
        "StalledDataLoader",
        "warning",
        "The training waits for its data. More workers, a cache, less work for each example.",
        {
            "share": Threshold(0.5, "share of the step's time", "half of the machine stands idle"),
            "least": Threshold(5.0, "milliseconds a step below which it does not matter", "ours"),
        },
    ),
)

RULES: dict[str, Rule] = {rule.name: rule for rule in _ALL}
