"""Values that are held: put in just before an update and taken out just after: a scheduler meets only its own.

A recursive scheduler computes its next rate from the one it finds in the group; a value of ours in its place would
spoil that for good. Where nobody else writes, the value is simply written, and the script sees it; if it turns out that
somebody does write, that is their value from then on and ours is put in and taken out like any other.
"""

from __future__ import annotations

import functools
from collections.abc import Callable
from types import MethodType
from typing import Any, NamedTuple

from bidviz_core.hyperparameters.cells import Cell, ExposedCell, OptimizerCell, plain
from bidviz_core.hyperparameters.fitting import clip
from bidviz_core.metrics.results import is_tensor


class Request(NamedTuple):
    """What somebody wants a value to be.

    Args:
        mode: `"override"` or `"scale"`.
        value: the value, or the factor.
        owner: `"person"` or `"policy"`.
        author: who.
        since: the step at whose boundary it was asked for.
    """

    mode: str
    value: Any
    owner: str
    author: str
    since: int


_NOBODYS = Request("", None, "", "", 0)


class Held:
    """One cell that somebody holds.

    Args:
        cell: where the value lies.
        request: what is wanted.
        written: whether nobody else writes there, so that the value is simply written.
        used: what the last update used.
    """

    __slots__ = (
        *("_request", "base", "cell", "following", "in_place", "lease", "mark", "overwritten", "updates", "used"),
        "written",
    )

    def __init__(self, cell: Cell, request: Request, written: bool, used: Any) -> None:
        self.cell = cell
        #: The value that is wanted by now, where it was put in place already; none where the request says it.
        self.following: float | None = None
        self.request = request
        self.written = written
        self.used = used
        self.base = cell.keep()
        self.mark: Any = None
        self.in_place = False  # ours stands where a scheduler would look for its own
        self.overwritten = False  # somebody wrote over it within the last update
        self.updates = 0
        self.lease = ""
        if written:
            self._place()

    @property
    def request(self) -> Request:
        """What is wanted: as it was asked for, but with the value that has followed since."""
        # A policy that puts a value in place at each step says just which: a whole request takes ten times as long.
        following = self.following
        return self._request if following is None else self._request._replace(value=following)

    @request.setter
    def request(self, request: Request) -> None:
        self._request = request
        self.following = None

    def ask(self, request: Request) -> None:
        """Wants something else from the next update on."""
        former, self.request = self.request, request
        try:
            self._renew()
        except Exception:
            self.request = former  # a setter of the script's that refuses
            raise

    def _renew(self) -> None:
        if self.in_place:  # in a pause before the update: this update uses it
            self._place()
        if not self.written:
            return
        if self.cell.mark() == self.mark:
            self._place()
        else:
            self._yield_ground()

    def put_in(self) -> None:
        """Before the update."""
        if self.in_place:
            self.restore()  # an update raised, and went past everything that would have taken it out
        if self.written:
            if self.cell.mark() == self.mark:
                return
            self._yield_ground()
        self.base = self.cell.keep()
        self._place()
        self.in_place = True

    def take_out(self) -> None:
        """After the update: reads what it used, and puts back what the script and its scheduler say."""
        self.used = self.cell.keep()
        self.updates += 1
        self.overwritten = self.cell.mark() != self.mark
        if self.in_place:
            self.restore()
        elif self.overwritten:
            self._yield_ground()

    def restore(self) -> None:
        """Puts the script's value back, unless somebody has written another meanwhile."""
        if self.cell.mark() == self.mark:
            self.cell.put(self.base)
        self.in_place = False

    def release(self) -> None:
        """Gives the cell back."""
        if self.in_place or self.written:
            self.restore()
        self.request = _NOBODYS

    def look(self) -> bool:
        """At a step boundary, for a value that no update reads: puts ours back if the script wrote another.

        Returns:
            Whether it had.
        """
        self.used = self.cell.read()
        self.updates += 1
        self.overwritten = self.cell.mark() != self.mark
        if self.overwritten:
            self.base = self.cell.keep()
            self._place()
        return self.overwritten

    def in_force(self) -> Any:
        """The value that the next update will use, as a plain one."""
        if self.in_place or (self.written and self.cell.mark() == self.mark):
            return self.cell.read()
        wanted = self._wanted(self.cell.keep())
        raw: Any = self.cell.raw() if isinstance(self.cell, OptimizerCell) else None
        # A tensor rounds what is written into it.
        return raw.new_tensor(wanted).item() if is_tensor(raw) and not is_tensor(wanted) else plain(wanted)

    def script_value(self) -> Any:
        """What the script and its scheduler say at present."""
        if self.in_place or (self.written and self.cell.mark() == self.mark):
            return plain(self.base)
        return self.cell.read()

    def noted(self) -> tuple[Any, Any]:
        """The script's value and the one in force as last noted, for a thread that must not look into the group."""
        return plain(self.base), plain(self._wanted(self.base))

    def meets_scheduler(self) -> None:
        """A scheduler has come that writes here: what it found is its own from now on."""
        if self.written:
            self._yield_ground()

    def _place(self) -> None:
        self.cell.put(self._wanted(self.base))
        self.mark = self.cell.mark()

    def _wanted(self, base: Any) -> Any:
        request = self.request
        if request.mode != "scale":
            return request.value
        cell = self.cell
        if type(base) is not float and is_tensor(base):
            product = base * request.value
            return product if cell.low is None and cell.high is None else product.clamp(cell.low, cell.high)
        return clip(base * request.value, cell.low, cell.high)

    def _yield_ground(self) -> None:
        """Somebody else writes here as well: what they wrote is the base, and ours is no longer simply written."""
        self.base = self.cell.keep()
        if isinstance(self.cell, ExposedCell):
            self._place()
        else:
            self.written = False


