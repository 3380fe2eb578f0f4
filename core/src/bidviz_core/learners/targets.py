"""Finds the targets of a loss in its graph, where the graph keeps them."""

from __future__ import annotations

from typing import Any

from torch import Tensor

#: The loss is at most so many nodes below the root of backward (scaling, weighting, a mean over heads).
_DEPTH = 24


def targets_in_graph(root: Tensor) -> Tensor | None:
    """The tensor that the loss compared the outputs with.

    Args:
        root: the root of backward, before backward has freed what the graph saved.

    Returns:
        The targets, or none where the graph keeps none (a loss written by hand, a compiled one).
    """
    pending: list[Any] = [root.grad_fn]
    for _ in range(_DEPTH):
        if not pending:
            return None
        node = pending.pop(0)
        if node is None:
            continue
        if hasattr(node, "_saved_target"):
            target = node._saved_target
            return target.detach() if isinstance(target, Tensor) else None
        pending.extend(parent for parent, _ in node.next_functions)
    return None
