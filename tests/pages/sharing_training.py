"""A training of a small attention model for the tests of sharing; told by its standard input what its rules find."""

from __future__ import annotations

import itertools
import json
import queue
import sys
import threading
import time
from importlib.metadata import distributions

import torch

import bidviz_core as bidviz

#: Steps before the training says that it is there.
FIRST = 5


class Reader(torch.nn.Module):
    """Reads a row of tokens with attention."""

    def __init__(self) -> None:
        super().__init__()
        self.embedding = torch.nn.Embedding(10, 8)
        self.attention = torch.nn.MultiheadAttention(8, 2, batch_first=True)
        self.head = torch.nn.Linear(8, 3)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        """Logits of three classes for each row."""
        embedded = self.embedding(tokens)
        attended, _ = self.attention(embedded, embedded, embedded, need_weights=False)
        return self.head(attended.mean(1))


def main(name: str, run_dir: str, dashboard: str) -> None:
    """Trains under a session and prints its id and its URL."""
    torch.manual_seed(0)
    torch.set_num_threads(1)
    model = Reader()
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05)
    criterion = torch.nn.CrossEntropyLoss()
    found: queue.SimpleQueue[dict[str, object]] = queue.SimpleQueue()
    over = threading.Event()

    def read() -> None:
        for line in sys.stdin:
            found.put(json.loads(line))
        over.set()

    threading.Thread(target=read, name="what-rules-find", daemon=True).start()
    wanted = ("bidviz-registry", "bidviz-metric-gradnorm", "bidviz-metric-attended")
    plugins = [name for name in wanted if next(iter(distributions(name=name)), None) is not None]
    options = {"name": name, "run_dir": run_dir, "dashboard": dashboard, "plugins": plugins}
    with bidviz.watch(model, optimizer, loss_fn=criterion, **options) as session:
        for step in itertools.count():
            if step == FIRST:
                print(f"run {session.id} {session.url}", flush=True)
            elif step > FIRST and over.is_set():
                break
            tokens = torch.randint(10, (16, 4))
            optimizer.zero_grad()
            loss = criterion(model(tokens), (tokens[:, 0] > 4).long())
            loss.backward()
            optimizer.step()
            while not found.empty():
                finding = found.get()
                if finding.get("level") == "ok":
                    session.health.clear(str(finding["rule"]), session.step)
                else:
                    session.health.tell(step=session.step, **finding)  # type: ignore[arg-type]
            time.sleep(0.025)  # a step takes time, as steps do; nothing waits for this


if __name__ == "__main__":
    main(*sys.argv[1:])
