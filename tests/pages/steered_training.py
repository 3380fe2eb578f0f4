"""A training with things to steer: two groups under a scheduler, dropout, and a value of the script's own."""

from __future__ import annotations

import itertools
import sys
import threading
import time

import torch

import bidviz_core as bidviz

#: Steps before the training says that it is there: whatever a test does with it, there is something to see.
FIRST = 5

#: The bundles whose panels the pages are to show, whatever else is installed.
PLUGINS = ("bidviz-registry", "bidviz-metric-gradnorm", "bidviz-policy-schedules")


def main(name: str, run_dir: str, dashboard: str) -> None:
    """Trains under a session and prints its id and its URL."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = torch.nn.Sequential(torch.nn.Linear(8, 16), torch.nn.ReLU(), torch.nn.Dropout(0.1), torch.nn.Linear(16, 3))
    groups = [{"params": model[0].parameters(), "lr": 0.05}, {"params": model[3].parameters(), "lr": 0.02}]
    optimizer = torch.optim.SGD(groups, lr=0.05, momentum=0.9, weight_decay=1e-4)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingWarmRestarts(optimizer, T_0=400)
    criterion = torch.nn.CrossEntropyLoss()
    over = threading.Event()
    threading.Thread(target=lambda: (sys.stdin.read(), over.set()), name="wait-for-the-end", daemon=True).start()
    mix = {"share": 0.5}
    options = {"name": name, "run_dir": run_dir, "dashboard": dashboard, "plugins": PLUGINS}
    with bidviz.watch(model, optimizer, loss_fn=criterion, **options) as session:
        session.expose(
            "mix.share", lambda: mix["share"], lambda value: mix.update(share=value), low=0.0, high=1.0, kind=float
        )
        session.expose("classes", lambda: 3, kind=int, unit="kinds of targets")
        for step in itertools.count():
            if step == FIRST:
                print(f"run {session.id} {session.url}", flush=True)
            elif step > FIRST and over.is_set():
                break
            inputs = torch.randn(16, 8) * (1 + mix["share"])
            targets = (inputs[:, 0] > 0).long()
            optimizer.zero_grad()
            loss = criterion(model(inputs), targets)
            loss.backward()
            optimizer.step()
            scheduler.step()
            time.sleep(0.025)  # a step takes time, as steps do; nothing waits for this


if __name__ == "__main__":
    main(*sys.argv[1:])
