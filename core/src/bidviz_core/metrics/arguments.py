"""The names a metric can ask for, with a word about each: the one table that code, page and docs share."""

from __future__ import annotations

from difflib import get_close_matches

from bidviz_core.errors import MetricError

ARGUMENTS: dict[str, str] = {
    "model": "the model, as given to watch",
    "optimizer": "the optimizer (a list where there are several)",
    "learner": "what is being trained: .model, .optimizers, .hyperparameters",
    "step": "the step, from 1",
    "epoch": "the epoch, or None where nothing counts epochs",
    "hyperparameters": "values by name: hyperparameters['lr']",
    "batch": "the inputs of the last forward pass, as the model got them",
    "minibatch": "the same as batch",
    "inputs": "the first input of the last forward pass",
    "targets": "what the loss compared the outputs with",
    "outputs": "what the model gave in the last forward pass, detached",
    "loss": "the loss, detached and unscaled",
    "params": "all trainable tensors after the update: .norm(), .norms(), .flat(), ['layer.weight']",
    "grads": "their gradients as the update used them, unscaled, clipped if the script clips",
    "raw_grads": "their gradients before clipping",
    "updates": "what the update changed: after minus before",
    "activations": "outputs of the modules that modules= selects, by name",
    "second_pass": "the loss as a function of the parameters: .loss(params), .params, .gradients(params)",
    "phases": "seconds so far by phase: .data, .forward, .backward, .update, .ours, .other; .steps, .since(earlier)",
    "series": "values of other metrics: series['loss'].last, .mean(100), .ewma(0.9)",
    "state": "a dict of this metric's own",
}

#: Names in scope of typed code beside the arguments.
MODULES: dict[str, str] = {
    "torch": "PyTorch",
    "np": "NumPy",
    "math": "the standard library's math",
    "bidviz": "bidviz_core: Histogram, Matrix, Image, Table, Text and the chart kinds",
}

#: What needs a forward pass or an update of the coming step, so that a paused run cannot give it at once.
OF_THE_PASS = frozenset(
    {"batch", "minibatch", "inputs", "targets", "outputs", "activations", "updates", "raw_grads", "second_pass"}
)


def check_arguments(name: str, arguments: tuple[str, ...]) -> None:
    """Refuses arguments that nobody can give.

    Raises:
        MetricError: an unknown argument, with the closest known one and the list of all.
    """
    unknown = [argument for argument in arguments if argument not in ARGUMENTS]
    if unknown:
        near = get_close_matches(unknown[0], ARGUMENTS, 1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise MetricError(
            f"The metric {name!r} asks for {unknown[0]!r}, which is not known.{guess} "
            f"A metric can ask for: {', '.join(ARGUMENTS)}."
        )
