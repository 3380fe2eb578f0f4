"""Hyperparameters: the optimizers' settings and what the script exposed, by name, read and set at step boundaries."""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import get_close_matches
from typing import Any

from bidviz_core.control.reply import Reply
from bidviz_core.errors import CommandError
from bidviz_core.messages.steered import HyperparameterInfo
from bidviz_core.metrics.results import is_tensor

#: What an optimizer keeps in its groups that is no setting to turn while it runs.
_NO_SETTING = frozenset(
    {"params", "foreach", "fused", "capturable", "differentiable", "initial_lr", "max_lr", "min_lr"}
)
_BOUNDS: dict[str, tuple[float | None, float | None]] = {
    "lr": (0.0, None),
    "momentum": (0.0, None),
    "weight_decay": (0.0, None),
    "dampening": (0.0, None),
    "eps": (0.0, None),
    "alpha": (0.0, 1.0),
    "betas[0]": (0.0, 1.0),
    "betas[1]": (0.0, 1.0),
}
_INDEXED = re.compile(r"^(?P<name>.+?)\[(?P<group>\d+)\]$")


@dataclass(frozen=True)
class Exposed:
    """A value that the script exposed.

    Args:
        get: reads it.
        set: writes it, or none where it can only be read.
        low: the least value allowed.
        high: the greatest.
        kind: its type.
        unit: its unit, as text.
    """

    get: Callable[[], Any]
    set: Callable[[Any], None] | None = None
    low: float | None = None
    high: float | None = None
    kind: type = float
    unit: str | None = None


def exposed(get: Any, put: Any, low: float | None, high: float | None, kind: type, unit: str | None) -> Exposed:
    """Takes a getter and a setter, or an object and the name of its attribute."""
    if isinstance(put, str):
        return Exposed(lambda: getattr(get, put), lambda value: setattr(get, put, value), low, high, kind, unit)
    return Exposed(get, put, low, high, kind, unit)


@dataclass(frozen=True)
class _Place:
    """Where a hyperparameter lies: one optimizer, one key, some of its groups."""

    optimizer: Any
    key: str
    index: int | None
    groups: tuple[int, ...]
    group_count: int

    def read(self) -> list[Any]:
        if self.index is None and self.group_count == 1:
            return [_plain(self.optimizer.param_groups[0][self.key])]
        values = [self.optimizer.param_groups[group][self.key] for group in self.groups]
        return [_plain(value if self.index is None else value[self.index]) for value in values]

    def write(self, value: Any) -> None:
        for number in self.groups:
            group = self.optimizer.param_groups[number]
            old = group[self.key]
            if self.index is not None:
                changed = list(old)
                changed[self.index] = value
                group[self.key] = type(old)(changed)
            elif is_tensor(old):
                old.fill_(value)  # capturable and compiled optimizers hold on to their tensor
            else:
                group[self.key] = value


