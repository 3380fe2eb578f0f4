"""One change of one hyperparameter, and the answer to whoever asked for it."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from bidviz_core.control.leases import Lease
from bidviz_core.control.reply import Reply
from bidviz_core.messages.steering import SetHyperparameterContent

if TYPE_CHECKING:
    from bidviz_core.hyperparameters.holds import Held, Request

_NOT_YET = "used from the next update on"


@dataclass(eq=False)
class Change:
    """One change of one hyperparameter.

    Args:
        name: the hyperparameter.
        mode: `"override"`, `"scale"` or `"release"`.
        requested: the value or factor asked for.
        author: who asked.
        step: the step at whose boundary it took hold; none for one that is still to come.
        notes: what is to be said of it.
        request: what was asked of the cells; none for a release.
        helds: the cells that it holds.
        former: what was asked of each of them before.
        lease: what ends it.
    """

    name: str
    mode: str
    requested: Any
    author: str
    step: int | None
    notes: list[str] = field(default_factory=list)
    request: Request | None = None
    helds: list[Held] = field(default_factory=list)
    former: list[Request | None] = field(default_factory=list)
    lease: Lease | None = None
    applied: Any = None
    used: Any = None
    entry: int = 0
    proven: bool = False

    def reply(self) -> Reply:
        """The answer to whoever asked for it."""
        notes = [*self.notes, *([] if self.proven else [_NOT_YET])]
        data = {
            "name": self.name,
            "requested": self.requested,
            "applied": self.applied,
            "used": self.used,
            "mode": self.mode,
            "note": "; ".join(notes),
        }
        return Reply(True, data, self.step)


def stands(change: Change) -> bool:
    """Whether nobody has changed it again in all that it holds."""
    return any(held.request is change.request for held in change.helds)


def grouped(name: str, mine: list[tuple[Held, Request | None]]) -> list[tuple[str, Request | None]]:
    """What goes back under which name: all groups at once where all were the same before."""
    formers = [former for _, former in mine]
    if all(former is formers[0] or former == formers[0] for former in formers):
        return [(name, formers[0])]
    return [(f"{name}[{held.cell.group}]", former) for held, former in mine]


def full_name(content: SetHyperparameterContent) -> str:
    """The name with its group."""
    suffix = f"[{content.group}]" if content.group is not None else ""
    return content.name if content.name.endswith(suffix) and suffix else content.name + suffix


def group_of(name: str, cells: Any) -> int | None:
    """The group that a name means, if it is one alone."""
    first = cells[0]
    if first.number is None or len(cells) > 1:
        return None
    return int(first.group) if name.endswith(f"{first.setting}[{first.group}]") else None
