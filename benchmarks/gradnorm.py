"""Global and per-layer gradient norms, as the bundle gives them, against one bare `torch._foreach_norm`.

    python benchmarks/gradnorm.py [--rounds 200] [--threads 1]

All ways alternate within one run over the same gradients. Printed are medians with their quartiles, and ratios to the
bare operation: `bundle` is the metric's own function over a fresh view, as the engine calls it; `session` is what the
step boundaries of a real session spend on their metrics, with every guard, with publishing and with the loss and the
rate beside it, against the bare operation in the same place, where the caches are as cold.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable

import torch
from torch import Tensor, nn

from bidviz_core.views import TensorView
from bidviz_metric_gradnorm.metrics import gradnorm


class Transformer(nn.Module):
    """Eight causal layers of width 512 over 64 tokens: 25 million parameters."""

    def __init__(self) -> None:
        super().__init__()
        layer = nn.TransformerEncoderLayer(512, 8, 2048, batch_first=True, dropout=0.0)
        self.layers = nn.TransformerEncoder(layer, 8, enable_nested_tensor=False)
        self.mask = nn.Transformer.generate_square_subsequent_mask(64)

    def forward(self, tokens: Tensor) -> Tensor:
        """Hidden states of `batch × 64 × 512` embedded tokens."""
        return self.layers(tokens, mask=self.mask, is_causal=True)


def small() -> nn.Module:
    """A perceptron of 0.05 million parameters."""
    return nn.Sequential(nn.Linear(64, 256), nn.ReLU(), nn.Linear(256, 128), nn.ReLU(), nn.Linear(128, 10))


def quartiles(seconds: list[float]) -> str:
    """Median and quartiles in microseconds."""
    low, middle, high = statistics.quantiles(seconds, n=4)
    return f"{middle * 1e6:9.1f} µs [{low * 1e6:.1f}, {high * 1e6:.1f}]"


def compare(name: str, model: nn.Module, inputs: Tensor, rounds: int) -> None:
    """Prints one table."""
    model(inputs).square().mean().backward()
    names = [name for name, _ in model.named_parameters()]
    gradients = [parameter.grad for parameter in model.parameters()]
    ways: dict[str, Callable[[], object]] = {
        "bare": lambda: torch._foreach_norm(gradients),
        "bundle": lambda: gradnorm.function(TensorView(names, gradients)),
        "a loop of .norm().item()": lambda: [gradient.norm().item() for gradient in gradients],
    }
    taken: dict[str, list[float]] = {way: [] for way in ways}
    for _ in range(rounds):
        for way, function in ways.items():
            began = time.perf_counter()
            function()
            taken[way].append(time.perf_counter() - began)
    bare = statistics.median(taken["bare"])
    count = sum(gradient.numel() for gradient in gradients)
    print(f"{name}: {count:,} parameters, {len(gradients)} tensors, {torch.get_num_threads()} thread(s)")
    for way, seconds in taken.items():
        print(f"  {way:26} {quartiles(seconds)}  {statistics.median(seconds) / bare:5.2f}")
    inside, beside = in_a_session(model, inputs, max(40, rounds // 2))
    print(f"  {'bare, between two steps':26} {quartiles(beside)}   1.00")
    ratio = statistics.median(inside) / statistics.median(beside)
    print(f"  {'session, between two steps':26} {quartiles(inside)}  {ratio:5.2f}")


def in_a_session(model: nn.Module, inputs: Tensor, steps: int) -> tuple[list[float], list[float]]:
    """What the metric costs at step boundaries, and the bare operation in the same place at the steps between.

    Returns:
        Seconds of the one and of the other.
    """
    os.environ.setdefault("BIDVIZ_STATE_DIR", tempfile.mkdtemp())
    import bidviz_core as bidviz

    optimizer = torch.optim.SGD(model.parameters(), lr=1e-6)
    gradients = [parameter.grad for parameter in model.parameters()]
    inside: list[float] = []
    beside: list[float] = []
    with bidviz.watch(
        model, optimizer, dashboard=None, run_dir=tempfile.mkdtemp(), plugins=(), metrics=[gradnorm], budget=None
    ) as session:
        session.metrics.change("gradnorm/norm", every=2)
        run_due = session.engine.run_due

        def timed(step: int, moment: float, step_time: float) -> None:
            began = time.perf_counter()
            run_due(step, moment, step_time)
            if step % 2 == 0:
                inside.append(time.perf_counter() - began)

        session.engine.run_due = timed
        for step in range(1, 2 * steps + 21):
            model(inputs).square().mean().backward()
            optimizer.step()
            if step % 2:
                began = time.perf_counter()
                torch._foreach_norm(gradients)
                beside.append(time.perf_counter() - began)
    return inside[10:], beside[10:]


def main() -> None:
    """Runs both models."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rounds", type=int, default=200)
    parser.add_argument("--threads", type=int, default=1)
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    compare("0.05 million", small(), torch.randn(64, 64), arguments.rounds * 10)
    compare("25 million", Transformer(), torch.randn(1, 64, 512), arguments.rounds)


if __name__ == "__main__":
    main()