class Hyperparameters(Mapping[str, Any]):
    """All hyperparameters of a run by name.

    A name without a group means all groups, and reads as the value they share or a list; `lr[1]` is group 1;
    `optimizer2.lr` is the second optimizer's.

    Args:
        optimizers: the optimizers.
    """

    def __init__(self, optimizers: Sequence[Any]) -> None:
        self._optimizers = tuple(optimizers)
        self._exposed: dict[str, Exposed] = {}
        self._places: dict[str, _Place] = {}
        #: Set by the session: carries a change out at a step boundary and gives the reply.
        self.carry_out: Callable[[str, Any, str], Reply] | None = None

    def set(self, name: str, value: Any, *, group: int | None = None, author: str = "script") -> Reply:
        """Sets a value: at once on the training thread, at the next step boundary otherwise.

        Args:
            name: the hyperparameter.
            value: the value; refused when it does not fit, or when a scheduler would write over it.
            group: one parameter group, the same as `name[group]`.
            author: who sets it, for the journal.

        Returns:
            Whether it took hold, at which step, and why not.
        """
        assert self.carry_out is not None, "the session sets it"
        return self.carry_out(name if group is None else f"{name}[{group}]", value, author)

    def expose(self, name: str, exposed: Exposed) -> None:
        """Adds a value of the script's."""
        self._exposed[name] = exposed

    def names(self) -> list[str]:
        """The names that stand for all groups, and those of single groups where there are several."""
        names: list[str] = []
        for number, optimizer in enumerate(self._optimizers):
            prefix = "" if number == 0 else f"optimizer{number + 1}."
            for key in _keys(optimizer):
                names.append(prefix + key)
                if len(optimizer.param_groups) > 1:
                    names += [f"{prefix}{key}[{group}]" for group in range(len(optimizer.param_groups))]
        return [*names, *self._exposed]

    def __getitem__(self, name: str) -> Any:
        place = self._places.get(name)
        if place is not None and place.index is None and place.group_count == 1:
            groups = place.optimizer.param_groups
            if len(groups) == 1 and type(value := groups[0][place.key]) is float:
                return value  # the learning rate of most trainings, read at every step
        if name in self._exposed:
            return _plain(self._exposed[name].get())
        values = self._place(name).read()
        return values[0] if len(values) == 1 or all(value == values[0] for value in values) else values

    def rate(self) -> float | None:
        """The learning rate where there is one for all, as a plain number: read at every step."""
        groups = self._optimizers[0].param_groups
        value = groups[0]["lr"]
        return value if type(value) is float and len(groups) == 1 else None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def effective(self, name: str) -> Any:
        """The value that the last update used."""
        return self[name]

    def check(self, name: str, value: Any) -> Any:
        """Checks a value before it is written.

        Returns:
            The value in the hyperparameter's own type.

        Raises:
            CommandError: the name is unknown, a scheduler holds it, or the value does not fit.
        """
        if name in self._exposed:
            exposed = self._exposed[name]
            if exposed.set is None:
                raise CommandError(f"{name} can only be read: give session.expose a set=.")
            return _fit(name, value, exposed.kind, exposed.low, exposed.high)
        try:
            place = self._place(name)
        except KeyError as error:
            raise CommandError(str(error.args[0])) from None
        base = _base(name)
        if base in ("lr", "momentum", "betas[0]") and "initial_lr" in place.optimizer.param_groups[0] and base == "lr":
            raise CommandError(
                f"{name} is held by a learning-rate scheduler, which would write over it at its next step; "
                "change the scheduler in the script."
            )
        low, high = _BOUNDS.get(base, (None, None))
        return _fit(name, value, _kind(base, place.read()[0]), low, high)

    def write(self, name: str, value: Any) -> Any:
        """Writes a checked value and reads it back."""
        if name in self._exposed:
            setter = self._exposed[name].set
            assert setter is not None
            setter(value)
        else:
            self._place(name).write(value)
        return self[name]

    def infos(self) -> list[HyperparameterInfo]:
        """All hyperparameters as the page shows them."""
        infos = []
        for name in self.names():
            exposed = self._exposed.get(name)
            low, high = (exposed.low, exposed.high) if exposed else _BOUNDS.get(_base(name), (None, None))
            try:
                value = self[name]
            except Exception as error:  # the script's own getter  # noqa: BLE001
                infos.append(HyperparameterInfo(name=name, value=f"cannot be read: {error}", kind="text"))
                continue
            infos.append(
                HyperparameterInfo(
                    name=name,
                    value=value if isinstance(value, (bool, int, float, str, list, type(None))) else str(value),
                    kind=(exposed.kind if exposed else _kind(_base(name), value)).__name__,
                    low=low,
                    high=high,
                    owner="scheduler" if self._scheduled(name) else "script",
                    unit=(exposed.unit or "") if exposed else "",
                )
            )
        return infos

    def _scheduled(self, name: str) -> bool:
        if name in self._exposed or _base(name) != "lr":
            return False
        return "initial_lr" in self._place(name).optimizer.param_groups[0]

    def _place(self, name: str) -> _Place:
        place = self._places.get(name)
        if place is None or len(place.optimizer.param_groups) != place.group_count:
            place = self._places[name] = self._find_place(name)
        return place

    def _find_place(self, name: str) -> _Place:
        rest, number = name, 0
        head = re.match(r"^optimizer(\d+)\.(.+)$", name)
        if head:
            number, rest = int(head[1]) - 1, head[2]
        if number < len(self._optimizers):
            optimizer = self._optimizers[number]
            keys = _keys(optimizer)
            everything = tuple(range(len(optimizer.param_groups)))
            indexed = _INDEXED.match(rest)
            if rest in keys:
                return _make_place(optimizer, rest, everything)
            if indexed and indexed["name"] in keys and int(indexed["group"]) < len(everything):
                return _make_place(optimizer, indexed["name"], (int(indexed["group"]),))
        near = get_close_matches(name, self.names(), 1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        raise KeyError(f"There is no hyperparameter {name!r}.{guess} There are: {', '.join(self.names()) or 'none'}.")


def _keys(optimizer: Any) -> list[str]:
    keys: list[str] = []
    for key, value in optimizer.param_groups[0].items():
        if key in _NO_SETTING:
            continue
        if isinstance(value, (tuple, list)) and all(isinstance(item, (int, float)) for item in value):
            keys += [f"{key}[{index}]" for index in range(len(value))]
        elif isinstance(value, (bool, int, float)) or (is_tensor(value) and value.dim() == 0):
            keys.append(key)
    return keys


def _make_place(optimizer: Any, key: str, groups: tuple[int, ...]) -> _Place:
    indexed = _INDEXED.match(key)
    if indexed:
        return _Place(optimizer, indexed["name"], int(indexed["group"]), groups, len(optimizer.param_groups))
    return _Place(optimizer, key, None, groups, len(optimizer.param_groups))


def _base(name: str) -> str:
    rest = name.rsplit(".", 1)[-1]
    if rest in _BOUNDS:
        return rest
    indexed = _INDEXED.match(rest)
    return indexed["name"] if indexed else rest


def _kind(base: str, value: Any) -> type:
    """The type that a new value is to have: torch's own default of many a real setting is the integer 0."""
    return float if type(value) is int and base in _BOUNDS else type(value)


def _plain(value: Any) -> Any:
    if type(value) is float:
        return value
    return value.item() if is_tensor(value) and value.dim() == 0 else value


def _fit(name: str, value: Any, kind: type, low: float | None, high: float | None) -> Any:
    try:
        if kind is bool:
            fitted: Any = _boolean(value)
        elif kind is int:
            fitted = int(str(value)) if isinstance(value, str) else int(value)
            if float(value) != fitted:
                raise ValueError
        elif kind is float:
            fitted = float(value)
        else:
            fitted = value
    except (TypeError, ValueError):
        raise CommandError(f"{name} is {kind.__name__}, got {value!r}.") from None
    if isinstance(fitted, float) and not math.isfinite(fitted):
        raise CommandError(f"{name} must be a finite number, got {value!r}.")
    if low is not None and fitted < low:
        raise CommandError(f"{name} must be at least {low:g}, got {fitted!r}.")
    if high is not None and fitted > high:
        raise CommandError(f"{name} must be at most {high:g}, got {fitted!r}.")
    return fitted


def _boolean(value: Any) -> bool:
    if isinstance(value, bool):
        return value
    text = str(value).lower()
    if text not in ("true", "false", "1", "0"):
        raise ValueError
    return text in ("true", "1")
