"""A run as the hub knows it: what its session said, its last frames, and who follows it. Guarded by the hub's lock."""

from __future__ import annotations

import platform
import socket
import time
from collections import deque
from typing import TYPE_CHECKING

from msgspec.structs import replace

from bidviz_core.messages.health import RunHealth
from bidviz_core.messages.notifications import Catalogue, CostsContent, FailureContent, RunInfo, RunSummary, Status
from bidviz_core.messages.steered import HyperparametersContent
from bidviz_core.processes import is_alive
from bidviz_dashboard.ring import Kept, Ring
from bidviz_dashboard.states import FINAL, Evidence, judged

if TYPE_CHECKING:
    from bidviz_dashboard.browser import Browser
    from bidviz_dashboard.session_socket import SessionPeer

KEPT_FAILURES = 200
#: Seconds for which a run that is over is kept at hand, with its last frames.
KEPT_SECONDS = 120.0


class LiveRun:
    """One run whose session has been here.

    Args:
        catalogue: the first it sent.
    """

    def __init__(self, catalogue: Catalogue) -> None:
        self.catalogue = catalogue
        self.ring = Ring()
        self.reported = Status()
        self.judged = Status()
        self.failures: deque[FailureContent] = deque(maxlen=KEPT_FAILURES)
        self.followers: dict[Browser, frozenset[str] | None] = {}
        #: The word for a chart that a version-1 client gave, by metric.
        self.types: dict[str, str] = {}
        self.peer: SessionPeer | None = None
        self._beat_at = self._link_at = time.monotonic()
        self._step = 0  # the last that was told, by a status or by values, which come more often
        #: What its file says of a run whose process went without a word; none before it was asked.
        self._end: Status | None = None
        self.end_wanted = False

    @property
    def info(self) -> RunInfo:
        """What never changes."""
        return self.catalogue.run

    @property
    def over(self) -> bool:
        """Whether the session has said how it ended."""
        return self.reported.state in FINAL

    @property
    def forgettable(self) -> bool:
        """Whether its file says all that there is to say, and nobody is looking."""
        over = self.over or self.judged.state == "lost"
        return self.peer is None and over and not self.followers and time.monotonic() - self._link_at > KEPT_SECONDS

    def linked(self, peer: SessionPeer | None) -> None:
        """The session has come, or gone."""
        self.peer = peer
        self._end, self.end_wanted = None, False
        self._link_at = time.monotonic()

    def beat(self, status: Status) -> None:
        """The session has told its status."""
        self.reported = status
        self._end, self.end_wanted = None, False
        self._step = status.step
        self._beat_at = time.monotonic()

    def add(self, kept: Kept) -> bool:
        """Keeps a frame; false if batches before it are missing."""
        self._step = max(self._step, kept.step)
        return self.ring.add(kept)

    def take_hyperparameters(self, news: HyperparametersContent) -> None:
        """Values have changed: whoever comes later is to see these, with the named policies that are on offer."""
        offered = [policy for policy in self.catalogue.policies if policy.state == "offered"]
        self.catalogue = replace(
            self.catalogue, hyperparameters=news.hyperparameters, policies=[*news.policies, *offered]
        )

    def take_health(self, news: RunHealth) -> None:
        """Rules have found something: whoever comes later is to see it."""
        self.catalogue = replace(self.catalogue, health=news.health, rules=news.rules)

    def take_costs(self, news: CostsContent) -> None:
        """Metrics take longer or shorter by now: whoever comes later is to see that."""
        known, costs = self.catalogue.metrics, news.costs
        metrics = [
            replace(one, cost=costs[one.name].cost, share=costs[one.name].share) if one.name in costs else one
            for one in known
        ]
        self.catalogue = replace(self.catalogue, metrics=metrics)

    def judge(self) -> bool:
        """Judges the state anew; true if the state is another one."""
        now = time.monotonic()
        here = self.info.host in (socket.gethostname(), platform.node())
        alive = is_alive(self.info.pid, self.info.started) if here and not self.over else None
        known = self.judged
        reported = self._end or self.reported
        if self._end is None and self.peer is None and not self.over and self._step != reported.step:
            reported = replace(reported, step=self._step)  # it was killed between two beats
        status = judged(Evidence(reported, now - self._beat_at, self.peer is not None, now - self._link_at, alive))
        # Whoever opens the run later finds what its file holds, which lacks the last half second: so do those who look
        # on now. The file is read where no lock is held, and until then nothing is said.
        self.end_wanted = status.state == "lost" and alive is False and self._end is None
        if not self.end_wanted:
            self.judged = status
        return (known.state, known.detail) != (self.judged.state, self.judged.detail)

    def end_with(self, status: Status | None, sequence: int) -> None:
        """Its process is gone without a word.

        Args:
            status: what its file says; none where it cannot be read, and what was heard has to do.
            sequence: the last batch in the file.
        """
        if not self.end_wanted:
            return  # it has come back meanwhile
        if status is None:
            self._end = replace(self.reported, step=max(self._step, self.reported.step))
        else:
            self._end = status
            self.ring.cut(sequence)

    def summary(self) -> RunSummary:
        """The run's row in the table."""
        return RunSummary(run=self.info, status=self.judged, live=self.peer is not None)
