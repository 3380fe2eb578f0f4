"""Two ranks that train together and are both told to watch, until a file appears."""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path

import torch
import torch.distributed as dist
import torch.multiprocessing as mp
from torch import nn

import bidviz_core as bidviz


def train(rank: int, options: dict) -> None:
    over = Path(options["run_dir"], "over")
    over.parent.mkdir(exist_ok=True)
    torch.set_num_threads(1)
    dist.init_process_group("gloo", init_method=f"file://{over}.rendezvous", rank=rank, world_size=2)
    torch.manual_seed(0)
    model = nn.parallel.DistributedDataParallel(nn.Linear(4, 3))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    with bidviz.watch(model, optimizer, **options) as session:
        ours = sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("bidviz"))
        hooks = len(optimizer._optimizer_step_post_hooks)
        print(f"rank {rank}: {session!r}, threads {len(ours)}, hooks {hooks}", flush=True)
        if rank == 0:
            print(f"run {session.id} {session.run_dir} {session.url}", flush=True)
        end = torch.zeros(1)
        while not end:
            optimizer.zero_grad()
            model(torch.randn(8, 4)).square().mean().backward()
            optimizer.step()
            end = torch.tensor([float(over.exists())])
            dist.all_reduce(end)
            time.sleep(0.005)
        weights = [torch.zeros_like(model.module.weight) for _ in range(2)]
        dist.all_gather(weights, model.module.weight.detach())
        print(f"rank {rank}: the ranks' weights are equal: {torch.equal(*weights)}", flush=True)
    dist.destroy_process_group()


if __name__ == "__main__":
    mp.start_processes(train, (json.loads(sys.argv[1]),), nprocs=2, start_method="fork")
