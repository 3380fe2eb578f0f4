"""A session without a training: streams curves through a real link, so that pages and tests have something to see.

By hand, with the `BIDVIZ_STATE_DIR` of the dashboard:
`python tests/support/scripted_session.py http://127.0.0.1:10077 --seconds 600`.
"""

from __future__ import annotations

import argparse
import math
import os
import platform
import random
import tempfile
import threading
import time
import uuid
from pathlib import Path
from typing import Any

import numpy as np

from bidviz_core.endpoint import Endpoint, parse_url, tokens_of
from bidviz_core.frames import pack_frame
from bidviz_core.link import Link
from bidviz_core.messages.commands import (
    AddFunction,
    EvaluateCommand,
    GetCode,
    ModifyParam,
    Order,
    PauseTraining,
    RequestParam,
    method_name,
)
from bidviz_core.messages.notifications import (
    Argument,
    Callback,
    CallbackContent,
    Catalogue,
    CatalogueMessage,
    Entry,
    JournalMessage,
    MetricInfo,
    Notification,
    RunEntry,
    RunInfo,
    State,
    Status,
    StatusContent,
    StatusMessage,
)
from bidviz_core.messages.steered import HyperparameterInfo
from bidviz_core.records import Batch, Record, ScalarBlock
from bidviz_core.store import StoreWriter
from bidviz_core.values import Histogram, to_parts

NAMES = ("loss", "accuracy", "lr", "grad_norm")


class ScriptedSession:
    """Plays a session: catalogue, beats, batches, and plain answers to orders.

    Args:
        endpoint: the dashboard.
        folder: where the run's folder is made; a store is kept in it.
        name: the run's name.
    """

    def __init__(self, endpoint: Endpoint, folder: Path, name: str = "scripted") -> None:
        run = uuid.uuid4().hex[:8]
        self.info = RunInfo(
            id=run,
            name=name,
            folder=str(folder / f"{name}-{run}"),
            started=time.time(),
            pid=os.getpid(),
            host=platform.node(),
            program="scripted_session",
        )
        self.metrics = {one: MetricInfo(name=one, code=f"# {one}", origin="built-in", series=[one]) for one in NAMES}
        self.kinds = dict.fromkeys(NAMES, "scalar") | {"weights": "histogram"}
        self.parameters: dict[str, Any] = {"lr": 0.01, "momentum": 0.9}
        self.state: State = "running"
        self.step = 0
        self.sequence = 0
        self.orders: list[Order] = []
        self.ordered = threading.Event()
        self.entries = 0
        #: Answers an order in place of `take`, for tests.
        self.answer: Any = None
        self.store = StoreWriter(Path(self.info.folder), self.info)
        self.store.write_catalogue(self.catalogue())
        self.link = Link(endpoint, self.info, self.greeting, self.take)

    def catalogue(self) -> Catalogue:
        """What the run has."""
        held = [HyperparameterInfo(name=key, value=value) for key, value in self.parameters.items()]
        words = [Argument("grads", "the gradients the update used"), Argument("step", "the step's number")]
        return Catalogue(
            run=self.info, metrics=list(self.metrics.values()), series=self.kinds, hyperparameters=held, arguments=words
        )

    def status(self) -> Status:
        """The beat."""
        return Status(
            state=self.state,
            step=self.step,
            speed=20.0,
            step_time=0.05,
            elapsed=time.time() - self.info.started,
            loss=math.exp(-self.step / 500),
            sequence=self.sequence,
            cost=0.008,
        )

    def greeting(self) -> list[Notification]:
        """What is told first."""
        return [CatalogueMessage(self.catalogue()), self.beat_message()]

    def beat_message(self) -> StatusMessage:
        """The beat as a message."""
        return StatusMessage(StatusContent(self.info.id, self.status()))

    def advance(self, steps: int = 1) -> Batch:
        """Makes some steps and sends their records as one batch."""
        numbers = np.arange(self.step + 1, self.step + steps + 1)
        self.step += steps
        self.sequence += 1
        values = np.stack(
            [
                np.exp(-numbers / 500) * (1 + 0.1 * np.sin(numbers / 7)),
                1 - np.exp(-numbers / 800),
                np.full(steps, float(self.parameters["lr"])),
                2 + np.sin(numbers / 30) + np.array([random.gauss(0, 0.2) for _ in numbers]),
            ]
        )
        values[3][numbers % 400 == 0] = math.nan
        now = time.time()
        block = ScalarBlock(NAMES, numbers.astype(np.int64), np.full(steps, now), values)
        arrays = []
        if self.sequence % 20 == 1:
            counts, edges = np.histogram(np.random.default_rng(self.step).normal(size=1000), 30)
            arrays = [Record("weights", self.step, now, Histogram(counts, edges))]
        batch = Batch(self.sequence, [block], arrays)
        for frame in frames_of(self.info.id, batch):
            self.link.send_frame(frame)
        self.store.append(batch)
        return batch

    def take(self, order: Order) -> None:
        """Answers an order as a session would."""
        self.orders.append(order)
        if self.answer is not None:
            self.answer(order)
            self.ordered.set()
            return
        data: Any = ""
        success = True
        match order.command:
            case PauseTraining(content=wanted):
                self.state = "paused" if wanted else "running"
            case AddFunction(content=content):
                self.metrics[content.name] = MetricInfo(
                    name=content.name, code=content.code, origin="person", type=content.type, series=[content.name]
                )
                self.link.send(CatalogueMessage(self.catalogue()))
            case RequestParam():
                data = dict(self.parameters)
            case ModifyParam(content=wanted):
                pairs = wanted.items() if isinstance(wanted, dict) else [(one.key, one.value) for one in wanted]
                for key, value in pairs:
                    self.parameters[key] = float(value)
            case GetCode(content=content) if content is not None and content.name in self.metrics:
                metric = self.metrics[content.name]
                data = {"name": metric.name, "code": metric.code, "size": 1, "type": metric.type, "ui": ""}
            case EvaluateCommand(content=content):
                data = f"you typed {content.code}"
            case _:
                success, data = False, f"the scripted session does not know {method_name(order.command)}"
        self.link.send(Callback(CallbackContent(order.id, success, data, self.step)))
        if success:
            self.entries += 1
            action = method_name(order.command)
            entry = Entry(
                number=self.entries,
                step=self.step,
                time=time.time(),
                author=order.author,
                action=action,
                summary=f"{action} by {order.author}",
            )
            self.store.write_entry(entry)
            self.link.send(JournalMessage(RunEntry(self.info.id, entry)))
        self.ordered.set()

    def beat(self) -> None:
        """Tells the status and commits."""
        self.link.send(self.beat_message())
        self.store.commit(self.status())

    def close(self, state: State = "ended") -> None:
        """Says how it ended, and goes."""
        self.state = state
        self.store.close(self.status())
        self.link.send(self.beat_message())
        self.link.close(5.0)


