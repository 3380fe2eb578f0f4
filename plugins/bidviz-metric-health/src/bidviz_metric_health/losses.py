"""What the course of a loss says: plain numbers in, findings out."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Iterable, Sequence
from itertools import islice, pairwise
from statistics import fmean, median

#: Values that make up the first loss.
FIRST = 20
#: Values that are averaged into one block: a batch's loss says little.
BLOCK = 50
#: The median step between two independent values of a normal distribution, in standard deviations.
_OF_STEPS = 0.954
#: Blocks that are compared with the first loss.
RECENT = 5


class LossCourse:
    """The course of one loss, in blocks.

    Args:
        begun: steps that the training had made before it was looked at.
    """

    def __init__(self, begun: int = 0) -> None:
        self.begun = begun
        self.seen = 0
        #: The mean of the first values, and how far they spread; none before there are enough.
        self.first: float | None = None
        self.noise = 0.0
        self.best = math.inf
        self.last: float | None = None
        #: The means of the last blocks, oldest first.
        self.blocks: deque[float] = deque(maxlen=10_000)
        self._early: list[float] = []
        self._block: list[float] = []

    def add(self, values: Iterable[float]) -> bool:
        """Takes values in, oldest first; says whether all were finite. Those that are not count in no average."""
        finite = True
        for value in values:
            self.seen += 1
            if not math.isfinite(value):
                finite = False
                continue
            if self.first is None:
                self._early.append(value)
                if len(self._early) == FIRST:
                    self.first, self.noise = fmean(self._early), _noise(self._early)
            self._block.append(value)
            if len(self._block) == BLOCK:
                self.last = fmean(self._block)
                self._block.clear()
                self.best = min(self.best, self.last)
                self.blocks.append(self.last)
        return finite

    @property
    def gained(self) -> float:
        """How far the loss has fallen from the first values to the best block."""
        return 0.0 if self.first is None or self.best == math.inf else self.first - self.best

    def not_fallen(self, steps: float, fall: float) -> bool:
        """Whether after so many steps from its very beginning the loss is where it was.

        Args:
            steps: steps it is given.
            fall: the share of the first loss by which it must have fallen, and by more than three standard errors.
        """
        if self.first is None or self.begun > BLOCK or self.seen < steps or not self.blocks:
            return False
        least = max(fall * abs(self.first), 3 * self.noise / math.sqrt(FIRST))
        recent = list(islice(reversed(self.blocks), RECENT))
        return self.first - fmean(recent) < least

    def lost(self) -> float:
        """The share of what was gained that the last block has lost again; 0 where nothing was gained beyond noise."""
        if self.first is None or self.last is None or self.gained <= self.noise:
            return 0.0
        return max(0.0, self.last - self.best) / self.gained

    def stands_still(self, steps: float, progress: float, done: float) -> bool:
        """Whether the mean loss of so many steps is hardly better than that of as many before, with some left to gain.

        Args:
            steps: for how long.
            progress: the share of all that was gained that would be progress.
            done: the share of the first loss below which it may stand still.
        """
        count = max(1, round(steps / BLOCK))
        if self.first is None or self.gained <= self.noise or len(self.blocks) < 2 * count:
            return False
        if self.begun > BLOCK:
            return False  # how far it had fallen before it was looked at is not known, so neither is what is left
        if self.first > 0 and 0 <= self.best < done * self.first:
            return False
        recent = list(islice(reversed(self.blocks), 2 * count))
        now, before = recent[:count], recent[count:]
        # Less than two standard errors of the difference is no progress but chance.
        chance = 2 * math.sqrt((_spread(now) ** 2 + _spread(before) ** 2) / count)
        return fmean(before) - fmean(now) < max(progress * self.gained, chance)


def _noise(values: Sequence[float]) -> float:
    """The standard deviation about a trend, by the median step between values: a first fall does not lift it."""
    steps = [abs(later - earlier) for earlier, later in pairwise(values)]
    return median(steps) / _OF_STEPS


def _spread(values: Sequence[float]) -> float:
    """The standard deviation; `statistics.stdev` reckons in fractions, and took most of the time of a look."""
    if len(values) < 2:
        return 0.0
    mean = fmean(values)
    return math.sqrt(math.fsum((value - mean) ** 2 for value in values) / (len(values) - 1))


class Validation:
    """The course of a validation loss beside the training's."""

    def __init__(self) -> None:
        self.count = 0
        self.first: float | None = None
        self.best = math.inf
        self.best_at = 0
        self.last = math.nan
        self.training = math.nan

    def add(self, values: Sequence[float], training: float, delta: float) -> None:
        """Takes values in, with the training loss of the time.

        Args:
            values: oldest first.
            training: the mean training loss now.
            delta: the share of the best by which a new one has to be better.
        """
        for value in values:
            self.count += 1
            self.last, self.training = value, training
            if not math.isfinite(value):
                continue
            if self.first is None:
                self.first = value
            if self.best == math.inf or value < self.best - delta * abs(self.best):
                self.best_at = self.count
            self.best = min(self.best, value)

    @property
    def ratio(self) -> float:
        """(validation - training) / training; NaN where there is nothing to compare."""
        return (self.last - self.training) / abs(self.training) if self.training else math.nan

    @property
    def rise(self) -> float:
        """How far it is above its best, as a share of what it had gained; Inf where it has only risen."""
        if self.first is None or not self.last > self.best:
            return 0.0
        gained = self.first - self.best
        return (self.last - self.best) / gained if gained > 0 else math.inf

    @property
    def without_a_best(self) -> int:
        """Validations since the last that was clearly better."""
        return self.count - self.best_at
