"""What a metric is: a named function over a step, with a cadence and charts."""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal, TypeAlias, overload

from bidviz_core.errors import MetricError
from bidviz_core.specs import AnyChart, Chart, chart_from_dict

Where: TypeAlias = Literal["training", "worker"]
Charts: TypeAlias = "AnyChart | str | Mapping[str, Any] | Sequence[AnyChart | str | Mapping[str, Any]] | None"


@dataclass(frozen=True)
class Observe:
    """What a metric keeps of the calls of modules, worked out while they are called; given to `metric(modules=…)`.

    Outputs that are kept until the step is over may have been written over by then (`nn.ReLU(inplace=True)`, `x += y`),
    and keep memory from being used again. This looks at the moment of the call, and keeps only what `look` returns.

    Args:
        select: says of a qualified name and its module whether its calls are looked at.
        look: called on the training thread, without gradients, as `look(module, args, kwargs, output, seen)`: `seen` is
            what it returned for this module's last call in the same step, or none; what it returns is what
            `activations` holds under the module's name. It may not change anything, nor draw random numbers. Where it
            raises, the metric is set aside.
        before: look before the module runs, at what goes in, and `output` is then none; or what says so of a module.
    """

    select: Callable[[str, Any], bool]
    look: Callable[..., Any]
    before: bool | Callable[[Any], bool] = False

    def is_like(self, other: Observe) -> bool:
        """Whether another one was made of the same code, as typed code that is compiled twice makes it."""
        pairs = ((self.select, other.select), (self.look, other.look), (self.before, other.before))
        return all(_same_code(one, another) for one, another in pairs)


@dataclass(frozen=True)
class Metric:
    """A named computation over a step that gives a value; calling it calls its function.

    Args:
        name: the name of its series.
        function: what computes it; its argument names say what it needs.
        arguments: those names.
        every: the cadence in steps.
        charts: how it is drawn; none means by what it returns.
        where: `"training"`: on the training thread at the step boundary; `"worker"`: over a snapshot, in the worker.
        modules: which modules' outputs `activations` holds, a pattern of qualified names (`"layers.*.relu"`), or what
            is kept of which modules' calls.
        fits: says of a learner in a sentence why it has nothing for this metric, or nothing where it has; asked when
            the metric is added, which is refused with that sentence.
        code: the source as a person wrote it.
        origin: who brought it: `"built-in"`, `"script"`, `"person"`, or a bundle's name and version.
        help: what it is, in a sentence.
        type: the word for a chart that a version-1 client gave.
        namespace: the globals it was written in, for editing it later.
    """

    name: str
    function: Callable[..., Any]
    arguments: tuple[str, ...] = ()
    every: int = 1
    charts: tuple[AnyChart, ...] = ()
    where: Where = "training"
    modules: str | Observe | None = None
    fits: Callable[[Any], str | None] | None = field(default=None, repr=False, compare=False)
    code: str = ""
    origin: str = "script"
    help: str = ""
    type: str = ""
    namespace: dict[str, Any] | None = field(default=None, repr=False, compare=False)

    def __post_init__(self) -> None:
        if not self.name or not isinstance(self.name, str) or len(self.name) > 200:
            raise MetricError(f"A metric's name is a text of 1 to 200 characters, got {self.name!r}.")
        if isinstance(self.every, bool) or not isinstance(self.every, int) or self.every < 1:
            raise MetricError(f"A cadence is a whole number of steps from 1, got every={self.every!r}.")
        if self.where not in ("training", "worker"):
            raise MetricError(f'A metric runs where="training" or where="worker", got {self.where!r}.')
        if self.where == "worker" and isinstance(self.modules, Observe):
            raise MetricError(
                f'The metric {self.name!r} looks at modules while they run, which goes with where="training".'
            )

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)

    @property
    def pattern(self) -> str | None:
        """The pattern of modules, where there is one."""
        return self.modules if isinstance(self.modules, str) else None

    def with_(self, **changes: Any) -> Metric:
        """A copy with some fields changed."""
        return replace(self, **changes)


