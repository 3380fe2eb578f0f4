"""The sample learners on which metrics are tried: small, seeded, and real, each trained under a real session.

They are made anew each time, so a test can ask for one, train it for a few steps and throw it away. Importing this
brings in no torch; the learners that are torch models bring it when they are made.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from bidviz_core.errors import BidvizError

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: What can be strange about a learner: its loss becomes NaN after a few steps, a layer has no values at all, a layer
#: is frozen and another never used, everything is in sixteen bits.
Strange: TypeAlias = Literal["", "nan", "empty", "frozen", "bf16"]
STRANGE: tuple[Strange, ...] = ("nan", "empty", "frozen", "bf16")

#: Each sample learner, and what it is.
LEARNERS: Mapping[str, str] = {
    "mlp": "two hidden layers with ReLU and dropout on clusters of points, Adam, gradients clipped",
    "cnn": "convolutions with batch normalisation on striped pictures, SGD with momentum",
    "transformer": "an encoder with two heads that learns to repeat a token, AdamW and a scheduler",
    "lstm": "a recurrent net with a tanh that adds up a sequence, RMSprop",
    "kmeans": "mini-batch k-means in numpy, without a torch model: the script calls session.step_done",
    "sparse": "a bag of embeddings with sparse gradients, SparseAdam",
    "words": "a linear model on rows of word counts, which are given as sparse matrices, SGD",
    "wide": "an MLP of 670,000 parameters, on which costs are measured",
}


@dataclass
class SampleLearner:
    """A learner that is ready to be trained.

    Args:
        name: a key of `LEARNERS`.
        model: what is trained.
        optimizer: the torch optimizer, or none.
        loss_fn: the loss module, or none.
        train: makes one step; is given the session for a learner that tells of its steps itself.
        strange: what is strange about it.
    """

    name: str
    model: Any
    optimizer: Any
    loss_fn: Any
    train: Callable[[Session | None], None]
    strange: Strange = ""

    def watch(self, **options: Any) -> Session:
        """Attaches a session as a script would; `options` are those of `bidviz_core.watch`."""
        from bidviz_core.watching import watch

        if self.optimizer is not None:
            return watch(self.model, self.optimizer, loss_fn=self.loss_fn, **options)
        session = watch(**options)
        session.learner.model = self.model  # as an observer of its own would
        return session

    def run(self, session: Session | None, steps: int) -> None:
        """Trains for so many steps.

        Args:
            session: the session that watches it, or none for a bare training.
            steps: how many.
        """
        for _ in range(steps):
            self.train(session)

    def state(self) -> list[Any]:
        """Copies of everything that was learnt, as numpy arrays, to compare to the bit."""
        if self.optimizer is None:
            return [self.model.centres.copy(), self.model.counts.copy()]
        return [tensor.detach().float().numpy().copy() for tensor in self.model.state_dict().values()]


def sample_learner(name: str, *, seed: int = 0, strange: Strange = "") -> SampleLearner:
    """Makes a sample learner.

    Weights and data come from `seed` alone; dropout draws from torch's own generator, as in any training.

    Args:
        name: a key of `LEARNERS`.
        seed: of weights and data.
        strange: what is to be strange about it.

    Raises:
        BidvizError: there is no such learner, or it cannot be strange in that way.
    """
    if name not in LEARNERS:
        raise BidvizError(f"There is no sample learner {name!r}: choose one of {', '.join(LEARNERS)}.")
    if strange not in ("", *STRANGE):
        raise BidvizError(f"A sample learner is strange as {', '.join(STRANGE)}, got {strange!r}.")
    if name == "kmeans":
        return _kmeans(seed, strange)
    if name in ("sparse", "words") and strange not in ("", "nan"):
        what = "gradients" if name == "sparse" else "batches"
        raise BidvizError(f"The learner {name} has sparse {what} alone: it can only be strange as nan.")
    from bidviz_core.testing.torch_learners import make

    return make(name, seed, strange)


class KMeans:
    """Centres that move towards the points nearest to them (Sculley, Web-scale k-means clustering, 2010).

    Args:
        points: n × d numbers to start from.
        clusters: how many centres.
    """

    def __init__(self, points: NDArray[np.float64], clusters: int) -> None:
        self.centres = points[:clusters].copy()
        self.counts = np.zeros(clusters)

    def nearest(self, points: NDArray[np.float64]) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
        """The index of each point's nearest centre, and the squared distance to it."""
        distances = ((points[:, None] - self.centres[None]) ** 2).sum(2)
        nearest = distances.argmin(1)
        return nearest, distances[np.arange(len(points)), nearest]

    def update(self, batch: NDArray[np.float64]) -> float:
        """Moves the centres once; gives the mean squared distance before."""
        nearest, distances = self.nearest(batch)
        members = np.eye(len(self.centres))[nearest]  # (batch, clusters)
        found = members.sum(0)
        self.counts += found
        rate = (found / np.maximum(self.counts, 1))[:, None]
        self.centres += rate * (members.T @ batch / np.maximum(found, 1)[:, None] - self.centres)
        return float(distances.mean())


def _kmeans(seed: int, strange: Strange) -> SampleLearner:
    if strange in ("frozen", "bf16"):
        raise BidvizError(f"k-means has nothing that could be {strange}: it can be strange as nan or empty.")
    generator = np.random.default_rng(seed)
    middles = generator.normal(size=(4, 8)) * 3
    points = middles[generator.integers(4, size=512)] + generator.normal(size=(512, 8))
    model = KMeans(points, clusters=4)
    if strange == "empty":
        model.centres[0] = 1e6  # no point is ever nearest to it
    made = 0

    def train(session: Session | None) -> None:
        nonlocal made
        made += 1
        batch = points[generator.integers(len(points), size=64)]
        if strange == "nan" and made > 2:
            batch[0] = np.nan
        distortion = model.update(batch)
        if session is not None:
            session.step_done(loss=distortion, minibatch=batch)

    return SampleLearner("kmeans", model, None, None, train, strange)
