"""The fence around metrics: raised once at a step boundary, and looked after behind each metric that ran."""

from __future__ import annotations

import sys
import time
from collections.abc import Sequence
from types import TracebackType
from typing import TYPE_CHECKING, Any, NamedTuple

from bidviz_core.metrics.interrupt import Interruptible
from bidviz_core.metrics.memory import Peak, peak_memory
from bidviz_core.metrics.printing import PrintCatcher

if TYPE_CHECKING:
    from bidviz_core.guards import Kept, ModelGuard, RandomGuard
    from bidviz_core.metrics.definition import Metric


class Outcome(NamedTuple):
    """What came of a metric's run inside the fence.

    Args:
        value: what it returned.
        changes: what it changed of the model, a phrase each.
        printed: what it printed.
        seconds: how long its own code took.
        memory: bytes that its own code took at most at once; 0 where it was only watched.
    """

    value: Any
    changes: list[str]
    printed: str
    seconds: float
    memory: int


class Fence:
    """Keeps metrics from changing the training: random states, weights, modes, gradient mode, standard output.

    Saving what has to be put back costs about as much as looking whether it changed; so it is saved once for all
    metrics of a boundary, and looked at behind each: at the model at once, so that the right metric is blamed, and at
    the random states before anything else may draw, which is the next metric, or the training after the last one.

    Args:
        random: puts random states back.
        model: puts the model back, or none where there is no torch model.
    """

    def __init__(self, random: RandomGuard | None, model: ModelGuard | None) -> None:
        self.random = random
        self.model = model
        self.interruptible = Interruptible()
        self._catcher = PrintCatcher()
        self._kept: Kept | None = None
        self._copied: Kept | None = None
        #: Somebody ran of whom it is not known yet that nothing was changed.
        self.unclear = False
        #: What was put back when it was not clear whether the metric that ran last had changed it, or one before it.
        self.doubts: list[str] = []
        #: Memory may be kept for copies of the model.
        self.copies = False
        #: The model was copied since the fence was raised.
        self.copying = False
        self._gradients = False
        self._may_have_drawn = False

    def __enter__(self) -> Fence:
        torch = sys.modules.get("torch")
        if torch is not None:
            self._gradients = torch.is_grad_enabled()
            torch.set_grad_enabled(False)
        if self.random is not None:
            self.random.save()
        self._kept = self._copied = None
        self._may_have_drawn = self.copying = self.unclear = False
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.compare()  # what was raised past a metric may have left something
        if self.model is not None and self._copied is not None:
            self.model.give_up(self._copied)
        self._kept = self._copied = None
        if self.random is not None:
            self.random.restore()
        torch = sys.modules.get("torch")
        if torch is not None:
            torch.set_grad_enabled(self._gradients)

    def compare(self) -> list[str]:
        """Puts back what those changed that ran together and were not compared yet; says what it was."""
        if not self.unclear or self.model is None or self._copied is None:
            return []
        self.unclear = False
        changes = self.model.after(self._copied)
        if changes:
            self._kept = self._copied = None
        return changes

    def forget(self) -> None:
        """Lets go of the memory that is kept for copies of the model."""
        self.copies = False
        if self.model is not None:
            self.model.forget()

    def call(self, metric: Metric, arguments: Sequence[Any], full: bool, together: bool = False) -> Outcome:
        """Calls a metric inside the fence.

        Args:
            metric: the metric.
            arguments: its arguments.
            full: copy the model before, compare it bit by bit and put back what changed; otherwise only look at
                version counters and modes.
            together: with `full`, look at those alone now, and leave it to `compare` to look at every bit. Where
                counters have moved all are compared at once; what had changed then is in the outcome if the metric
                was the first, and in `doubts` if one before it may have written past the counters.

        Returns:
            What came of it; raises what the metric raises, with everything put back.
        """
        model = self.model
        if self.random is not None and self._may_have_drawn:
            self.random.put_back()
        self._may_have_drawn = True
        kept: Kept | None = None
        alone, self.doubts = not self.unclear, []
        if model is not None:
            if full:
                # One copy serves all first runs of a boundary: each was found to have changed nothing of it.
                kept = self._copied = self._copied or model.before(True)
                self._kept = None  # writing the same values again moves version counters, and is no change
                together = together and kept.full
                self.unclear |= together
                self.copies = self.copying = True
            else:
                kept = self._kept = self._kept or model.before(False)
                self._copied = None  # only watched, it may have written past the counters
        changes: list[str] = []
        memory: Peak | None = None
        began = time.perf_counter()
        try:
            self._catcher.start()
            if full:
                with peak_memory() as memory:  # without the copy of the model, which is not the metric's
                    began = time.perf_counter()
                    value = self.interruptible.call(metric.name, metric.function, *arguments)
            else:
                value = self.interruptible.call(metric.name, metric.function, *arguments)
        finally:
            seconds = time.perf_counter() - began
            printed = self._catcher.stop()
            if model is not None and kept is not None:
                changes = self._look(model, kept, alone) if together else model.after(kept)
                if changes and not together:
                    self._kept = self._copied = None  # what was put back has new version counters
        return Outcome(value, changes, printed, seconds, memory.bytes if memory else 0)

    def _look(self, model: ModelGuard, kept: Kept, alone: bool) -> list[str]:
        """What a metric that runs together with others is known to have changed; `doubts` takes what may be others'."""
        changes = model.put_back_modes(kept)  # looked at behind each: it was this one
        if model.moved(kept):
            wrote = model.after(kept)
            self.unclear = False  # with this one all are compared that ran so far
            if wrote:
                self._kept = self._copied = None  # what was put back has new version counters
            if alone:
                changes += wrote
            else:
                self.doubts = wrote
        return changes
