"""How long a checkpoint stops the training, and going back, beside a bare copy of the same bytes.

    python benchmarks/checkpoints.py

A model of 25 million parameters under Adam, 300 MB with its optimizer. The bare copy goes tensor by tensor into memory
that was touched before. Of each the least of several: on a machine that does other things as well, the rest is theirs.
"""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable

os.environ["BIDVIZ_STATE_DIR"] = tempfile.mkdtemp(prefix="bidviz-bench-")

import torch
from torch import nn

import bidviz_core as bidviz

TIMES = 7


def least(call: Callable[[], object], after: Callable[[], object] = lambda: None) -> float:
    """The least seconds of several calls."""
    seconds = []
    for _ in range(TIMES):
        began = time.perf_counter()
        call()
        seconds.append(time.perf_counter() - began)
        after()
    return min(seconds)


def main() -> None:
    """Times saving and going back, between two batches."""
    model = nn.Sequential(*(nn.Linear(1_118, 1_118) for _ in range(20)))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    with tempfile.TemporaryDirectory() as folder:
        session = bidviz.watch(model, optimizer, dashboard=None, plugins=(), run_dir=folder)
        checkpoints = session.checkpoints
        for number, batch in enumerate(session.batches([torch.randn(4, 1_118)] * 3)):
            optimizer.zero_grad()
            model(batch).square().mean().backward()
            optimizer.step()
            if number:
                break
        checkpoints.flush()
        living = [*model.parameters(), *(one for state in optimizer.state.values() for one in state.values())]
        kept = [one.detach().clone() for one in living]
        size = sum(one.numel() * one.element_size() for one in living)

        def bare() -> None:
            with torch.no_grad():
                for target, source in zip(kept, living, strict=True):
                    target.copy_(source)

        def go_back() -> None:
            checkpoints.restore_here(loaded, "script", {})

        began = time.perf_counter()
        checkpoints.save_now("first", "script")
        first = time.perf_counter() - began
        checkpoints.flush()
        copy = least(bare)
        save = least(lambda: checkpoints.save_now("", "script"), checkpoints.flush)
        loaded = checkpoints.load(checkpoints.infos()[-1].id)
        session.control.needs_loop = lambda what: ""  # type: ignore[method-assign]
        back = least(go_back)
        print(f"{sum(one.numel() for one in model.parameters()):,} parameters, {size / 2**20:,.0f} MB in all")
        print(f"bare copy: {copy * 1e3:.1f} ms")
        print(f"save stops the training: {save * 1e3:.1f} ms, {save / copy:.2f} times (first: {first * 1e3:.1f} ms)")
        print(f"restore stops the training: {back * 1e3:.1f} ms, {back / copy:.2f} times")
        session.close()


if __name__ == "__main__":
    main()
