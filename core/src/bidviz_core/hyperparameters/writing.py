"""How a policy's next value gets into its place, written out for the function that computes many of them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from bidviz_core.hyperparameters.cells import ExposedCell, OptimizerCell, plain
from bidviz_core.hyperparameters.following import follower
from bidviz_core.hyperparameters.holds import Held


@dataclass(frozen=True)
class Place:
    """Where the value of one policy goes.

    Args:
        scope: what the names in the lines stand for.
        hold: puts `v<number>` in force; may raise what a setter of the script's raises.
        look: looks whether ours is still there, before anything is computed.
        looked: notes what the step has used, where it was.
        looked_at: the held value that is looked at, or none.
    """

    scope: dict[str, Any]
    hold: list[str]
    look: list[str] = field(default_factory=list)
    looked: list[str] = field(default_factory=list)
    looked_at: Held | None = None


def place_of(number: int, helds: Sequence[Held], looks: bool) -> Place:
    """Writes out how held cells get another value within their bounds, as long as they are held in the same way.

    Args:
        number: of the policy; its value is called `v<number>`.
        helds: the cells that it holds.
        looks: whether a value behind a getter is looked at as well.
    """
    push = follower(helds)
    if looks and len(helds) == 1 and _is_plainly_exposed(helds[0]):
        return _exposed(number, helds[0])
    if all(_is_plain_number(held) for held in helds):
        return _numbers(number, helds, push)
    return Place({f"push{number}": push}, [f"push{number}(v{number})"])


def _is_plainly_exposed(held: Held) -> bool:
    cell = held.cell
    plainly = held.request.mode == "override" and held.written and type(held.mark) is float
    return plainly and isinstance(cell, ExposedCell) and cell.exposed.set is not None


def _is_plain_number(held: Held) -> bool:
    cell = held.cell
    plainly = held.request.mode == "override" and held.written and type(held.mark) is float
    return plainly and isinstance(cell, OptimizerCell) and cell.setting == cell.entry


def _exposed(number: int, held: Held) -> Place:
    assert isinstance(held.cell, ExposedCell), "asked before"
    exposed = held.cell.exposed
    scope = {
        f"held{number}": held,
        f"get{number}": exposed.get,
        f"set{number}": exposed.set,
        "plain": plain,
    }
    return Place(
        scope,
        [
            f"set{number}(v{number})",
            f"found = get{number}()",  # a setter may round
            f"held{number}.mark = found if type(found) is float else plain(found)",
            f"held{number}.following = v{number}",
        ],
        [f"if get{number}() != held{number}.mark: return False"],
        [f"held{number}.used = held{number}.mark"],
        held,
    )


def _numbers(number: int, helds: Sequence[Held], push: Any) -> Place:
    scope: dict[str, Any] = {f"push{number}": push}
    groups, tests, writes = [], [], []
    for place, held in enumerate(helds):
        cell = held.cell
        assert isinstance(cell, OptimizerCell), "asked before"
        name = f"{number}_{place}"
        scope[f"held{name}"], scope[f"optimizer{name}"] = held, cell.optimizer
        groups.append(f"group{name} = optimizer{name}.param_groups[{cell.group}]")
        lies = f"group{name}[{cell.entry!r}]"
        tests.append(f"held{name}.written and not held{name}.in_place and {lies} == held{name}.mark")
        writes.append(f"    {lies} = held{name}.mark = v{number}")
        writes.append(f"    held{name}.following = v{number}")
    return Place(
        scope,
        [
            *groups,
            f"if {' and '.join(tests)}:",
            *writes,
            "else:",  # the script has written another, or it is put in for each update
            f"    push{number}(v{number})",
        ],
    )
