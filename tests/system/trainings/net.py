"""A small net on random numbers, watched with the options of `watch` given as JSON, until its standard input ends."""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import torch
from torch import nn

import bidviz_core as bidviz


def main(options: dict) -> None:
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = nn.Sequential(nn.Linear(4, 8), nn.ReLU(), nn.Linear(8, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9)
    criterion = nn.CrossEntropyLoss()
    over = threading.Event()

    def listen() -> None:
        while os.read(0, 4096):
            continue
        over.set()

    threading.Thread(target=listen, name="listen", daemon=True).start()
    with bidviz.watch(model, optimizer, loss_fn=criterion, **options) as session:
        print(f"run {session.id} {session.run_dir} {session.url}", flush=True)
        while not over.is_set():
            inputs = torch.randn(16, 4)
            optimizer.zero_grad()
            criterion(model(inputs), (inputs[:, 0] > 0).long()).backward()
            optimizer.step()
            time.sleep(0.005)
    print("finished", flush=True)


if __name__ == "__main__":
    main(json.loads(sys.argv[1]))
