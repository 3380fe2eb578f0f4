"""A script as people write it who do not know what spawn does: it is watched at the module's level.

It reads its data through a worker that is forked and one that is spawned, and leaves two forked children behind.
"""

from __future__ import annotations

import json
import os
import sys
import threading
import time

import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset

import bidviz_core as bidviz

torch.set_num_threads(1)
model = nn.Linear(4, 3)
optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
session = bidviz.watch(model, optimizer, **json.loads(sys.argv[1]))


class Numbers(Dataset):
    """Sixteen samples; each also tells what of the session there is in the process that made it."""

    def __len__(self) -> int:
        return 16

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int, int]:
        session.log("made", 1.0)  # in a worker this is nobody's value
        ours = [thread for thread in threading.enumerate() if thread.name.startswith("bidviz")]
        return torch.randn(4), index % 3, len(ours)


def main() -> None:
    print(f"run {session.id} {session.run_dir} {session.url}", flush=True)
    for method in ("fork", "spawn"):
        loader = DataLoader(Numbers(), batch_size=4, num_workers=1, multiprocessing_context=method)
        for inputs, targets, threads in loader:
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(inputs), targets).backward()
            optimizer.step()
            if threads.any():
                print(f"threads of the session run in a {method} worker: {threads}", flush=True)
        print(f"{method} read up to step {session.step}", flush=True)
    children = []
    for _ in range(2):
        child = os.fork()
        if not child:
            os.read(0, 1)
            sys.exit(0)  # ends as a script ends, with everything that was registered for the end
        children.append(child)
    print(f"left {children[0]} {children[1]} behind", flush=True)
    while True:
        optimizer.zero_grad()
        model(torch.randn(4, 4)).square().mean().backward()
        optimizer.step()
        time.sleep(0.002)


if __name__ == "__main__":
    main()
