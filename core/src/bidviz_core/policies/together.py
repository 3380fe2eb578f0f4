"""Many policies computed by one function, made anew whenever they change: calls are what a formula costs most.

The function is made of numbers alone: which input is which, whose value another one reads, and the bounds. Whatever is
out of the ordinary (a value out of bounds, one that is not there yet, an error) makes it give up; each policy is then
computed by itself, which knows what to say.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from bidviz_core.policies.armed import Armed, Getter
from bidviz_core.policies.language import Input


class Together:
    """Policies that are computed together.

    Args:
        policies: in their order; all of them in force.
        pushes: what puts each one's next value in force.
        getter: what an input is read by.
    """

    def __init__(
        self,
        policies: Sequence[Armed],
        pushes: Sequence[Callable[[float], None]],
        getter: Callable[[Armed, Input], Getter],
    ) -> None:
        self.pushes = tuple(pushes)
        #: The values that are in force.
        self.values = tuple([one.value for one in policies])
        self.compute = _compile(policies, getter)


def fits(policies: Sequence[Armed]) -> bool:
    """Whether policies can be computed together: all are in force, give floats, and can be computed twice."""
    return bool(policies) and all(
        one.state == "armed" and one.value is not None and not one.whole and one.repeatable for one in policies
    )


def _compile(
    policies: Sequence[Armed], getter: Callable[[Armed, Input], Getter]
) -> Callable[[], tuple[float, ...] | None]:
    """Makes the function that gives all values, or none where something is out of the ordinary."""
    scope: dict[str, Any] = {"__builtins__": {}, "float": float, "type": type}
    reads: list[str] = []
    lines: list[str] = []
    names: dict[Any, str] = {}
    done: dict[str, int] = {}
    for number, one in enumerate(policies):
        arguments = []
        for given in one.rule.inputs:
            if given.kind == "hyperparameter" and given.name in done:
                arguments.append(f"v{done[given.name]}")
                continue
            key = (given, one.target) if given.kind == "base" else given
            if key not in names:
                name = names[key] = f"i{len(names)}"
                scope[f"g_{name}"] = getter(one, given)
                reads.append(f"    {name} = g_{name}()")
                if given.kind == "series":
                    reads.append(f"    if {name} is None: return None")
            arguments.append(names[key])
        scope[f"f{number}"], scope[f"l{number}"], scope[f"h{number}"] = one.function, one.low, one.high
        lines.append(f"    v{number} = f{number}({', '.join(arguments)})")
        lines.append(f"    if not l{number} <= v{number} <= h{number}: return None")
        if one.rule.formula is None:
            lines.append(f"    if type(v{number}) is not float: return None")
        if one.rule.mode == "override":
            done[one.target] = number
    values = "".join(f"v{number}, " for number in range(len(policies)))
    source = "\n".join(["def compute():", *reads, *lines, f"    return ({values})"])
    # Nothing in the source was typed by a person: names are numbered, and what they stand for is in the scope.
    exec(compile(source, "<policies>", "exec"), scope)
    compute: Callable[[], tuple[float, ...] | None] = scope["compute"]
    return compute
