"""Where a hyperparameter lies: one value in one group of an optimizer, or behind a getter and a setter."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from bidviz_core.hyperparameters.fitting import bounds_of, kind_of, setting_of, split_index
from bidviz_core.metrics.results import is_tensor

#: What an optimizer keeps in its groups that is no setting to turn while it runs.
_NO_SETTING = frozenset(
    {
        *("params", "param_names", "foreach", "fused", "capturable", "differentiable", "initial_accumulator_value"),
        # These are schedulers' own notes.
        *("initial_lr", "max_lr", "min_lr", "swa_lr", "base_momentum", "max_momentum"),
    }
)
#: State that an optimizer makes at its first update only if a setting is on by then; without it the update raises.
_NEEDS_STATE = {"amsgrad": "max_exp_avg_sq", "centered": "grad_avg"}


@dataclass(frozen=True)
class Exposed:
    """A value that the script exposed, or a module's setting.

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


class ExposedCell:
    """A value behind a getter and a setter.

    Args:
        name: its name.
        exposed: how it is read and written.
    """

    #: No optimizer's hooks are needed to hold it.
    number: int | None = None
    group: int | None = None

    def __init__(self, name: str, exposed: Exposed) -> None:
        self.key: Any = name
        self.setting = setting_of(name)
        self.exposed = exposed
        self.kind, self.low, self.high = exposed.kind, exposed.low, exposed.high
        self.settable = "" if exposed.set is not None else f"{name} can only be read: give session.expose a set=."

    def read(self) -> Any:
        """The present value, as a plain one."""
        return plain(self.exposed.get())

    def keep(self) -> Any:
        """The present value in a form that `put` puts back exactly."""
        return self.read()

    def put(self, value: Any) -> None:
        """Writes a value."""
        assert self.exposed.set is not None, "checked before"
        self.exposed.set(value)

    def mark(self) -> Any:
        """Something that is equal later if nobody wrote meanwhile."""
        return self.read()


class OptimizerCell:
    """One value in one group of an optimizer.

    Args:
        optimizer: the optimizer.
        number: which of the session's, from 0.
        name: the setting's name, with its index where it is one of several (`betas[0]`).
        group: the group.
    """

    settable = ""

    def __init__(self, optimizer: Any, number: int, name: str, group: int) -> None:
        self.key = (number, name, group)
        self.optimizer = optimizer
        self.number: int | None = number
        self.setting = name
        self.group: int | None = group
        self.entry, self._index = split_index(name)
        self.low, self.high = bounds_of(name)

    @property
    def kind(self) -> type:
        """The type that a new value is to have."""
        return kind_of(self.setting, self.read())

    def raw(self) -> Any:
        """What lies in the group: a number or a tensor."""
        value = self.optimizer.param_groups[self.group][self.entry]
        return value if self._index is None else value[self._index]

    def read(self) -> Any:
        """The present value, as a plain one; waits for a tensor on a device."""
        return plain(self.raw())

    def keep(self) -> Any:
        """The present value in a form that `put` puts back exactly: a tensor's is a copy on the same device."""
        value = self.raw()
        # Whether something is a tensor takes longer to find out than everything else here.
        return value.detach().clone() if type(value) is not float and is_tensor(value) else value

    def put(self, value: Any) -> None:
        """Writes a value; a tensor stays the same object, since capturable and compiled optimizers hold on to it."""
        group = self.optimizer.param_groups[self.group]
        old = self.raw()
        if type(old) is float and self._index is None:
            group[self.entry] = value
        elif is_tensor(old):
            (old.copy_ if is_tensor(value) else old.fill_)(value)
        elif self._index is None:
            group[self.entry] = value
        else:
            changed = list(group[self.entry])
            changed[self._index] = value
            group[self.entry] = type(group[self.entry])(changed)

    def mark(self) -> Any:
        """Something that is equal later if nobody wrote meanwhile; does not wait for a device."""
        value = self.raw()
        return (id(value), value._version) if type(value) is not float and is_tensor(value) else value

    def why_not(self, value: Any) -> str:
        """Why this value would make the optimizer's next update raise; empty if it would not."""
        needed = _NEEDS_STATE.get(self.setting)
        if self.setting == "momentum" and type(self.optimizer).__name__ == "RMSprop":
            needed = "momentum_buffer"
        if not value or needed is None:
            return ""
        state = self.optimizer.state
        parameters = self.optimizer.param_groups[self.group]["params"]
        if all(needed in state[one] for one in parameters if state.get(one)):
            return ""
        kind = type(self.optimizer).__name__
        return (
            f"{self.setting} cannot be turned on in a {kind} that has made updates without it: it lacks {needed!r} in "
            "its state. Make the optimizer with it in the script."
        )


Cell = ExposedCell | OptimizerCell


def keys_of(optimizer: Any) -> list[str]:
    """The settings of an optimizer's groups, those of a tuple each by its index."""
    keys: list[str] = []
    for key, value in optimizer.param_groups[0].items():
        if key in _NO_SETTING:
            continue
        if isinstance(value, (tuple, list)) and value and all(_is_number(item) for item in value):
            keys += [f"{key}[{index}]" for index in range(len(value))]
        elif _is_number(value):
            keys.append(key)
    return keys


def plain(value: Any) -> Any:
    """A tensor of one number as that number; everything else as it is."""
    if type(value) is float:
        return value
    return value.item() if is_tensor(value) and value.dim() == 0 else value


def _is_number(value: Any) -> bool:
    return isinstance(value, (bool, int, float)) or (is_tensor(value) and value.dim() == 0)
