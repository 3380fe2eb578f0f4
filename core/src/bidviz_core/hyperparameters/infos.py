"""A hyperparameter as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from bidviz_core.hyperparameters.cells import Cell, ExposedCell, plain
from bidviz_core.hyperparameters.fitting import scale_of
from bidviz_core.messages.steered import HyperparameterInfo

if TYPE_CHECKING:
    from bidviz_core.hyperparameters.holding import Holding
    from bidviz_core.hyperparameters.holds import Held


def info_of(name: str, cells: Sequence[Cell], holding: Holding) -> HyperparameterInfo:
    """What is said of a hyperparameter; called on the pump's thread, so values of held cells are those that the
    training thread has noted and not what happens to lie in the group just now."""
    values, bases, used = [], [], []
    helds: list[Held] = []
    for cell in cells:
        held = holding.helds.get(cell.key)
        if held is None:
            value = base = cell.read()
            last = holding.sampled.get(cell.key)
        else:
            helds.append(held)
            base, value = held.noted()
            last = plain(held.used)
        values.append(value)
        bases.append(base)
        used.append(last)
    first = cells[0]
    kind = first.kind if not isinstance(first, ExposedCell) else first.exposed.kind
    unit = first.exposed.unit or "" if isinstance(first, ExposedCell) else ""
    requests = [held.request for held in helds]
    request = requests[0] if requests else None
    return HyperparameterInfo(
        name=name,
        value=_shown(_joined(values)),
        kind=kind.__name__,
        low=first.low,
        high=first.high,
        owner=holding.owner(cells),
        unit=unit,
        requested=_joined([one.value for one in requests]) if requests else None,
        mode=request.mode if request else "",
        base=_shown(_joined(bases)),
        used=_shown(_joined(used)) if holding.stepped else None,
        author=request.author if request else "",
        since=max(one.since for one in requests) if requests else 0,
        lease=next((held.lease for held in helds if held.lease), ""),
        settable=first.settable,
        scale=scale_of(first.setting, kind, first.low, first.high),
        scheduled=holding.schedulers_rule(cells),
    )


def _joined(values: Sequence[Any]) -> Any:
    return values[0] if all(value == values[0] for value in values) else list(values)


def _shown(value: Any) -> Any:
    return value if isinstance(value, (bool, int, float, str, list, type(None))) else str(value)
