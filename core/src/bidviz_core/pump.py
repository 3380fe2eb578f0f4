"""The pump: the thread that carries records out to link and store, and tells what goes on. It runs no user code."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from bidviz_core.channel import Channel, PendingRecord, Row
from bidviz_core.errors import BidvizError
from bidviz_core.frames import pack_frame
from bidviz_core.histograms import resolve_together
from bidviz_core.messages.notifications import (
    Catalogue,
    CatalogueMessage,
    Entry,
    FailureContent,
    FailureMessage,
    JournalMessage,
    Notification,
    RunEntry,
    RunFailure,
    Status,
    StatusContent,
    StatusMessage,
)
from bidviz_core.records import Batch, Record, ScalarBlock, join_series
from bidviz_core.transfer import to_host, to_host_scalars
from bidviz_core.values import kind_of, to_parts

if TYPE_CHECKING:
    from bidviz_core.link import Link
    from bidviz_core.store import StoreWriter

#: Seconds. Each tick takes the interpreter lock from the training a few times, whatever there is to carry: twenty a
#: second cost a step of 1.4 ms half a percent more than ten, and a chart is not read any faster.
TICK = 0.1
COMMIT_EVERY = 0.5
BEAT_EVERY = 0.5
#: Where nothing was recorded since, the run's state alone is written this often.
STATUS_EVERY = 1.0
LOOK_EVERY = 2.0


class Watched(Protocol):
    """What the pump needs to know of the session; every answer is made from state that others write."""

    def status(self, dropped: int, sequence: int) -> Status:
        """The present state."""

    def catalogue(self, kinds: dict[str, str]) -> Catalogue:
        """The metrics, series and names of the run."""

    def on_beat(self) -> list[Notification]:
        """What goes out with a beat beside the status."""

    def on_tick(self) -> None:
        """Every few seconds: what has to be looked after beside the training."""


class Pump:
    """Owns the thread `bidviz-pump`; everything below is written by it alone, but the queues it is given things by.

    Args:
        channel: where records come from.
        run: the run's id.
        watched: the session.
        open_store: makes the store, on the pump's thread; it may raise.
        link: the link to the dashboard, or none.
        sinks: called with each batch that was written, on a thread of their own, or none.
    """

    def __init__(
        self,
        channel: Channel,
        run: str,
        watched: Watched,
        open_store: Callable[[], StoreWriter] | None,
        link: Link | None,
        sinks: Callable[[Batch], None] | None = None,
    ) -> None:
        self.latest: dict[str, float] = {}
        self.sequence = 0
        self._channel = channel
        self._run = run
        self._watched = watched
        self._open_store = open_store
        self._store: StoreWriter | None = None
        self._link = link
        self._sinks = sinks
        self._kinds: dict[str, str] = {}
        self._known: set[tuple[str, ...]] = set()  # rows whose names are in `_kinds`
        self._catalogue_wanted = threading.Event()
        self._notices: list[Notification] = []
        self._notices_lock = threading.Lock()
        self._opened = threading.Event()
        self._closing = threading.Event()
        self._flush_wanted = 0
        self._flushed = threading.Condition()
        self._flush_done = 0
        self._store_failing = False
        self._committed = -1
        self._status_at = 0.0
        self._thread = threading.Thread(target=self._work, name="bidviz-pump", daemon=True)

    # --- called by others --------------------------------------------------------------------------------------------

    def start(self) -> None:
        """Starts the thread, and waits until the run's file is there for others to open."""
        self._thread.start()
        self._opened.wait(10.0)

    def tell(self, notification: Notification) -> None:
        """Hands over a notification to be sent (and, for an entry or a failure, stored)."""
        with self._notices_lock:
            self._notices.append(notification)
        self._channel.pump_wanted.set()

    def renew_catalogue(self) -> None:
        """Says that the page's catalogue is out of date."""
        self._catalogue_wanted.set()

    def flush(self, timeout: float = 10.0) -> bool:
        """Waits until everything published so far is in the store; false if that took too long."""
        if threading.current_thread() is self._thread or not self._thread.is_alive():
            return False
        with self._flushed:
            self._flush_wanted += 1
            wanted = self._flush_wanted
            self._channel.pump_wanted.set()
            return self._flushed.wait_for(lambda: self._flush_done >= wanted, timeout)

    def close(self, timeout: float = 10.0) -> None:
        """Carries out all that is left, closes the store, and joins the thread."""
        self._closing.set()
        self._channel.pump_wanted.set()
        if self._thread.is_alive() and threading.current_thread() is not self._thread:
            self._thread.join(timeout)

    def greeting(self) -> list[Notification]:
        """What a dashboard is told first at each connect."""
        return [CatalogueMessage(self._watched.catalogue(dict(self._kinds))), self._status_message()]

    # --- the thread --------------------------------------------------------------------------------------------------

    def _work(self) -> None:
        self._open()
        self._opened.set()
        if self._link is not None:
            self._link.start()
        next_commit = next_beat = next_look = time.monotonic()
        wanted = self._channel.pump_wanted
        while True:
            closing = self._closing.is_set()
            flush_to = self._flush_wanted
            arrays = self._carry()
            told = self._send_notices()
            self._wake_link()  # nobody's answer waits for the disk
            now = time.monotonic()
            if closing or told or flush_to > self._flush_done or now >= next_commit:
                self._commit(closing)
                next_commit = now + COMMIT_EVERY
                if flush_to > self._flush_done:
                    with self._flushed:
                        self._flush_done = flush_to
                        self._flushed.notify_all()
            if self._link is not None and now >= next_beat:
                self._beat(self._link)
                next_beat = now + BEAT_EVERY
            if now >= next_look and not closing:
                self._fenced("look", self._watched.on_tick)
                next_look = now + LOOK_EVERY
            self._wake_link()
            if closing:
                break
            if arrays or (self._link is not None and self._link.connected):
                wanted.wait(TICK)
            else:
                # Where nobody follows, nobody waits for more than the file, and each tick is a disturbance. Arrays in
                # waiting are another, since the training is given ever new memory: the first one ends the rest.
                self._channel.pump_rests = True
                following = min(next_commit, next_look)
                if self._link is not None:
                    following = min(following, next_beat)
                if not self._kinds and self._link is None:  # nothing was ever recorded: there is the status to write
                    following = max(following, self._status_at + STATUS_EVERY)
                wanted.wait(max(TICK, following - time.monotonic()))
                self._channel.pump_rests = False
            wanted.clear()
        self._end()

    def _wake_link(self) -> None:
        if self._link is not None:
            self._link.wake()

    def _open(self) -> None:
        if self._open_store is None:
            return
        try:
            self._store = self._open_store()
            self._store.write_catalogue(self._watched.catalogue({}))
        except (BidvizError, OSError) as error:
            self._fail("store", "the run's file", f"{error} The training goes on; its history is not kept.")

    def _carry(self) -> bool:
        """Carries out all that waits; says whether arrays were among it."""
        blocks, rows, arrays = self._channel.take()
        if not blocks and not rows and not arrays:
            return False
        self.sequence += 1
        if rows:
            blocks += _by_column(rows)
        blocks = join_series(blocks)
        records = self._records(arrays)
        batch = Batch(self.sequence, blocks, records)
        known = len(self._kinds)
        for block in blocks:
            self.latest.update(zip(block.names, block.values[:, -1].tolist(), strict=True))
            if block.names not in self._known:
                self._known.add(block.names)
                self._kinds.update(dict.fromkeys(block.names, "scalar"))
        for record in records:
            if record.name not in self._kinds:
                self._kinds[record.name] = kind_of(record.value)
        if len(self._kinds) != known:
            self._catalogue_wanted.set()
        if self._link is not None and self._link.connected:
            for frame in frames_of(self._run, batch):
                self._link.send_frame(frame, wake=False)
        if self._store is not None:
            self._store_step(lambda store: store.append(batch))
        if self._sinks is not None:
            self._sinks(batch)
        self._channel.release(arrays)
        return bool(arrays)

    def _records(self, pending: Sequence[PendingRecord]) -> list[Record]:
        records = []
        self._fenced("histograms", lambda: resolve_together(one.value for one in pending))
        for one in pending:
            try:
                records.append(Record(one.name, one.step, one.time, to_host(one.value)))
            except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
                # A device that fails here would fail the training too; the record is told as lost, not hidden.
                self._fail("metric", one.name, f"The value of {one.name} at step {one.step} was lost: {error}")
        return records

    def _commit(self, closing: bool = False) -> None:
        if self._catalogue_wanted.is_set():
            self._catalogue_wanted.clear()
            catalogue = self._watched.catalogue(dict(self._kinds))
            if self._link is not None:
                self._link.send(CatalogueMessage(catalogue), wake=False)
            self._store_step(lambda store: store.write_catalogue(catalogue))
        if closing:
            return
        status, now = None, time.monotonic()
        if self.sequence != self._committed or now - self._status_at >= STATUS_EVERY:
            status = self._watched.status(self._dropped(), self.sequence)
            self._committed, self._status_at = self.sequence, now
        self._store_step(lambda store: store.commit(status))

    def _store_step(self, work: Callable[[StoreWriter], None]) -> None:
        """The store may fail (a full disk); link and training go on, and it is tried again."""
        if self._store is None:
            return
        try:
            work(self._store)
        except (BidvizError, OSError) as error:
            if not self._store_failing:
                self._store_failing = True
                self._fail("store", "the run's file", f"{error} It is tried again; the training goes on.")
        else:
            self._store_failing = False

    def _send_notices(self) -> bool:
        """Sends what waits; says whether the run's file is to have some of it at once.

        A page that is opened just after an entry of the journal was told reads the file, and is not told again.
        """
        if not self._notices:
            return False
        kept = False
        with self._notices_lock:
            notices, self._notices = self._notices, []
        for notice in notices:
            match notice:
                case JournalMessage(content=RunEntry(entry=entry)):
                    self._store_entry(entry)
                    kept = True
                case FailureMessage(content=RunFailure(failure=failure)):
                    self._store_failure(failure)
                    kept = True
            if self._link is not None:
                self._link.send(notice, wake=False)
        return kept

    def _store_entry(self, entry: Entry) -> None:
        self._store_step(lambda store: store.write_entry(entry))

    def _store_failure(self, failure: FailureContent) -> None:
        self._store_step(lambda store: store.write_failure(failure))

    def _status_message(self) -> StatusMessage:
        return StatusMessage(StatusContent(self._run, self._watched.status(self._dropped(), self.sequence)))

    def _dropped(self) -> int:
        """Records that are in no history: what the link lets go, the page fetches again from the store."""
        return self._channel.dropped + (self._store.dropped if self._store is not None else 0)

    def _beat(self, link: Link) -> None:
        link.send(self._status_message(), wake=False)
        for notice in self._watched.on_beat():
            link.send(notice, wake=False)

    def _end(self) -> None:
        message = self._status_message()
        self._store_step(lambda store: store.close(message.content.status))
        if self._link is not None:
            self._link.send(message, wake=False)
            self._link.close(5.0)
        with self._flushed:
            self._flush_done = self._flush_wanted
            self._flushed.notify_all()

    def _fail(self, source: str, name: str, message: str) -> None:
        failure = FailureContent(source=source, name=name, message=message, time=time.time())
        note = FailureMessage(RunFailure(self._run, failure))
        if self._link is not None:
            self._link.send(note, wake=False)
        on_failure = getattr(self._watched, "on_pump_failure", None)
        if on_failure is not None:
            on_failure(failure)

    def _fenced(self, name: str, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # noqa: BLE001 - a fence: it is reported, and the training goes on
            self._fail("pump", name, f"{type(error).__name__}: {error}")


def frames_of(run: str, batch: Batch) -> list[bytes]:
    """The binary frames of a batch: one for its scalars, one for each array record."""
    frames = []
    if batch.scalars:
        blocks: list[dict[str, Any]] = []
        buffers: list[Any] = []
        for block in batch.scalars:
            blocks.append({"names": block.names, "at": len(buffers)})
            buffers += [block.steps.astype(np.float64), block.times, block.values]
        step = max((int(block.steps[-1]) for block in batch.scalars if len(block.steps)), default=0)
        about = {"type": "batch", "run": run, "sequence": batch.sequence, "step": step}
        frames.append(pack_frame({**about, "blocks": blocks}, buffers))
    for record in batch.arrays:
        header, parts = to_parts(record.value)
        about = {"type": "array", "run": run, "sequence": batch.sequence, "name": record.name}
        frames.append(pack_frame({**about, "step": record.step, "time": record.time, "value": header}, parts))
    return frames


def _by_column(rows: Sequence[Row]) -> list[ScalarBlock]:
    """Turns rows into columns, those of the same names together, and copies scalars from their devices."""
    groups: dict[tuple[str, ...], list[Row]] = {}
    for row in rows:
        groups.setdefault(row[2], []).append(row)
    groups.pop((), None)
    blocks = []
    for names, group in groups.items():
        steps, times, _, values = zip(*group, strict=True)
        blocks.append(
            ScalarBlock(names, np.array(steps, np.int64), np.array(times), to_host_scalars(values, len(names)))
        )
    return blocks
