"""Finds ten clusters in scikit-learn's handwritten digits by mini-batch k-means, in numpy alone."""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import bidviz_core as bidviz

BATCH = 256
SHIFT = {
    "kind": "Line",
    "title": "Shift of the centres",
    "y_scale": "log",
    "help": "How far the centres moved in this step, all together, every 10 steps. Healthy: falls while they look for "
    "their places, then stays level, where one batch pulls them this way and the next one that way; lower with a "
    "longer memory. Sick: stays as high as it began (memory is too short), or 0 (nothing is learnt).",
}


class KMeans:
    """Centres that move towards the points nearest to them (after Sculley, 2010), and never stop to.

    Args:
        points: n × d numbers to start from.
        clusters: how many centres.
        memory: how many points a centre remembers, at least a batch; a longer memory moves it less.
    """

    def __init__(self, points: np.ndarray, clusters: int, memory: float, generator: np.random.Generator) -> None:
        self.centres = points[generator.choice(len(points), clusters, replace=False)].copy()
        self.recent = np.zeros(clusters)  # how many points of the last fifty batches or so each centre was given
        self.memory = memory
        self.shift = 0.0

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each point's nearest centre, and the squared distance to it."""
        distances = (self.centres**2).sum(1) - 2 * points @ self.centres.T
        nearest = distances.argmin(1)
        return nearest, distances[np.arange(len(points)), nearest] + (points**2).sum(1)

    def update(self, batch: np.ndarray) -> float:
        """Moves the centres once; gives the mean squared distance before."""
        nearest, distances = self.nearest(batch)
        members = np.eye(len(self.centres))[nearest]  # (batch, clusters)
        found = members.sum(0)
        self.recent = 0.98 * self.recent + found
        means = members.T @ batch / np.maximum(found, 1)[:, None]
        shift = (found / self.memory)[:, None] * (means - self.centres)
        self.centres += shift
        self.shift = float(np.linalg.norm(shift))
        return float(distances.mean())


def purity(model: KMeans, points: np.ndarray, targets: np.ndarray) -> float:
    """Share of the points whose digit is the commonest of their cluster."""
    nearest, _ = model.nearest(points)
    return sum(np.bincount(targets[nearest == cluster], minlength=10).max() for cluster in set(nearest)) / len(points)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--steps", type=int, default=1_000_000, help="updates of the centres")
    steps = parser.parse_args().steps

    generator = np.random.default_rng(0)
    digits = load_digits()
    points = digits.data / 16
    model = KMeans(points, clusters=10, memory=20_000, generator=generator)
    session = bidviz.watch(model, name="kmeans")
    session.expose("memory", model, "memory", low=BATCH, high=10_000_000, kind=int, unit="points")
    session.metrics.add(lambda model: model.shift, name="shift", every=10, chart=SHIFT)

    for step in range(1, steps + 1):
        batch = points[generator.integers(len(points), size=BATCH)]
        distance = model.update(batch)
        if step % 100 == 1 or step == steps:
            pure = purity(model, points, digits.target)
            session.log("purity", pure)
        session.step_done(loss=distance, minibatch=batch, smallest_share=model.recent.min() / model.recent.sum())

        if step in (1, 1001, steps) or step % 200_000 == 1:
            print(f"step {step}: mean squared distance {distance:.3f}, purity {pure:.1%}")


if __name__ == "__main__":
    main()
