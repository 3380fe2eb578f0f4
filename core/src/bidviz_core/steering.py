"""How a script steers its run: the same things that a person does from the page."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.messages.commands import ModifyParam, Order
from bidviz_core.messages.contents import KeyValue
from bidviz_core.notices import notice

if TYPE_CHECKING:
    from bidviz_core.boundary import Boundary
    from bidviz_core.channel import Channel
    from bidviz_core.console.console import Console
    from bidviz_core.control.dispatcher import Dispatcher
    from bidviz_core.control.journal import Journal
    from bidviz_core.metrics.interrupt import Interruptible
    from bidviz_core.snapshots import Snapshots

AUTHOR = "script"


class Steering:
    """The part of a session that steers; the session holds the parts that it is declared to use."""

    boundary: Boundary
    channel: Channel
    console: Console
    dispatcher: Dispatcher
    journal: Journal
    snapshots: Snapshots
    interruptible: Interruptible

    @property
    def step(self) -> int:
        """The last step that is over, from 1; 0 before the first."""
        return self.boundary.step

    def pause(self, author: str = AUTHOR) -> None:
        """Pauses at the next step boundary; edits are served meanwhile."""
        if self.dispatcher.no_steering:
            notice(self.dispatcher.no_steering)
            return
        if not self.boundary.pause_wanted:
            self.boundary.paused_by = author
            self.boundary.pause_wanted = True
            self.journal.add(self.step, author, "pauseTraining", "paused")

    def resume(self, author: str = AUTHOR) -> None:
        """Goes on after a pause."""
        if self.boundary.pause_wanted:
            self.boundary.pause_wanted = False
            self.channel.nudge()
            self.journal.add(self.step, author, "pauseTraining", "resumed")

    def interrupt(self) -> str:
        """Interrupts the metric or console line that is running; gives its name, or an empty text."""
        name = self.interruptible.interrupt()
        return name or self.snapshots.interrupt() or ("console" if self.console.interrupt() else "")

    def set_hyperparameter(self, name: str, value: Any, author: str) -> Reply:
        """Has a value set at a step boundary, as a person would."""
        order = Order(id=0, author=author, right="tune", command=ModifyParam([KeyValue(name, value)]))
        reply: Reply = self.boundary.call(lambda: self.dispatcher.carry_out(order))
        return reply
