"""Policies that read what a scheduler says are computed just before the update: it steps after the step boundary."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from bidviz_core.policies.armed import Armed
from bidviz_core.policies.dependencies import overlap

if TYPE_CHECKING:
    from bidviz_core.session import Session


class BeforeUpdate:
    """Calls a function before each update of the first optimizer, and before whoever puts held values in.

    Args:
        session: the session.
        advance: what is called.
    """

    def __init__(self, session: Session, advance: Callable[[], None]) -> None:
        self._session = session
        self._advance = advance
        self._handle: Any = None
        self._inside = False
        #: The hook could not be put on or taken off: `late` is to be asked again at the next boundary.
        self.postponed = False

    def late(self, ordered: list[Armed], names: list[str]) -> set[Armed]:
        """Those of some policies that are computed before updates: they read `base`, or a value of an optimizer's that
        is under no policy, or another of these. Puts the hook on while there are some.

        Args:
            ordered: the policies, each after those it depends on.
            names: the hyperparameters that there are.
        """
        optimizers = self._session.learner.optimizers
        found: set[Armed] = set()
        if optimizers:
            targets = {one.target: one for one in ordered}
            for one in ordered:
                for read in one.rule.reads:
                    others = [other for target, other in targets.items() if overlap(read, target, names)]
                    if not others or any(other in found or other.rule.mode == "scale" for other in others):
                        found.add(one)
                if one.rule.uses_base:
                    found.add(one)
        self.postponed = bool(found) != (self._handle is not None) and self._busy
        if self.postponed:
            return set() if self._handle is None else found
        if found and self._handle is None:
            self._put_on(optimizers[0])
        elif not found and self._handle is not None:
            self.take_off()
        return found

    def take_off(self) -> None:
        """Takes the hook off."""
        if self._handle is not None:
            self._handle.remove()
            self._handle = None

    @property
    def _busy(self) -> bool:
        """Whether the hooks before an update are being called, and so can be neither added nor taken away."""
        return self._inside or getattr(self._session.learner, "waits_before_update", False)

    def _put_on(self, optimizer: Any) -> None:
        self._handle = optimizer.register_step_pre_hook(self._before)
        hooks = getattr(optimizer, "_optimizer_step_pre_hooks", None)
        if hooks is not None:
            # What is held is put in by a hook as well: ours comes first, where the scheduler's own value still stands.
            hooks.move_to_end(self._handle.id, last=False)

    def _before(self, optimizer: Any, args: Any, kwargs: Any) -> None:
        if self._session.closed:
            return
        self._inside = True
        try:
            self._advance()
        finally:
            self._inside = False
