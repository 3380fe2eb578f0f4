"""Which hyperparameters somebody holds, as part of a checkpoint: who wants what, and what the script says."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.hyperparameters.cells import Cell
from bidviz_core.hyperparameters.holds import Request

if TYPE_CHECKING:
    from bidviz_core.session import Session


def held_state(session: Session) -> list[dict[str, Any]]:
    """Everything that is held; a value that ours stands in the place of comes with it."""
    return [
        {"cell": held.cell.key, "request": tuple(held.request), "written": held.written, "base": held.base}
        for held in list(session.hyperparameters.holding.helds.values())
    ]


def let_go_all(session: Session) -> None:
    """Nothing is held any more, and the optimizers have what the script and its schedulers say."""
    session.hyperparameters.holding.drop_all()


def put_back_holds(session: Session, kept: list[dict[str, Any]]) -> None:
    """Holds again what was held, but for what policies hold, which do so themselves.

    The optimizers' settings were kept as they were, with ours among them: the script's own go back under them first.
    """
    cells = {cell.key: (name, cell) for name, cell in _cells(session)}
    for one in kept:
        key = tuple(one["cell"]) if isinstance(one["cell"], list) else one["cell"]
        if key not in cells:
            continue
        name, cell = cells[key]
        if one["written"]:
            cell.put(one["base"])
        request = Request(*one["request"])
        if request.owner != "policy":
            for held in session.hyperparameters.hold_for(name, request):
                held.used = None  # what the update before the checkpoint used was not kept


def settable_values(session: Session) -> dict[str, Any]:
    """Values outside the optimizers that a person may have changed; a getter that fails is its own trouble."""
    values = {}
    for name, cell in _exposed(session):
        try:
            value = cell.read()
        except Exception:  # noqa: BLE001 - the page shows it as unreadable
            continue
        if isinstance(value, (bool, int, float, str)):
            values[name] = value
    return values


def put_back_values(session: Session, kept: dict[str, Any]) -> None:
    """Writes such values where they differ."""
    for name, cell in _exposed(session):
        if name in kept and cell.read() != kept[name]:
            cell.put(kept[name])


def _exposed(session: Session) -> list[tuple[str, Cell]]:
    return [(name, cell) for name, cell in _cells(session) if cell.number is None and not cell.settable]


def _cells(session: Session) -> list[tuple[str, Cell]]:
    """Every cell by the name that means it alone."""
    hyperparameters = session.hyperparameters
    found: dict[Any, tuple[str, Cell]] = {}
    for name in hyperparameters.names():
        cells = hyperparameters.cells(name)
        if len(cells) == 1:
            found.setdefault(cells[0].key, (name, cells[0]))
    return list(found.values())
