"""Finds ten clusters in scikit-learn's handwritten digits by mini-batch k-means, in numpy alone."""

import argparse

import numpy as np
from sklearn.datasets import load_digits

import bidviz_core as bidviz

BATCH = 256


class KMeans:
    """Centres that move towards the points nearest to them (Sculley, 2010).

    Args:
        points: n × d numbers to start from.
        clusters: how many centres.
        memory: how many points a centre remembers; a longer memory moves it less.
    """

    def __init__(self, points: np.ndarray, clusters: int, memory: float, generator: np.random.Generator) -> None:
        self.centres = points[generator.choice(len(points), clusters, replace=False)].copy()
        self.counts = np.zeros(clusters)
        self.memory = memory

    def nearest(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each point's nearest centre, and the squared distance to it."""
        distances = (self.centres**2).sum(1) - 2 * points @ self.centres.T
        nearest = distances.argmin(1)
        return nearest, distances[np.arange(len(points)), nearest] + (points**2).sum(1)

    def update(self, batch: np.ndarray) -> tuple[float, float]:
        """Moves the centres once; gives the mean squared distance before, and how far the centres moved."""
        nearest, distances = self.nearest(batch)
        members = np.eye(len(self.centres))[nearest]  # (batch, clusters)
        found = members.sum(0)
        self.counts = np.minimum(self.counts + found, self.memory)
        rate = (found / np.maximum(self.counts, 1))[:, None]
        means = members.T @ batch / np.maximum(found, 1)[:, None]
        shift = rate * (means - self.centres)
        self.centres += shift
        return float(distances.mean()), float(np.linalg.norm(shift))


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

    for step in range(1, steps + 1):
        batch = points[generator.integers(len(points), size=BATCH)]
        distance, shift = model.update(batch)
        share = model.counts.min() / model.counts.sum()
        session.step_done(loss=distance, minibatch=batch, shift=shift, smallest_share=share)

        if step in (1, 100, steps) or step % 200_000 == 0:
            share = purity(model, points, digits.target)
            print(f"step {step}: mean squared distance {distance:.3f}, purity {share:.1%}")


if __name__ == "__main__":
    main()
