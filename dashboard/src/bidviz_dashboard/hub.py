"""The hub: runs, who follows them, and the way of a command to its session and of the reply back."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Iterable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bidviz_core.messages.commands import AddFunction, Method
from bidviz_core.messages.notifications import (
    Callback,
    CallbackContent,
    Catalogue,
    CatalogueMessage,
    ConsoleMessage,
    CostsMessage,
    ErrorContent,
    ErrorMessage,
    FailureMessage,
    Gap,
    GapContent,
    HealthMessage,
    HyperparametersMessage,
    Notification,
    Parameters,
    Progress,
    RunFailure,
    RunInfo,
    RunsMessage,
    RunSummary,
    StatusContent,
    StatusMessage,
    encode,
)
from bidviz_core.store import StoreReader
from bidviz_dashboard.live_run import LiveRun
from bidviz_dashboard.orders import Orders
from bidviz_dashboard.past_runs import PastRuns, end_of, summary_of
from bidviz_dashboard.ring import Kept

if TYPE_CHECKING:
    from bidviz_dashboard.browser import Browser
    from bidviz_dashboard.session_socket import SessionPeer

log = logging.getLogger("bidviz_dashboard")

#: Seconds between two looks at every run's state, and at the folders of ended runs while somebody looks at the table.
JUDGE_EVERY = 0.5
LOOK_EVERY = 3.0


class Hub:
    """All that the dashboard knows, behind one lock that is never held over a socket or a file.

    Args:
        run_dir: a folder of runs to show beside those of the user's index.
        allow_code: whether commands that need the right *code* are passed on at all.
        most_clients: how many browsers may be connected at once.
    """

    def __init__(self, run_dir: Path | None = None, allow_code: bool = True, most_clients: int = 64) -> None:
        self.allow_code = allow_code
        self.most_clients = most_clients
        self.past = PastRuns(run_dir)
        self.used_at = time.monotonic()
        self._lock = threading.RLock()
        self._runs: dict[str, LiveRun] = {}
        self._browsers: set[Browser] = set()
        self._table_viewers: set[Browser] = set()
        self._orders = Orders()
        self._table_changed = False
        self._looked_at = 0.0
        self._past_rows: list[RunSummary] = []

    # --- sessions ---------------------------------------------------------------------------------------------------

    def session_came(self, peer: SessionPeer, catalogue: Catalogue) -> None:
        """A session has proven itself and told its catalogue; one that was here before under this id is replaced."""
        with self._lock:
            run = self._runs.get(catalogue.run.id)
            if run is None:
                run = self._runs[catalogue.run.id] = LiveRun(catalogue)
            former, run.catalogue = run.peer, catalogue
            run.linked(peer)
            self._table_changed = True
            waiting = [browser for browser in self._browsers if browser.waits_for(run.info.id)]
        if former is not None:
            former.break_off()
        for browser in waiting:
            browser.run_came(run.info.id)

    def session_went(self, peer: SessionPeer, run_id: str) -> None:
        """A session's connection has ended, with or without a word."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is None or run.peer is not peer:
                return
            run.linked(None)
            self.used_at = time.monotonic()
            run.judge()
            self._tell_status(run)
        self._orders.run_went(run_id)

    def frame_came(self, run_id: str, kept: Kept) -> None:
        """A binary frame of a run."""
        with self._lock:
            run = self._runs[run_id]
            expected = run.ring.last + 1
            if not run.add(kept) and expected > 1:
                gap = encode(Gap(GapContent(run_id, kept.sequence, kept.sequence - expected)))
                for browser in run.followers:
                    browser.mailbox.put_notice(gap, "" if browser.version == 1 else f"gap {run_id}")
            for browser, wanted in run.followers.items():
                if not kept.name or wanted is None or kept.name in wanted:
                    browser.mailbox.put_live(run_id, kept.sequence, kept.frame)

    def notices_came(self, run_id: str, notices: Iterable[Notification]) -> None:
        """Notifications of a session."""
        for notice in notices:
            match notice:
                case Callback(content=content):
                    self._reply_came(run_id, content)
                case Progress(content=content):
                    self._orders.progress_came(content)
                case ConsoleMessage(content=content):
                    self._orders.console_came(content)
                case _:
                    with self._lock:
                        self._tell(self._runs[run_id], notice)

    def _reply_came(self, run_id: str, content: CallbackContent) -> None:
        done = self._orders.reply_came(content)
        if isinstance(done, AddFunction):
            with self._lock:
                self._runs[run_id].types[done.content.name] = done.content.type

    def _tell(self, run: LiveRun, notice: Notification) -> None:
        match notice:
            case StatusMessage(content=StatusContent(status=status)):
                known = run.judged.state
                run.beat(status)
                run.judge()
                self._table_changed |= known != run.judged.state
                self._tell_status(run)
            case CatalogueMessage(content=catalogue) if catalogue.run.id == run.info.id:
                run.catalogue = catalogue
                self._to_followers(run, encode(notice), f"catalogue {run.info.id}", newest=True)
            case HyperparametersMessage(content=news):
                run.take_hyperparameters(news)
                self._to_followers(run, encode(notice), f"hyperparameters {run.info.id}", newest=True)
            case HealthMessage(content=findings):
                run.take_health(findings)
                self._to_followers(run, encode(notice), f"health {run.info.id}", newest=True)
            case CostsMessage(content=costs):
                run.take_costs(costs)
                self._to_followers(run, encode(notice), f"costs {run.info.id}", newest=True)
            case FailureMessage(content=RunFailure(failure=failure)):
                run.failures.append(failure)
                self._to_followers(run, encode(notice), newest=True)
                self._to_followers(run, encode(ErrorMessage(ErrorContent(failure.message))), newest=False)
            case Parameters():
                self._to_followers(run, encode(notice), newest=None)
            case ErrorMessage():
                self._to_followers(run, encode(notice), newest=None)
            case _:
                self._to_followers(run, encode(notice), newest=True)

    def _tell_status(self, run: LiveRun) -> None:
        message = encode(StatusMessage(StatusContent(run.info.id, run.judged)))
        self._to_followers(run, message, f"status {run.info.id}", newest=True)

    def _to_followers(self, run: LiveRun, data: bytes, key: str = "", *, newest: bool | None) -> None:
        """To the followers that speak version 2 (`newest`), version 1, or any (`None`)."""
        for browser in run.followers:
            if newest is None or (browser.version > 1) is newest:
                browser.mailbox.put_notice(data, key)

    # --- commands -----------------------------------------------------------------------------------------------

    def order(self, browser: Browser, request_id: Any, run_id: str, command: Method) -> str:
        """Passes a command on to a run's session.

        Returns:
            Why that cannot be, as a sentence; empty if it is on its way, and its reply will come.
        """
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None and run.peer is not None:
                return self._orders.give(run.peer, browser, request_id, run_id, command)
        if not run_id:
            return "No training is connected to this dashboard now."
        if run is None and self.past.reader(run_id) is None:
            return self.unknown(run_id)
        state = run.judged.state if run is not None else "over, or not connected to this dashboard"
        return f"The training of run {run_id} is not there to take commands: it is {state}."

    # --- browsers ---------------------------------------------------------------------------------------------------

    def browser_came(self, browser: Browser) -> bool:
        """Takes a browser in; false if there are too many."""
        with self._lock:
            if len(self._browsers) >= self.most_clients:
                return False
            self._browsers.add(browser)
            return True

    def full(self) -> bool:
        """Whether another browser would be refused."""
        return len(self._browsers) >= self.most_clients

    def browser_went(self, browser: Browser) -> None:
        """Forgets a browser."""
        with self._lock:
            self._browsers.discard(browser)
            self._table_viewers.discard(browser)
            for run in self._runs.values():
                run.followers.pop(browser, None)
            self.used_at = time.monotonic()
        self._orders.browser_went(browser)

    def follow(
        self, browser: Browser, run_id: str, since: int | None = None, series: Iterable[str] | None = None
    ) -> bool:
        """Makes a browser a follower: catalogue, status, failures, the frames after `since`, then all that comes.

        Returns:
            False if there is no such run.
        """
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None:
                run.judge()
                self._greet(browser, run, since, None if series is None else frozenset(series))
                return True
        return self._show_past(browser, run_id, None if series is None else frozenset(series))

    def _greet(self, browser: Browser, run: LiveRun, since: int | None, wanted: frozenset[str] | None) -> None:
        browser.follows_now(run.info.id)
        box = browser.mailbox
        if browser.version > 1:
            box.put_notice(encode(CatalogueMessage(run.catalogue)))
            box.put_notice(encode(StatusMessage(StatusContent(run.info.id, run.judged))))
            for failure in run.failures:
                box.put_notice(encode(FailureMessage(RunFailure(run.info.id, failure))))
            missed = run.ring.missed(since) if since is not None else 0
            if missed:
                box.put_notice(encode(Gap(GapContent(run.info.id, missed, missed - 1 - (since or 0)))))
            for kept in run.ring.after(since):
                if not kept.name or wanted is None or kept.name in wanted:
                    box.put_live(run.info.id, kept.sequence, kept.frame)
        run.followers[browser] = wanted

    def _show_past(self, browser: Browser, run_id: str, wanted: frozenset[str] | None) -> bool:
        reader = self.past.reader(run_id)
        if reader is None:
            return False
        summary, catalogue, failures = summary_of(reader), reader.catalogue(), reader.failures()
        with self._lock:
            run = self._runs.get(run_id)
            if run is not None:  # its session came while the file was read
                self._greet(browser, run, None, wanted)
                return True
            browser.follows_later(run_id, wanted)
            if browser.version > 1:
                browser.tell(CatalogueMessage(catalogue or Catalogue(run=reader.info, series=reader.series())))
                browser.tell(StatusMessage(StatusContent(run_id, summary.status)))
                for failure in failures:
                    browser.tell(FailureMessage(RunFailure(run_id, failure)))
        return True

    def unfollow(self, browser: Browser, run_id: str) -> None:
        """Takes a browser from a run's followers."""
        with self._lock:
            browser.follows_no_more(run_id)
            run = self._runs.get(run_id)
            if run is not None:
                run.followers.pop(browser, None)

    def follow_table(self, browser: Browser) -> None:
        """Sends a browser the list of runs, now and whenever it changes."""
        with self._lock:
            self._table_viewers.add(browser)
        self._past_rows = self.past.refresh()
        browser.mailbox.put_notice(self._table(), "runs")

    def runs(self) -> list[RunSummary]:
        """All runs, newest first: what sessions say, and for the rest what their files say."""
        with self._lock:
            live = {run.info.id: run.summary() for run in self._runs.values()}
        rows = [*live.values(), *(row for row in self._past_rows if row.run.id not in live)]
        return sorted(rows, key=lambda row: row.run.started, reverse=True)

    def newest(self) -> str:
        """The newest run whose session is here, else the newest that was; empty for none."""
        with self._lock:
            runs = sorted(self._runs.values(), key=lambda run: (run.peer is not None, run.info.started))
        return runs[-1].info.id if runs else ""

    def type_of(self, run_id: str, series: str) -> str:
        """The word for a series' chart that a version-1 client gave; empty for none."""
        with self._lock:
            run = self._runs.get(run_id)
            if run is None:
                return ""
            if series in run.types:
                return run.types[series]
            metrics = run.catalogue.metrics
            return next((one.type for one in metrics if one.type and (series == one.name or series in one.series)), "")

    def info(self, run_id: str) -> RunInfo | None:
        """What never changes of a run, or none where no such run is known."""
        with self._lock:
            run = self._runs.get(run_id)
        if run is not None:
            return run.info
        reader = self.past.reader(run_id)
        return reader.info if reader is not None else None

    def reader(self, run_id: str) -> StoreReader | None:
        """A reader of a run's file, or none where no such run is known."""
        with self._lock:
            run = self._runs.get(run_id)
        return StoreReader(Path(run.info.folder)) if run is not None else self.past.reader(run_id)

    def unknown(self, run_id: str) -> str:
        """The sentence about a run that is not there."""
        known = [f"{row.run.id} ({row.run.name})" for row in self.runs()[:5]]
        return (
            f"There is no run {run_id!r} here; the newest are {', '.join(known)}."
            if known
            else (f"There is no run {run_id!r} here, and no other.")
        )

    # --- the clock --------------------------------------------------------------------------------------------------

    def tick(self) -> None:
        """Judges every run anew, and renews the table for those who look at it."""
        with self._lock:
            for run in self._runs.values():
                self._judge(run)
            ending = [run for run in self._runs.values() if run.end_wanted]
        for run in ending:
            end = end_of(Path(run.info.folder))
            with self._lock:
                run.end_with(*end)
                self._judge(run)
        with self._lock:
            for run_id in [run_id for run_id, run in self._runs.items() if run.forgettable]:
                del self._runs[run_id]  # some 30 MB each, which its file has as well
            if self._browsers or any(run.peer is not None for run in self._runs.values()):
                self.used_at = time.monotonic()
            viewers = list(self._table_viewers)
            live = any(run.peer is not None for run in self._runs.values())
        now = time.monotonic()
        if not viewers:
            return
        if self._table_changed or now - self._looked_at > LOOK_EVERY:
            self._looked_at = now
            self._past_rows = self.past.refresh()
            self._table_changed = True
        if self._table_changed or live:
            self._table_changed = False
            table = self._table()
            for browser in viewers:
                browser.mailbox.put_notice(table, "runs")

    def _judge(self, run: LiveRun) -> None:
        if run.judge():
            self._table_changed = True
            self._tell_status(run)

    def close(self) -> None:
        """Says goodbye to everyone."""
        with self._lock:
            peers = [run.peer for run in self._runs.values() if run.peer is not None]
            browsers = list(self._browsers)
        for browser in browsers:
            browser.say_goodbye("The dashboard is being stopped.")
        for peer in peers:
            peer.say_goodbye("The dashboard is being stopped.")

    def _table(self) -> bytes:
        return encode(RunsMessage(self.runs()))
