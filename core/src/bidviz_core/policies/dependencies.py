"""Who depends on whom: the order in which policies are computed, and circles refused by name."""

from __future__ import annotations

import re
from collections.abc import Iterable
from graphlib import CycleError, TopologicalSorter

from bidviz_core.errors import FormulaError
from bidviz_core.policies.rules import Rule

_GROUP = re.compile(r"\[\d+\]$")


def overlap(one: str, other: str, names: Iterable[str]) -> bool:
    """Whether two names mean the same value: a name without a group stands for those of all groups."""
    if one == other:
        return True
    known = set(names)
    return any(
        _GROUP.search(single) and _GROUP.sub("", single) == every and every in known
        for single, every in ((one, other), (other, one))
    )


def in_order(rules: Iterable[Rule], names: Iterable[str]) -> list[Rule]:
    """Sorts rules so that each is computed after those whose targets it reads.

    Args:
        rules: one for each target.
        names: the hyperparameters that there are.

    Raises:
        FormulaError: some depend on each other in a circle, which is named.
    """
    held = {rule.target: rule for rule in rules}
    names = list(names)
    graph = {
        target: {other for other in held for read in rule.reads if overlap(read, other, names)}
        for target, rule in held.items()
    }
    for target, read in graph.items():
        if target in read:
            raise FormulaError(
                f"{target} would depend on itself. What the script and its scheduler say of it is called base."
            )
    try:
        return [held[target] for target in TopologicalSorter(graph).static_order()]
    except CycleError as error:
        circle = error.args[1]
        raise FormulaError(
            f"These would depend on each other in a circle: {' → '.join(reversed(circle))}. Take one of them out of "
            "another's formula, or disarm its policy."
        ) from None
