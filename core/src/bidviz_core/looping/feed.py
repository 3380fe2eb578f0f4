"""The data of a loop, batch by batch, with a position that one can go back to.

What a loader gives is decided by the random state before its `iter()`: the order of the samples and the workers' seeds
are drawn from torch's default generator, or from one of the loader's own. So a position is that state and the number of
batches drawn since; going there means iterating anew from that state and letting so many batches pass. A loader that
can say and take its position itself (`torchdata`'s `StatefulDataLoader`) is asked instead.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from bidviz_core.errors import CommandError
from bidviz_core.looping.randomness import generators_of, put_back_states, same_states, take_states


class Item(NamedTuple):
    """What a draw gives: a batch, or the end of an epoch.

    Args:
        ends: whether it is the end of an epoch.
        batch: the batch.
        place: the position after it.
        random: the random states after it was drawn, where the draw changed them; kept for what is given out again.
    """

    ends: bool
    batch: Any
    place: Place
    random: dict[str, Any] | None = None


class Place(NamedTuple):
    """A position: in which epoch, after how many batches, and how to get there.

    Args:
        epoch: epochs that are over.
        drawn: batches of this epoch that were given out.
        start: the random states before this epoch's `iter()`; none before it began.
        loader: what the loader says of its position, where it can.
    """

    epoch: int
    drawn: int
    start: dict[str, Any] | None = None
    loader: Any = None


class Feed:
    """Draws from a loader.

    Args:
        loader: anything that can be iterated over.
    """

    def __init__(self, loader: Iterable[Any]) -> None:
        self.loader = loader
        self.place = Place(0, 0)
        self._iterator: Iterator[Any] | None = None
        self._start: dict[str, Any] | None = None
        self._drawn = 0  # from the iterator, ahead of `place` while something is kept to be given out again
        self._epoch = 0
        self._again: deque[Item] = deque()
        self._own = generators_of(loader)
        self._stateful = hasattr(loader, "state_dict") and hasattr(loader, "load_state_dict")
        self._plain = isinstance(loader, Sequence)

    # --- drawing -----------------------------------------------------------------------------------------------------

    def draw(self) -> Item:
        """The next batch, or the end of the epoch; after that the next epoch begins."""
        item = self._again.popleft() if self._again else self._fetch()
        self.replay(item)  # where it was drawn once already: to the training it is as if it had been drawn now
        self.place = item.place
        return item

    def draw_ahead(self) -> Item:
        """Draws as `draw` does, for steps that are to be put back; says what drawing did to the random states."""
        if self._again:
            item = self._again.popleft()
            self.replay(item)
            return item
        before = take_states(self._own)
        item = self._fetch()
        after = take_states(self._own)
        return item if same_states(before, after) else item._replace(random=after)

    def replay(self, item: Item) -> None:
        """What drawing an item did to the random states happens once more."""
        if item.random is not None:
            put_back_states(item.random, self._own)

    def again(self, items: Iterable[Item]) -> None:
        """Has items given out once more, before anything new."""
        self._again.extendleft(reversed(list(items)))

    def _fetch(self) -> Item:
        if self._iterator is None:
            self._start = None if self._plain else take_states(self._own)
            self._iterator = iter(self.loader)
            self._drawn = 0
        try:
            batch = next(self._iterator)
        except StopIteration:
            self._iterator = None
            self._epoch += 1
            return Item(True, None, Place(self._epoch, 0))
        self._drawn += 1
        said = self.loader.state_dict() if self._stateful else None  # type: ignore[attr-defined]
        return Item(False, batch, Place(self._epoch, self._drawn, self._start, said))

    # --- going back --------------------------------------------------------------------------------------------------

    def seek(self, place: Place) -> None:
        """Goes to a position. The caller puts the random states of that moment back afterwards.

        Raises:
            CommandError: the loader gave fewer batches than it did the first time.
        """
        self._again.clear()
        self._iterator = None  # lets workers go before new ones start
        self._epoch, self._drawn, self._start = place.epoch, place.drawn, place.start
        self.place = place
        if place.drawn == 0:
            return
        if place.start is not None:
            put_back_states(place.start, self._own)
        if place.loader is not None:
            self.loader.load_state_dict(place.loader)  # type: ignore[attr-defined]
            self._iterator = iter(self.loader)
            return
        self._iterator = iter(self.loader)
        for passed in range(place.drawn):
            try:
                next(self._iterator)
            except StopIteration:
                raise CommandError(
                    f"The loader gave {passed} batches, and {place.drawn} when the checkpoint was taken: "
                    "the data have changed."
                ) from None

    @property
    def own_generators(self) -> list[Any]:
        """The loader's own random generators."""
        return self._own

    def cannot_go_back(self) -> str:
        """Why no earlier batch can be had again; empty where it can."""
        loader = self.loader
        if isinstance(loader, Iterator):
            return (
                f"A {type(loader).__name__} can be read once only, so the data go on where they are. Give "
                "session.batches what can be iterated over anew: a DataLoader, a list, or a class with __iter__."
            )
        return ""

    def doubt(self) -> str:
        """Why the same batches may not come again after going back; empty where they certainly do."""
        if reason := self.cannot_go_back():
            return reason
        loader = self.loader
        name = type(loader).__name__
        if self._plain or self._stateful:
            return ""
        if getattr(loader, "persistent_workers", False):
            return (
                f"The workers of this {name} live on from epoch to epoch with random states of their own, which cannot "
                "be read: a data set that draws random numbers in them gives others. persistent_workers=False helps."
            )
        dataset = getattr(loader, "dataset", None)
        if dataset is None or not hasattr(loader, "batch_sampler"):
            return f"A {name} is iterated over anew, and so many batches are let pass: it has to give the same again."
        if not hasattr(dataset, "__getitem__"):
            return f"The {type(dataset).__name__} is read anew from its beginning: it has to give the same again."
        return ""

    def length(self) -> int | None:
        """How many batches an epoch has, where the loader knows."""
        try:
            return len(self.loader)  # type: ignore[arg-type]
        except (TypeError, NotImplementedError):
            return None
