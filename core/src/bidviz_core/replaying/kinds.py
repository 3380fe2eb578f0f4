"""Of which kind the journal's entries are, so that people can filter them and a replay knows what is its business."""

from __future__ import annotations

from typing import Literal, TypeAlias

Kind: TypeAlias = Literal["hyperparameters", "policies", "metrics", "console", "model", "control"]

KINDS: tuple[Kind, ...] = ("hyperparameters", "policies", "metrics", "console", "model", "control")

_ACTIONS: dict[Kind, frozenset[str]] = {
    "hyperparameters": frozenset(
        {
            "modifyParam",
            "setHyperparameter",
            "scheduleHyperparameter",
            "releaseHyperparameter",
            "keepChange",
            "overwritten",
            "proposeHyperparameters",
        }
    ),
    "policies": frozenset({"armPolicy", "disarmPolicy"}),
    "metrics": frozenset(
        {
            "addFunction",
            "addMetric",
            "replaceMetric",
            "removeMetric",
            "changeMetric",
            "saveMetrics",
            "loadMetrics",
            "restoreMetrics",
            "interruptMetric",
            "backOff",
        }
    ),
    "console": frozenset({"evaluateCommand"}),
    "model": frozenset({"changeModel", "undoModelChange"}),
}
_KIND: dict[str, Kind] = {action: kind for kind, actions in _ACTIONS.items() for action in actions}


def kind_of(action: str) -> Kind:
    """The kind of an entry by its action; whatever is not known is of the run's control."""
    known = _KIND.get(action)
    if known is not None:
        return known
    return "hyperparameters" if "Hyperparameter" in action else "policies" if "olicy" in action else "control"