class OptimizerHolds:
    """The held cells of one optimizer, and the hooks that it has only while there are some.

    Hooks can be neither added nor taken away while they are being called. The first optimizer's are called while a step
    boundary is attended to, and while a pause before the update lasts; so it is the learner that calls `_after` there.

    Args:
        optimizer: the optimizer.
        clock: the learner, if the optimizer is its first; else none.
        on_groups: called when the number of its groups has changed.
        on_error: called with a cell that could not be written, and why; it is no longer held then.
    """

    def __init__(
        self, optimizer: Any, clock: Any, on_groups: Callable[[], None], on_error: Callable[[Held, Exception], None]
    ) -> None:
        self.optimizer = optimizer
        self.helds: tuple[Held, ...] = ()
        #: Cells that somebody asked the last used value of, and those values.
        self.asked: dict[Any, OptimizerCell] = {}
        self.used: dict[Any, Any] = {}
        self._clock = clock
        self._on_groups = on_groups
        self._on_error = on_error
        self._groups = len(optimizer.param_groups)
        self._attached = False
        self._handles: list[Any] = []
        self._guard: Any = None
        self._beneath: Any = None  # what stood in the place of the guard

    def add(self, held: Held) -> None:
        """Holds one more cell."""
        self.helds = (*self.helds, held)
        self._attach()

    def remove(self, held: Held) -> None:
        """Holds one cell less; the last one takes the hooks with it."""
        self.helds = tuple(one for one in self.helds if one is not held)
        if not self.helds and not self.asked and not self._before_update:
            self.detach()

    def track(self, cell: OptimizerCell) -> None:
        """Keeps what each update uses of a cell from now on."""
        self.asked[cell.key] = cell
        self._attach()

    def restore(self, optimizer: Any = None) -> None:
        """Takes out whatever an interrupted update has left in place."""
        for held in self.helds:
            if held.in_place:
                held.restore()

    def detach(self) -> None:
        """Takes everything of ours away from the optimizer."""
        self.restore()
        for handle in self._handles:
            handle.remove()
        self._handles.clear()
        self._attached = False
        if self._clock is not None:
            self._clock.before_boundary(None)
        inside = vars(self.optimizer)
        if self._guard is not None and inside.get("step") is self._guard:
            if self._beneath is None:
                del inside["step"]
            else:
                inside["step"] = self._beneath
            self._guard = self._beneath = None
        # Otherwise somebody has wrapped the guard: it stays, and has nothing to do.

    @property
    def _before_update(self) -> bool:
        """Whether the hooks before an update of this optimizer are being called."""
        return self._clock is not None and self._clock.waits_before_update

    def _attach(self) -> None:
        if self._before_update:
            self._clock.then(self._before_late)  # the update that is about to be made
        if self._attached:
            return
        self._attached = True
        self._groups = len(self.optimizer.param_groups)
        if self._clock is not None:
            self._clock.before_boundary(self._after)
        if self._guard is None:
            self._guard_step()
        if not self._before_update:
            self._add_hooks()

    def _add_hooks(self) -> None:
        optimizer = self.optimizer
        self._handles = [
            optimizer.register_step_pre_hook(self._before),
            optimizer.register_state_dict_pre_hook(self.restore),
        ]
        if self._clock is None:
            self._handles.append(optimizer.register_step_post_hook(self._after))

    def _guard_step(self) -> None:
        """Wraps `step` as schedulers do, since no hook is called when an update raises."""
        step = self.optimizer.step
        holds = self

        def guarded(self: Any, *args: Any, **kwargs: Any) -> Any:
            try:
                return step(*args, **kwargs)
            except BaseException:
                holds.restore()
                raise

        # A scheduler asks whether `step` was wrapped by one, and takes its `__func__`.
        functools.update_wrapper(guarded, getattr(step, "__func__", step))
        self._beneath = vars(self.optimizer).get("step")
        self._guard = MethodType(guarded, self.optimizer)
        vars(self.optimizer)["step"] = self._guard

    def _before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if len(optimizer.param_groups) != self._groups:
            self._groups = len(optimizer.param_groups)
            self._on_groups()
        self._each(Held.put_in)

    def _before_late(self) -> None:
        self._before(self.optimizer, (), {})

    def _after(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        for key, cell in self.asked.items():
            self.used[key] = cell.keep()
        self._each(Held.take_out)
        if not self._handles:  # they could not be added before the update
            self._add_hooks()
        if self._clock is not None and not self.helds and not self.asked:
            self.detach()

    def _each(self, work: Callable[[Held], None]) -> None:
        for held in self.helds:
            try:
                work(held)
            except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
                self.helds = tuple(one for one in self.helds if one is not held)
                self._on_error(held, error)
