"""The loop that `session.batches` runs for a script: between two batches it saves, goes back, tries out and ends."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING, Any

from bidviz_core.looping.feed import Feed, Place

if TYPE_CHECKING:
    from bidviz_core.looping.excursion import Excursion
    from bidviz_core.session import Session


class Loop:
    """One call of `session.batches`.

    Args:
        session: the session.
        loader: what is iterated over.
        epochs: how many passes.
        call: the how many-th call it is, from 1.
    """

    def __init__(self, session: Session, loader: Iterable[Any], epochs: int, call: int) -> None:
        self.session = session
        self.feed = Feed(loader)
        self.epochs = epochs
        self.call = call
        self.began_at = session.step
        #: What the next point between two batches is to try out.
        self.excursion: Excursion | None = None

    def run(self) -> Iterator[Any]:
        """Yields the batches."""
        control = self.session.control
        control.begin_loop(self)
        try:
            yield from self._run()
        finally:
            control.end_loop(self)

    def _run(self) -> Iterator[Any]:
        session, control, feed = self.session, self.session.control, self.feed
        told: int | None = None
        yield from self._point()
        while not control.ends_loop() and feed.place.epoch < self.epochs:
            epoch = feed.place.epoch
            if told != epoch:
                told = epoch
                session.plugins.tell("epoch_started", session=session, epoch=(session.epoch or 0) + 1)
            item = feed.draw()
            if item.ends:
                session.epoch_done()
                continue
            yield item.batch
            yield from self._point()

    def _point(self) -> Iterator[Any]:
        """Between two batches, when all of an iteration is over."""
        control = self.session.control
        if not control.wanted_here():
            return
        while (excursion := control.serve_point()) is not None:
            self.excursion = None
            yield from excursion.run()

    def place(self) -> dict[str, Any]:
        """The position in the data, for a checkpoint."""
        return {"call": self.call, "place": tuple(self.feed.place), "epochs": self.epochs, "length": self.feed.length()}

    def go_to(self, kept: dict[str, Any]) -> None:
        """Goes to a position that `place` gave."""
        if self.feed.cannot_go_back():
            return
        self.feed.seek(Place(*kept["place"]))

    def length(self) -> int | None:
        """How many batches there are in all, where the loader knows."""
        one = self.feed.length()
        return None if one is None else one * self.epochs
