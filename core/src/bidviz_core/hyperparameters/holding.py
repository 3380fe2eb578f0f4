"""What is held at present, by whom, and what the updates used."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_core.errors import CommandError
from bidviz_core.hyperparameters.cells import Cell, ExposedCell, OptimizerCell, keys_of, plain
from bidviz_core.hyperparameters.holds import Held, OptimizerHolds, Request
from bidviz_core.hyperparameters.schedulers import Schedulers
from bidviz_core.hyperparameters.writing import Place, place_of
from bidviz_core.messages.notifications import FailureContent

if TYPE_CHECKING:
    from bidviz_core.session import Session

_INFINITE = float("inf")


class _Repeated(NamedTuple):
    """A policy's hold on a name, and the values that may follow without a look at anything else."""

    helds: list[Held]
    mode: str
    low: float
    high: float
    author: str


class Holding:
    """The held cells of a run; the training thread alone changes them.

    Args:
        session: the session.
        optimizers: the optimizers.
        cells_of: the cells of a setting in all groups of an optimizer.
    """

    def __init__(
        self,
        session: Session,
        optimizers: Sequence[Any],
        cells_of: Callable[[int, str], Sequence[OptimizerCell]],
    ) -> None:
        self.helds: dict[Any, Held] = {}
        self.schedulers = Schedulers()
        self._session = session
        self._optimizers = optimizers
        self._cells_of = cells_of
        self._holds: dict[int, OptimizerHolds] = {}
        #: Settings that are held in all groups of an optimizer, those to come too.
        self._everywhere: dict[tuple[int, str], Request] = {}
        self._repeated: dict[str, _Repeated] = {}
        #: Grows whenever something is held in another way than before: policies look then who holds their targets.
        self.version = 0
        #: The step for which somebody has noted already what all values behind a getter were.
        self.noted = -1
        #: What an update used of cells that were given back since, and the step of that update.
        self._last: dict[Any, tuple[int, Any]] = {}
        #: What was read of all cells at a step boundary, for the page.
        self.sampled: dict[Any, Any] = {}
        #: The value of each cell when it was first looked at: one that changes without us is written by somebody.
        self._first: dict[Any, Any] = {}
        self._looked = False
        #: The first optimizer's learning rates by group, as its metric last read them.
        self.rates: dict[int | None, Any] = {}
        for number, optimizer in enumerate(optimizers):
            for setting in keys_of(optimizer):
                self._first.update({cell.key: cell.read() for cell in cells_of(number, setting)})

    # --- holding -----------------------------------------------------------------------------------------------------

    def again(self, name: str, value: Any, mode: str) -> bool:
        """A policy's next value for what it holds already; says whether that could be done the short way."""
        known = self._repeated.get(name)
        if known is None or known.mode != mode or type(value) is not float or not known.low <= value <= known.high:
            return False
        request = Request(mode, value, "policy", known.author, self._session.boundary.step)
        for held in known.helds:
            if held.request.value != value:
                held.ask(request)
        return True

    def place(self, name: str, number: int, looks: bool) -> Place:
        """How what a policy holds gets any other value within its bounds, until `version` changes; see `place_of`.

        Raises:
            LookupError: it holds the name in another way.
        """
        return place_of(number, self._repeated[name].helds, looks)

    def hold(self, name: str, cells: Sequence[Cell], request: Request) -> list[Held]:
        """Holds cells from the next update on."""
        self.version += 1
        keys = {cell.key for cell in cells}
        for other in [name for name, one in self._repeated.items() if any(held.cell.key in keys for held in one.helds)]:
            del self._repeated[other]
        if cells[0].setting == "lr" and not any(cell.key in self.helds for cell in cells):
            for cell in cells:
                if isinstance(cell, OptimizerCell) and not self._scheduled(cell):
                    self.schedulers.look(cell.optimizer)
                    break  # the cells of a name are one optimizer's
        helds = [self._hold(cell, request) for cell in cells]
        first = cells[0]
        if isinstance(first, OptimizerCell) and first.number is not None:
            groups = len(self._optimizers[first.number].param_groups)
            if len(cells) == groups and not name.endswith(f"{first.setting}[0]"):
                self._everywhere[first.number, first.setting] = request
        if request.owner == "policy" and all(cell.kind is float for cell in cells):
            low, high = -_INFINITE, _INFINITE
            if request.mode == "override":
                low = max(_INFINITE * -1 if cell.low is None else cell.low for cell in cells)
                high = min(_INFINITE if cell.high is None else cell.high for cell in cells)
                high = min(high, 1.7e308)  # infinity is no value
                low = max(low, -1.7e308)
                self._repeated[name] = _Repeated(helds, request.mode, low, high, request.author)
            elif all(cell.high is None for cell in cells):
                self._repeated[name] = _Repeated(helds, request.mode, 0.0, 1.7e308, request.author)
        return helds

    def _hold(self, cell: Cell, request: Request) -> Held:
        held = self.helds.get(cell.key)
        if held is not None:
            held.lease = ""
            if held.written and self._scheduled(cell):
                held.meets_scheduler()
            held.ask(request)
            return held
        held = Held(cell, request, self._simply_written(cell), self.used(cell) if self.stepped else None)
        self.helds[cell.key] = held
        if isinstance(cell, OptimizerCell):
            self._of(cell).add(held)
        else:
            self._session.changes.watch_exposed()
        return held

    def drop(self, cells: Iterable[Cell], owner: str | None) -> None:
        """Gives cells back, all of them or those that one owner holds."""
        self.version += 1
        self._repeated.clear()
        step = self._session.boundary.step
        for cell in cells:
            held = self.helds.get(cell.key)
            if held is None or (owner is not None and held.request.owner != owner):
                continue
            self._forget(held)
            self._last[cell.key] = step, held.used
            if isinstance(cell, OptimizerCell):
                self._everywhere.pop((cell.number or 0, cell.setting), None)
                self._of(cell).remove(held)
            try:
                held.release()
            except Exception as error:
                raise CommandError(f"{cell.setting} could not be put back: {type(error).__name__}: {error}") from error

    def drop_all(self) -> None:
        """Gives everything back and forgets what was used: the steps that come are counted from another one."""
        self.drop([held.cell for held in list(self.helds.values())], None)
        self._last.clear()
        self.rates.clear()
        self.sampled = {}  # another thread reads it
        for holds in self._holds.values():
            holds.used.clear()

    def kept(self) -> list[dict[str, Any]]:
        """What is held, as plain data that a checkpoint keeps beside the optimizers' states."""
        return [
            {"key": key, "request": tuple(held.request), "written": held.written, "base": plain(held.base)}
            for key, held in self.helds.items()
        ]

    def put_back(self, kept: Iterable[dict[str, Any]], cells: Mapping[Any, Cell]) -> None:
        """Holds what was held when a checkpoint was taken, and nothing else; the optimizers' states are loaded already.

        Args:
            kept: what `kept` gave.
            cells: the cells there are, by key.
        """
        self.drop_all()
        for one in kept:
            key = one["key"]
            cell = cells.get(tuple(key) if isinstance(key, (list, tuple)) else key)
            if cell is None:
                continue
            if one["written"]:  # the state that was loaded holds ours
                cell.put(one["base"])
            self._hold(cell, Request(*one["request"]))

    def detach(self) -> None:
        """The session ends: schedulers rule again; what was simply written stays written."""
        for holds in self._holds.values():
            holds.asked.clear()
            holds.detach()
        self.helds.clear()
        self._repeated.clear()
        self._everywhere.clear()

    # --- reading -----------------------------------------------------------------------------------------------------

    def in_force(self, cell: Cell) -> Any:
        """The value that the next update will use."""
        held = self.helds.get(cell.key)
        return cell.read() if held is None else held.in_force()

    def base(self, cell: Cell) -> Any:
        """What the script and its scheduler say."""
        held = self.helds.get(cell.key)
        return cell.read() if held is None else held.script_value()

    def used(self, cell: Cell) -> Any:
        """What the last update used, or the present value where nothing has kept it."""
        held = self.helds.get(cell.key)
        if held is not None:
            return held.in_force() if held.used is None else plain(held.used)
        step, value = self._last.get(cell.key, (-1, None))
        if step == self._session.boundary.step:
            return plain(value)
        if isinstance(cell, OptimizerCell) and not self._session.boundary.inside:
            holds = self._holds.get(cell.number or 0)
            if holds is not None and cell.key in holds.used and cell.key in holds.asked:
                return plain(holds.used[cell.key])
            if cell.number == 0 and cell.setting == "lr" and cell.group in self.rates and self._rates_are_read():
                return self.rates[cell.group]
        return cell.read()

    def track(self, cell: Cell) -> None:
        """Keeps what each update uses of a cell from now on."""
        if isinstance(cell, OptimizerCell):
            holds = self._of(cell)
            if cell.key not in holds.asked:
                holds.track(cell)

    def owner(self, cells: Sequence[Cell]) -> str:
        """Who says what the value is."""
        if self.helds:
            owners = {self.helds[cell.key].request.owner for cell in cells if cell.key in self.helds}
            if owners:
                return "person" if "person" in owners else "policy"
        return "scheduler" if any(self._scheduled(cell) for cell in cells) else "script"

    def sample(self) -> None:
        """At a step boundary: keeps what the update used of every cell, for the page."""
        if not self._looked and self._session.boundary.step > 0:
            self._looked = True
            for optimizer in self._optimizers:
                self.schedulers.look(optimizer)
        hyperparameters = self._session.hyperparameters
        self.sampled = {
            cell.key: self.used(cell) for name in hyperparameters.names() for cell in hyperparameters.cells(name)
        }

    def schedulers_rule(self, cells: Sequence[Cell]) -> bool:
        """Whether a scheduler writes some of these cells."""
        return any(self._scheduled(cell) for cell in cells)

    @property
    def stepped(self) -> bool:
        """Whether there has been an update."""
        return self._session.boundary.step > 0

    # --- our own -----------------------------------------------------------------------------------------------------

    def _rates_are_read(self) -> bool:
        slot = self._session.engine.slots.get("lr")
        return slot is not None and slot.enabled and slot.effective_every == 1

    def _scheduled(self, cell: Cell) -> bool:
        return isinstance(cell, OptimizerCell) and self.schedulers.writes(cell.optimizer, cell.setting)

    def _simply_written(self, cell: Cell) -> bool:
        if self._scheduled(cell):
            return False
        return isinstance(cell, ExposedCell) or cell.read() == self._first.setdefault(cell.key, cell.read())

    def _of(self, cell: OptimizerCell) -> OptimizerHolds:
        number = cell.number or 0
        holds = self._holds.get(number)
        if holds is None:
            clock = self._session.learner if number == 0 else None
            holds = self._holds[number] = OptimizerHolds(
                self._optimizers[number], clock, lambda: self._groups_changed(number), self._broken
            )
        return holds

    def _groups_changed(self, number: int) -> None:
        """A group was added: what is held in all groups is held in it too."""
        self.version += 1
        self._repeated.clear()
        for (optimizer, setting), request in list(self._everywhere.items()):
            if optimizer == number:
                for cell in self._cells_of(number, setting):
                    if cell.key not in self.helds:
                        self._hold(cell, request)
        self._session.renew_catalogue()

    def _broken(self, held: Held, error: Exception) -> None:
        self._repeated.clear()
        self._forget(held)
        name = str(held.cell.key) if held.cell.group is None else f"{held.cell.setting}[{held.cell.group}]"
        message = f"{name} could not be set, and is released: {type(error).__name__}: {error}"
        self._session.fail_once(FailureContent(source="plugin", name=name, message=message))

    def _forget(self, held: Held) -> None:
        self.version += 1
        self.helds.pop(held.cell.key, None)

    def look_at_exposed(self) -> None:
        """At a step boundary: puts held values back that the script has written over."""
        noted, self.noted = self.noted, -1
        if noted == self._session.boundary.step:
            return
        for held in self.exposed_helds():
            try:
                held.look()
            except Exception as error:  # the script's own getter or setter  # noqa: BLE001
                self._broken(held, error)

    def exposed_helds(self) -> list[Held]:
        """The held values that lie behind a getter and a setter."""
        return [held for held in self.helds.values() if isinstance(held.cell, ExposedCell)]