def _same_code(one: Any, other: Any) -> bool:
    if one == other:
        return True
    code = getattr(one, "__code__", None)
    plain = all(getattr(each, "__closure__", None) is None and not hasattr(each, "__self__") for each in (one, other))
    return plain and code is not None and code == getattr(other, "__code__", None)


def charts_of(chart: Charts) -> tuple[AnyChart, ...]:
    """Takes a chart, a kind's name, a JSON object or several of these, and gives chart specs.

    Raises:
        SpecError: one of them is no valid chart spec.
    """
    if chart is None or chart == "":
        return ()
    if isinstance(chart, Chart):
        return (chart,)
    if isinstance(chart, (str, Mapping)):
        return (chart_from_dict(chart if isinstance(chart, str) else dict(chart)),)
    return tuple(spec for one in chart for spec in charts_of(one))


def argument_names(function: Callable[..., Any]) -> tuple[str, ...]:
    """The names a function wants to be given.

    Raises:
        MetricError: it takes `*args`, `**kwargs` or positional-only arguments, which have no name to go by.
    """
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        raise MetricError(f"A metric is a function with named arguments; {function!r} does not tell its own.") from None
    names = []
    for parameter in parameters:
        if parameter.kind in (parameter.VAR_POSITIONAL, parameter.VAR_KEYWORD, parameter.POSITIONAL_ONLY):
            raise MetricError(
                f"A metric's arguments are chosen by name, but {parameter.name!r} of {function!r} has none that can be "
                "given: write plain named arguments."
            )
        if parameter.default is parameter.empty:
            names.append(parameter.name)
    return tuple(names)


def from_function(
    function: Callable[..., Any],
    *,
    name: str | None = None,
    every: int = 1,
    chart: Charts = None,
    where: Where = "training",
    modules: str | Observe | None = None,
    fits: Callable[[Any], str | None] | None = None,
) -> Metric:
    """Makes a metric of a plain function: its name, its docstring, its source and its argument names count."""
    return Metric(
        name=name or str(getattr(function, "__name__", "metric")),
        function=function,
        arguments=argument_names(function),
        every=every,
        charts=charts_of(chart),
        where=where,
        modules=modules,
        fits=fits,
        code=_source_of(function),
        help=inspect.cleandoc(function.__doc__ or ""),
        namespace=getattr(function, "__globals__", None),
    )


@overload
def metric(function: Callable[..., Any], /) -> Metric: ...
@overload
def metric(
    *,
    name: str | None = None,
    every: int = 1,
    chart: Charts = None,
    where: Where = "training",
    modules: str | Observe | None = None,
    fits: Callable[[Any], str | None] | None = None,
) -> Callable[[Callable[..., Any]], Metric]: ...
def metric(
    function: Callable[..., Any] | None = None,
    /,
    *,
    name: str | None = None,
    every: int = 1,
    chart: Charts = None,
    where: Where = "training",
    modules: str | Observe | None = None,
    fits: Callable[[Any], str | None] | None = None,
) -> Metric | Callable[[Callable[..., Any]], Metric]:
    """Makes a metric of a function: `@metric`, or `@metric(every=10, chart=Line(y_scale="log"))`.

    Args:
        function: the function, when used without parentheses.
        name: the series' name; the function's own by default.
        every: the cadence in steps.
        chart: one chart spec or several; by the value by default.
        where: `"training"` or `"worker"`.
        modules: a pattern of module names, or an `Observe`, for a metric that takes `activations`.
        fits: says why a learner has nothing for it, or nothing where it has.

    Returns:
        The metric, or a decorator that makes one.

    Raises:
        MetricError: the cadence, the place or the function's arguments are wrong.
    """
    if function is not None:
        return from_function(function)

    def decorate(function: Callable[..., Any]) -> Metric:
        return from_function(function, name=name, every=every, chart=chart, where=where, modules=modules, fits=fits)

    return decorate


def _source_of(function: Callable[..., Any]) -> str:
    try:
        return textwrap.dedent(inspect.getsource(function)).strip("\n") + "\n"
    except (OSError, TypeError):
        return ""  # typed at a prompt or built by a program: there is no source to show
