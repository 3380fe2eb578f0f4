"""A training whose loop is `session.batches`, for the pages' tests of what needs it; until its standard input ends."""

from __future__ import annotations

import sys
import threading
import time

import torch
from torch.utils.data import DataLoader, TensorDataset

import bidviz_core as bidviz

#: The bundles whose panels the pages are to show, whatever else is installed.
PLUGINS = ("bidviz-registry", "bidviz-metric-gradnorm", "bidviz-policy-schedules")


def main(name: str, run_dir: str, dashboard: str) -> None:
    """Trains under a session and prints its id and its URL."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    inputs = torch.randn(320, 8)
    loader = DataLoader(TensorDataset(inputs, (inputs[:, 0] > 0).long()), batch_size=16, shuffle=True)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Linear(16, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = torch.nn.CrossEntropyLoss()
    options = {"name": name, "run_dir": run_dir, "dashboard": dashboard, "plugins": PLUGINS}
    with bidviz.watch(model, optimizer, loss_fn=criterion, **options) as session:
        print(f"run {session.id} {session.url}", flush=True)
        ends = threading.Thread(target=lambda: (sys.stdin.read(), session.stop()), name="wait-for-the-end", daemon=True)
        ends.start()
        for batch, targets in session.batches(loader, epochs=1_000_000):
            optimizer.zero_grad()
            criterion(model(batch), targets).backward()
            optimizer.step()
            time.sleep(0.01)  # a step takes time, as steps do; nothing waits for this


if __name__ == "__main__":
    main(*sys.argv[1:])
