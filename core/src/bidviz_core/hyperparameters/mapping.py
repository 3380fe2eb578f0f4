"""Every hyperparameter of a run by name: read, checked, held and given back."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from difflib import get_close_matches
from threading import get_ident
from typing import TYPE_CHECKING, Any

from bidviz_core.errors import CommandError
from bidviz_core.hyperparameters.cells import Cell, Exposed, ExposedCell, OptimizerCell, exposed, keys_of, plain
from bidviz_core.hyperparameters.fitting import fit, split_index
from bidviz_core.hyperparameters.holding import Holding
from bidviz_core.hyperparameters.holds import Held, Request
from bidviz_core.hyperparameters.infos import info_of
from bidviz_core.messages.commands import Command
from bidviz_core.messages.steered import HyperparameterInfo
from bidviz_core.messages.steering import (
    LeaseContent,
    NameContent,
    ReleaseHyperparameter,
    SetHyperparameter,
    SetHyperparameterContent,
)

if TYPE_CHECKING:
    from bidviz_core.control.reply import Reply
    from bidviz_core.session import Session

#: The cell of the first optimizer's first learning rate.
_RATE = (0, "lr", 0)
_OPTIMIZER = re.compile(r"^optimizer(\d+)\.(.+)$")


class Hyperparameters(Mapping[str, Any]):
    """All hyperparameters of a run by name.

    A name without a group means all groups, and reads as the value they share or a list; `lr[1]` is group 1;
    `optimizer2.lr` is the second optimizer's.

    Args:
        session: the session.
        carry_out: has a command carried out in somebody's name at the step boundary, and gives the reply.
    """

    def __init__(self, session: Session, carry_out: Callable[[Command, str], Reply]) -> None:
        learner = session.learner
        self._session = session
        self._carry_out = carry_out
        self._optimizers: tuple[Any, ...] = tuple(learner.optimizers)
        self._exposed: dict[str, ExposedCell] = {}
        self._cells: dict[str, tuple[int, tuple[Cell, ...]]] = {}
        self._known: dict[Any, OptimizerCell] = {}
        self._holding = Holding(session, self._optimizers, lambda number, setting: self._cells_of(number, setting))
        self._helds = self._holding.helds
        self._sample_asked = False
        self._rates = self._holding.rates
        for setting in learner.settings():
            put = exposed(setting.module, setting.attribute, setting.low, setting.high, float, None)
            self._exposed[setting.name] = ExposedCell(setting.name, put)

    # --- what a script calls -----------------------------------------------------------------------------------------

    def set(
        self,
        name: str,
        value: Any,
        mode: str = "override",
        group: int | None = None,
        author: str = "script",
        at: int | None = None,
        lease: Mapping[str, Any] | LeaseContent | None = None,
        reason: str = "",
    ) -> Reply:
        """Sets a value: from the next update on when called on the training thread; elsewhere it waits for a boundary.

        Args:
            name: the hyperparameter.
            value: the value, or the factor on the scheduler's.
            mode: `"override"` or `"scale"`.
            group: one parameter group, the same as `name[group]`.
            author: who sets it, for the journal.
            at: the step at whose boundary it takes hold; now, if none.
            lease: `{"steps": 500}` or `{"loss_rise": 0.5}`, which is over the mean of the 50 losses before: it goes
                back by itself then, unless it is kept.
            reason: why, for the journal.

        Returns:
            Whether it took hold, at which step, and the value that was read back; or why not.
        """
        if isinstance(lease, Mapping):
            lease = LeaseContent(**lease)
        content = SetHyperparameterContent(
            name,
            value,
            mode=mode,  # type: ignore[arg-type]
            group=group,
            at=at,
            lease=lease,
            reason=reason,
        )
        return self._carry_out(SetHyperparameter(content), author)

    def release(self, name: str, author: str = "script") -> Reply:
        """Gives a value back to the script and its scheduler, whose trajectory goes on as if nothing had been."""
        return self._carry_out(ReleaseHyperparameter(NameContent(name)), author)

    def effective(self, name: str) -> Any:
        """The value that the last update used; before the first, the one in force.

        What nobody holds is kept from the first call on, which costs about a microsecond at each update.
        """
        cells = self.cells(name)
        for cell in cells:
            self._holding.track(cell)
        return self.used(name)

    def base(self, name: str) -> Any:
        """What the script and its scheduler say at present."""
        return _joined([self._holding.base(cell) for cell in self.cells(name)])

    def owner(self, name: str) -> str:
        """Who says what it is: `"script"`, `"scheduler"`, `"person"` or `"policy"`."""
        return self._holding.owner(self.cells(name))

    # --- reading -----------------------------------------------------------------------------------------------------

    def names(self) -> list[str]:
        """The names that stand for all groups, and those of single groups where there are several."""
        names: list[str] = []
        for number, optimizer in enumerate(self._optimizers):
            prefix = "" if number == 0 else f"optimizer{number + 1}."
            for key in keys_of(optimizer):
                names.append(prefix + key)
                if len(optimizer.param_groups) > 1:
                    names += [f"{prefix}{key}[{group}]" for group in range(len(optimizer.param_groups))]
        return [*names, *self._exposed]

    def __getitem__(self, name: str) -> Any:
        return _joined([self._holding.in_force(cell) for cell in self._find(name)])

    def __iter__(self) -> Iterator[str]:
        return iter(self.names())

    def __len__(self) -> int:
        return len(self.names())

    def rate_reader(self) -> Callable[[], float | None] | None:
        """What reads the learning rate as a plain number at every step, where it can be read so."""
        if not self._optimizers:
            return self.exposed_rate
        return self.rate if len(self._optimizers) == 1 else None

    def rate(self) -> float | None:
        """The learning rate that the update used, where there is one for all, as a plain number."""
        groups = self._optimizers[0].param_groups
        value = groups[0]["lr"]
        if self._helds and (held := self._helds.get(_RATE)) is not None:
            value = plain(held.used)
        if type(value) is not float or len(groups) != 1:
            return None
        self._rates[0] = value
        return value

    def exposed_rate(self) -> float | None:
        """The learning rate that the script has exposed, as a plain number."""
        try:
            value = self.used("lr")
        except Exception:  # the script's own getter; the metric says what is wrong  # noqa: BLE001
            return None
        return value if type(value) is float else None

    def used(self, name: str) -> Any:
        """The value that the last update used, as far as it is known without keeping anything."""
        values = [self._holding.used(cell) for cell in self.cells(name)]
        if name == "lr" and self._session.boundary.inside:
            self._rates.update(enumerate(values))
        return _joined(values)

    def check(self, name: str, value: Any, mode: str = "override") -> Any:
        """Checks a value, or a factor, before it is set.

        Returns:
            It in its own type.

        Raises:
            CommandError: the name is unknown, the hyperparameter can only be read, or the value does not fit.
        """
        cells = self.cells(name)
        if mode not in ("override", "scale"):
            raise CommandError(f"The mode is 'override' or 'scale', got {mode!r}.")
        fitted = value
        for cell in cells:
            if cell.settable:
                raise CommandError(cell.settable)
            if mode == "scale":
                fitted = self._check_factor(name, cell, value)
            else:
                fitted = fit(name, value, cell.kind, cell.low, cell.high)
            if isinstance(cell, OptimizerCell) and (why := cell.why_not(fitted)):
                raise CommandError(why)
        return fitted

    def infos(self) -> list[HyperparameterInfo]:
        """All hyperparameters as the page shows them; may be called on any thread."""
        infos = []
        for name in self.names():
            try:
                infos.append(info_of(name, self.cells(name), self._holding))
            except Exception as error:  # the script's own getter, or a group that is gone  # noqa: BLE001
                infos.append(HyperparameterInfo(name=name, value=f"cannot be read: {error}", kind="text"))
        return infos

    # --- for policies and for our own parts --------------------------------------------------------------------------

    def hold(self, name: str, value: Any, mode: str = "override", author: str = "policy") -> None:
        """Puts a value in force from the next update on, without a journal entry; on the training thread.

        Args:
            name: the hyperparameter.
            value: a number within its bounds, or a factor.
            mode: `"override"` or `"scale"`.
            author: who holds it.

        Raises:
            CommandError: the value does not fit, or a person has set the hyperparameter by hand.
        """
        if self._holding.again(name, value, mode):
            return
        cells = self.cells(name)
        if self._holding.owner(cells) == "person":
            raise CommandError(f"{name} was set by hand: release it first.")
        fitted = self.check(name, value, mode)
        self._holding.hold(name, cells, Request(mode, fitted, "policy", author, self._session.boundary.step))

    def drop(self, name: str) -> None:
        """Gives back what a policy holds; what a person holds stays."""
        self._holding.drop(self.cells(name), "policy")

    def hold_for(self, name: str, request: Request) -> list[Held]:
        """Holds a checked value for somebody."""
        return self._holding.hold(name, self.cells(name), request)

    def let_go(self, name: str) -> None:
        """Gives back a value, whoever holds it."""
        self._holding.drop(self.cells(name), None)

    def helds(self, name: str) -> list[Held]:
        """Those of a name's cells that somebody holds."""
        return [self._helds[cell.key] for cell in self.cells(name) if cell.key in self._helds]

    def expose(self, name: str, value: Exposed) -> None:
        """Adds a value of the script's."""
        self._exposed[name] = ExposedCell(name, value)
        self._cells.pop(name, None)
        if name == "lr":
            session = self._session
            session.learner.exposes_rate = True  # what had no rate has one from here on, and its metric fits
            here = get_ident() == session.boundary.thread
            (session.boundary.call if here else session.boundary.soon)(session.metrics.offer_again)

    def kept(self) -> list[dict[str, Any]]:
        """What is held, as plain data for a checkpoint."""
        return self._holding.kept()

    def put_back(self, kept: list[dict[str, Any]]) -> None:
        """Holds what a checkpoint kept, and nothing else; to be called when the optimizers' states are loaded."""
        self._holding.put_back(kept, {cell.key: cell for name in self.names() for cell in self.cells(name)})

    def sample_soon(self) -> None:
        """Has what the updates use read at the next step boundary, for the page; called on the pump's thread."""
        if not self._sample_asked and not self._session.closed:
            self._sample_asked = True
            self._session.boundary.soon(self._sample)

    def _sample(self) -> None:
        self._sample_asked = False
        self._holding.sample()

    @property
    def holding(self) -> Holding:
        """What is held at present."""
        return self._holding

    def cells(self, name: str) -> tuple[Cell, ...]:
        """Where a hyperparameter lies: one cell for each group that the name means.

        Raises:
            CommandError: there is no such hyperparameter; with the ones there are.
        """
        try:
            return self._find(name)
        except KeyError as error:
            raise CommandError(str(error.args[0])) from None

    def _find(self, name: str) -> tuple[Cell, ...]:
        known = self._cells.get(name)
        if known is not None:
            first = known[1][0]
            if first.number is None or len(self._optimizers[first.number].param_groups) == known[0]:
                return known[1]
        if name in self._exposed:
            cells: tuple[Cell, ...] = (self._exposed[name],)
            self._cells[name] = 1, cells
            return cells
        rest, number = name, 0
        if head := _OPTIMIZER.match(name):
            number, rest = int(head[1]) - 1, head[2]
        if 0 <= number < len(self._optimizers):
            groups = len(self._optimizers[number].param_groups)
            keys = keys_of(self._optimizers[number])
            setting, index = split_index(rest)
            if rest in keys:
                cells = self._cells_of(number, rest)
            elif setting in keys and index is not None and index < groups:
                cells = (self._cells_of(number, setting)[index],)
            elif setting in keys and index is not None:
                raise KeyError(f"There is no hyperparameter {name!r}: the optimizer has {groups} group(s), from 0.")
            else:
                raise KeyError(self._unknown(name))
            self._cells[name] = groups, cells
            return cells
        raise KeyError(self._unknown(name))

    def _cells_of(self, number: int, setting: str) -> tuple[OptimizerCell, ...]:
        cells = []
        for group in range(len(self._optimizers[number].param_groups)):
            key = (number, setting, group)
            if key not in self._known:
                self._known[key] = OptimizerCell(self._optimizers[number], number, setting, group)
            cells.append(self._known[key])
        return tuple(cells)

    def _unknown(self, name: str) -> str:
        near = get_close_matches(name, self.names(), 1)
        guess = f" Did you mean {near[0]!r}?" if near else ""
        return f"There is no hyperparameter {name!r}.{guess} There are: {', '.join(self.names()) or 'none'}."

    def _check_factor(self, name: str, cell: Cell, value: Any) -> float:
        if cell.kind is not float:
            raise CommandError(f"{name} is {cell.kind.__name__}: only real numbers can be scaled. Override it.")
        factor: float = fit(f"The factor on {name}", value, float, 0.0, None)
        fit(name, self._holding.base(cell) * factor, float, cell.low, cell.high)
        return factor


def _joined(values: Sequence[Any]) -> Any:
    return values[0] if len(values) == 1 or all(value == values[0] for value in values) else list(values)