def frames_of(run: str, batch: Batch) -> list[bytes]:
    """The frames of a batch."""
    frames = []
    blocks, buffers = [], []
    for block in batch.scalars:
        blocks.append({"names": list(block.names), "at": len(buffers)})
        buffers += [block.steps.astype(np.float64), block.times, block.values]
    about = {"run": run, "sequence": batch.sequence}
    step = max(int(block.steps[-1]) for block in batch.scalars)
    frames.append(pack_frame({"type": "batch", **about, "step": step, "blocks": blocks}, buffers))
    for record in batch.arrays:
        header, parts = to_parts(record.value)
        head = {"type": "array", **about, "name": record.name, "step": record.step, "time": record.time}
        frames.append(pack_frame({**head, "value": header}, parts))
    return frames


def stream(session: ScriptedSession, seconds: float, steps: int = 5, pause: float = 0.05) -> None:
    """Sends batches for a while."""
    stop = threading.Event()
    ends = time.monotonic() + seconds
    count = 0
    while time.monotonic() < ends and not stop.wait(pause):
        if session.state == "running":
            session.advance(steps)
        count += 1
        if count % 10 == 0:
            session.beat()


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser()
    parser.add_argument("url")
    parser.add_argument("--seconds", type=float, default=3600)
    parser.add_argument("--steps", type=int, default=5, help="steps in a batch; 20 batches a second")
    parser.add_argument("--name", default="scripted")
    parser.add_argument("--folder", type=Path, default=None)
    arguments = parser.parse_args()
    host, port = parse_url(arguments.url)
    endpoint = Endpoint(host, port, tokens_of(host, port))
    session = ScriptedSession(endpoint, arguments.folder or Path(tempfile.mkdtemp()), arguments.name)
    session.link.start()
    print(endpoint.page_url(session.info.id), flush=True)
    try:
        stream(session, arguments.seconds, arguments.steps)
    except KeyboardInterrupt:
        session.close("stopped")
    else:
        session.close()


if __name__ == "__main__":
    main()
