"""Many policies computed and put in force by one function, made anew whenever they change: calls cost it most.

Between two steps the processor's caches are full of the training's tensors, where each function that is called costs
about a microsecond. So the formulas are written out in it, which read what others give from its own variables, and so
is the writing of plain values. Its text is made of numbers and of formulas that were built anew from known nodes.

Whatever is out of the ordinary (a value out of bounds, one that is not there yet, an error, a value of the script's in
the place of ours) makes it give up; each policy is then computed by itself, which knows what to say.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

from bidviz_core.policies.armed import Armed, Getter
from bidviz_core.policies.formula import GLOBALS
from bidviz_core.policies.language import Input
from bidviz_core.policies.readings import Reading, SinceBest

if TYPE_CHECKING:
    from bidviz_core.hyperparameters.holding import Holding
    from bidviz_core.hyperparameters.holds import Held
    from bidviz_core.hyperparameters.writing import Place

#: A longer formula, or one with more brackets, is called: Python's compiler takes 200 within each other.
_LONGEST, _MOST_BRACKETS = 500, 40
_ARGUMENT = re.compile(r"\b_(\d+)\b")


class Surrounds:
    """What the function reads and tells, of the session.

    Args:
        boundary: has the present `step`.
        holding: what is held.
        reading: gives the reading of a series.
        getter: gives what any other input is read by.
        settle: takes in what series gave since the last boundary, where the function is to do that.
        record: told which policies' values have changed (a number with a bit for each), those values, and the moment.
    """

    def __init__(
        self,
        boundary: Any,
        holding: Holding,
        reading: Callable[[Input], Reading],
        getter: Callable[[Armed, Input], Getter],
        settle: Callable[[], None] | None,
        record: Callable[[int, list[float], float], None],
    ) -> None:
        self.boundary = boundary
        self.holding = holding
        self.reading = reading
        self.getter = getter
        self.settle = settle
        self.record = record


class Together:
    """Policies that are computed together.

    Args:
        policies: in their order; all of them in force.
        around: what they read and tell.
        looks: whether values behind a getter are looked at here, as `Held.look` does at each step boundary.

    Raises:
        LookupError: one of them is not held in a way that can be repeated.
    """

    def __init__(self, policies: Sequence[Armed], around: Surrounds, looks: bool) -> None:
        places = [around.holding.place(one.target, number, looks) for number, one in enumerate(policies)]
        #: Held values that it looks at at each step boundary.
        self.looked_at: frozenset[Held] = frozenset(place.looked_at for place in places if place.looked_at is not None)
        self.source, scope = _write(policies, places, around)
        exec(compile(self.source, "<policies>", "exec"), scope)
        #: Called with the step, the moment, and whether somebody else has noted already what the step has used:
        #: computes all, holds and records what has changed, and says whether that is all there is to do. Otherwise
        #: each has to be computed by itself, those that were held already too.
        self.advance: Callable[[int, float, bool], bool] = scope["advance"]
        #: The same at a calm step, where nobody else has: what the step has used is noted as well.
        self.advance_calmly: Callable[[int, float], bool] = scope["advance"]


def fits(policies: Sequence[Armed]) -> bool:
    """Whether policies can be computed together: all are in force, give floats, and can be computed twice."""
    return bool(policies) and all(
        one.state == "armed" and one.value is not None and not one.whole and one.repeatable for one in policies
    )


def _write(policies: Sequence[Armed], places: Sequence[Place], around: Surrounds) -> tuple[str, dict[str, Any]]:
    """The text of the function, and what the names in it stand for."""
    scope: dict[str, Any] = {
        **GLOBALS,
        "float": float,
        "type": type,
        "Exception": Exception,
        "boundary": around.boundary,
        "holding": around.holding,
        "record": around.record,
        "settle": around.settle,
    }
    looks: list[str] = []
    computes: list[str] = []
    holds: list[str] = []
    reads = _Reads(scope, around)
    done: dict[str, int] = {}
    for number, (one, place) in enumerate(zip(policies, places, strict=True)):
        scope.update(place.scope)
        looks += place.look
        given = [
            f"v{done[read.name]}" if read.kind == "hyperparameter" and read.name in done else reads.name(one, read)
            for read in one.rule.inputs
        ]
        scope[f"low{number}"], scope[f"high{number}"], scope[f"policy{number}"] = one.low, one.high, one
        computes.append(f"v{number} = {_expression(number, one, given, scope)}")
        computes.append(f"if not low{number} <= v{number} <= high{number}: return False")
        if one.rule.formula is None:
            computes.append(f"if type(v{number}) is not float: return False")
        holds += [
            f"if v{number} != policy{number}.value:",
            "    try:",
            *(f"        {line}" for line in place.hold),
            f"        policy{number}.value = v{number}",
            f"        which |= {1 << number}",
            f"        add(v{number})",
            "    except Exception:",
            "        well = False",
        ]
        if one.rule.mode == "override":
            done[one.target] = number
    lines = [
        f"if holding.version != {around.holding.version}: return False",
        "try:",
        *(["    settle()"] if around.settle is not None else []),
        *(f"    {line}" for line in (*looks, *reads.lines, *computes)),
        "except Exception:",
        "    return False",
        "if not noted:",
        *(f"    {line}" for line in (*(line for place in places for line in place.looked), "pass")),
        "well, which, values = True, 0, []",
        "add = values.append",
        *holds,
        "if which: record(which, values, moment)",
        "if not (well or noted): holding.noted = step",  # values of the next step stand there already
        "return well",
    ]
    return "\n".join(["def advance(step, moment, noted=False):", *(f"    {line}" for line in lines), ""]), scope


def _expression(number: int, one: Armed, given: Sequence[str], scope: dict[str, Any]) -> str:
    """What computes a policy of its inputs, by their names in the function."""
    written = one.rule.formula.source if one.rule.formula is not None else ""
    if written and len(written) <= _LONGEST and written.count("(") <= _MOST_BRACKETS:
        return _ARGUMENT.sub(lambda found: given[int(found[1])], written)
    scope[f"compute{number}"] = one.function
    return f"compute{number}({', '.join(given)})"


class _Reads:
    """The lines that read inputs, each once.

    Args:
        scope: what the names in the lines stand for.
        around: what is read.
    """

    def __init__(self, scope: dict[str, Any], around: Surrounds) -> None:
        self.lines: list[str] = []
        self._scope = scope
        self._around = around
        self._names: dict[Any, str] = {}

    def name(self, one: Armed, read: Input) -> str:
        """The variable that holds an input of a policy's."""
        key = (read, one.target) if read.kind == "base" else read
        name = self._names.get(key)
        if name is None:
            name = self._names[key] = f"i{len(self._names)}"
            self.lines += self._lines(name, one, read)
        return name

    def _lines(self, name: str, one: Armed, read: Input) -> list[str]:
        if read.kind == "clock" and read.name == "step":
            return [f"{name} = float(boundary.step)"]
        if read.kind == "series":
            reading = self._scope[f"reading_{name}"] = self._around.reading(read)
            lines = [f"{name} = reading_{name}.value", f"if {name} is None: return False"]
            if isinstance(reading, SinceBest):
                lines.append(f"{name} = float(boundary.step - reading_{name}.step)")
            return lines
        self._scope[f"get_{name}"] = self._around.getter(one, read)
        return [f"{name} = get_{name}()", f"if {name} is None: return False"]
