"""The report's own spelling: `learner.opts.observer = bidviz.WebServerChannel(learner)`."""

from __future__ import annotations

from typing import Any

from bidviz_core.session import Session
from bidviz_core.watching import watch


class WebServerChannel:
    """Watches an object that calls `observer.notify(model)`, or `notify(ipass, model, minibatch)`, on each iteration.

    Args:
        learner: the object that is trained; its attribute `model`, where it has one, is what metrics get as `model`.
        options: whatever `watch` takes.
    """

    def __init__(self, learner: Any, **options: Any) -> None:
        options.setdefault("name", type(learner).__name__)
        self.learner = learner
        self.session: Session = watch(**options)  # its own calls tell of steps

    def notify(self, *arguments: Any) -> None:
        """One iteration is over: `notify(model)`, or `notify(ipass, model, minibatch)`.

        Args:
            arguments: the model; or the number of the pass over the data, the model and the minibatch.
        """
        if self.session.closed:
            return
        minibatch = None
        model = arguments[0] if len(arguments) == 1 else getattr(self.learner, "model", None)
        if len(arguments) >= 2:
            ipass, model = arguments[0], arguments[1]
            minibatch = arguments[2] if len(arguments) > 2 else None
            while isinstance(ipass, int) and (self.session.epoch or 0) < ipass:
                self.session.epoch_done()
        self.session.learner.model = model
        self.session.step_done(minibatch=minibatch)

    def close(self) -> None:
        """Ends the run."""
        self.session.close()
