"""Reads outputs and targets of whatever classifier as probabilities and true classes, or says that it is none."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

import bidviz_core as bidviz

#: So many examples of a step are looked at, and so many numbers: of text and pictures each place is an example.
MOST_EXAMPLES, MOST_NUMBERS = 4096, 2**22


class Reading(NamedTuple):
    """What a classifier said of n examples.

    Args:
        probabilities: n × c, of each class.
        targets: n numbers from 0 to c - 1, the true classes.
        rows: n positions of these examples among those of the batch.
        examples: how many there were in all.
        not_finite: how many of the examples looked at had scores that are no numbers; they are left out.
    """

    probabilities: Tensor
    targets: Tensor
    rows: Tensor
    examples: int
    not_finite: int

    @property
    def classes(self) -> int:
        """c, at least 2."""
        return self.probabilities.shape[1]


def read(outputs: Any, targets: Any, learner: Any, state: dict[str, Any]) -> Reading:
    """Reads a step.

    Args:
        outputs: what the model gave: a tensor, or several in lists and mappings.
        targets: what the loss compared them with.
        learner: what is trained; its loss module tells whether two classes come as probabilities.
        state: the metric's own: remembers what earlier batches showed.

    Raises:
        Unavailable: these are no scores of classes.
    """
    if not isinstance(targets, Tensor):
        raise bidviz.Unavailable(f"true classes are expected as a tensor, got {type(targets).__name__}.")
    for scores in _scores(outputs):
        if not targets.is_floating_point() and targets.dtype != torch.bool:
            rows = _as_rows(scores, targets)
            if rows is not None:
                return _reading(rows, targets.flatten(), binary=False, learner=learner, state=state)
        if (
            scores.numel() == targets.numel()
            and scores.flatten().shape == scores.shape[:1]
            and _is_yes_or_no(targets, state)
        ):
            return _reading(scores.reshape(-1, 1), targets.flatten().long(), binary=True, learner=learner, state=state)
    shapes = ", ".join(str(tuple(scores.shape)) for scores in _scores(outputs)) or "none"
    raise bidviz.Unavailable(
        f"this is no classification that could be read: outputs of shape {shapes} and targets {tuple(targets.shape)} "
        f"of {str(targets.dtype).removeprefix('torch.')}. Expected are examples × classes with whole numbers as "
        "targets, or one number an example with targets of 0 and 1."
    )


def _scores(outputs: Any) -> Iterator[Tensor]:
    for one in [outputs] if isinstance(outputs, Tensor) else tree_leaves(outputs):
        if isinstance(one, Tensor) and one.is_floating_point() and one.ndim:
            yield one


def _as_rows(scores: Tensor, targets: Tensor) -> Tensor | None:
    """Scores as examples × classes, of the shape that cross-entropy takes or with the classes last; or none."""
    if scores.ndim < 2 or not targets.numel():
        return None
    if scores.ndim == targets.ndim + 1:
        if scores.shape[0] == targets.shape[0] and scores.shape[2:] == targets.shape[1:] and scores.shape[1] > 1:
            return scores.movedim(1, -1).flatten(0, -2)
        if scores.shape[:-1] == targets.shape and scores.shape[-1] > 1:
            return scores.flatten(0, -2)
    flat = scores.flatten(0, -2)
    return flat if targets.ndim == 1 and len(flat) == len(targets) and flat.shape[1] > 1 else None


def _is_yes_or_no(targets: Tensor, state: dict[str, Any]) -> bool:
    """Whether targets are 0 and 1, and both were seen: a regression towards 0 is none."""
    if not bool(((targets == 0) | (targets == 1)).all()):
        return False
    seen = state.setdefault("targets", set())
    if len(seen) < 2:
        seen |= set(targets.flatten().float().unique().tolist())
    return len(seen) == 2


def _reading(scores: Tensor, targets: Tensor, *, binary: bool, learner: Any, state: dict[str, Any]) -> Reading:
    classes = 2 if binary else scores.shape[1]
    known = ((targets >= 0) & (targets < classes)).nonzero().flatten()  # others are padding, such as -100
    most = max(1, min(MOST_EXAMPLES, MOST_NUMBERS // classes))
    if len(known) > most:
        known = known[torch.arange(most, device=known.device) * len(known) // most]
    picked = scores[known].float()
    finite = picked.isfinite().all(1)
    probabilities = _two_classes(picked[finite], learner, state) if binary else _normalised(picked[finite])
    rows = known[finite]
    return Reading(probabilities, targets[rows].long(), rows, len(targets), int((~finite).sum()))


def _normalised(scores: Tensor) -> Tensor:
    """Probabilities of scores that may be some already; of their logarithms softmax makes them again."""
    if len(scores) and bool((scores >= 0).all()) and bool(((scores.sum(1) - 1).abs() < 1e-2).all()):
        return scores
    return scores.softmax(1)


def _two_classes(scores: Tensor, learner: Any, state: dict[str, Any]) -> Tensor:
    criterion = getattr(learner, "loss_fn", None)
    if bool(((scores < 0) | (scores > 1)).any()) or isinstance(criterion, nn.BCEWithLogitsLoss):
        state["logits"] = True
    yes = scores.sigmoid() if state.get("logits") else scores
    return torch.cat([1 - yes, yes], 1)
