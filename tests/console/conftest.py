"""A small training that every test here watches, with orders as the dashboard would send them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn

import bidviz_core as bidviz
from bidviz_core.messages.commands import CompleteConsole, EvaluateCommand, InterruptMetric, Order
from bidviz_core.messages.contents import EvaluateCommandContent
from bidviz_core.messages.editing import InterruptContent
from bidviz_core.messages.notifications import Callback, ConsoleMessage, Notification
from bidviz_core.messages.steering import CompleteConsoleContent

PATIENCE = 60.0


class Watched:
    """A training whose session tells its notifications to the test as well.

    Args:
        run_dir: where its run's folder is made.
        options: what `watch` is given.
    """

    def __init__(self, run_dir: Path, **options: Any) -> None:
        torch.manual_seed(0)
        self.model = nn.Sequential(nn.Linear(4, 8), nn.Dropout(0.1), nn.Linear(8, 3))
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=0.1)
        options = {"dashboard": None, "plugins": (), "run_dir": run_dir, **options}
        self.session = bidviz.watch(self.model, self.optimizer, **options)
        self.told: list[Notification] = []
        self._news = threading.Condition()
        self._number = 0
        pass_on = self.session.pump.tell

        def tell(notification: Notification) -> None:
            with self._news:
                self.told.append(notification)
                self._news.notify_all()
            pass_on(notification)

        self.session.pump.tell = tell  # type: ignore[method-assign]

    def run(self, steps: int = 1) -> None:
        """Makes steps."""
        for _ in range(steps):
            inputs = torch.randn(8, 4)
            self.optimizer.zero_grad()
            nn.functional.cross_entropy(self.model(inputs), torch.randint(0, 3, (8,))).backward()
            self.optimizer.step()

    def order(self, command: Any, right: str = "code") -> int:
        """Gives an order as the link does, and its number."""
        self._number += 1
        self.session._order_came(Order(self._number, "ada", right, command))  # type: ignore[arg-type]
        return self._number

    def line(self, code: str, where: str = "boundary", cell: str = "", right: str = "code") -> int:
        """Sends a console line."""
        return self.order(EvaluateCommand(EvaluateCommandContent(code, where, cell)), right)  # type: ignore[arg-type]

    def interrupt(self, cell: str = "") -> int:
        """Interrupts."""
        return self.order(InterruptMetric(InterruptContent(self.session.id, cell)))

    def complete(self, code: str) -> dict[str, Any]:
        """Completes at the end."""
        return self.answer(self.order(CompleteConsole(CompleteConsoleContent(code, len(code))))).data

    def answer(self, number: int, steps: bool = False) -> Any:
        """Waits for the answer to an order, making steps meanwhile where they are wanted."""
        while steps and not self._answered(number):
            self.run()
        self.wait(lambda: self._answered(number))
        return self._answered(number)[0].content

    def do(self, code: str, cell: str = "") -> Any:
        """Sends a line for the boundary, and steps until it is answered."""
        return self.answer(self.line(code, cell=cell), steps=True)

    def messages(self, cell: str, kind: str = "") -> list[Any]:
        """What a line has given so far."""
        found = [one.content for one in list(self.told) if isinstance(one, ConsoleMessage)]
        return [one for one in found if one.cell == cell and kind in ("", one.kind)]

    def printed(self, cell: str, kind: str = "stdout") -> str:
        """What a line has printed so far."""
        return "".join(one.text for one in self.messages(cell, kind))

    def wait(self, holds: Callable[[], Any]) -> None:
        """Waits for notifications until something holds."""
        with self._news:
            assert self._news.wait_for(holds, PATIENCE), self.told[-3:]

    def _answered(self, number: int) -> list[Callback]:
        return [one for one in list(self.told) if isinstance(one, Callback) and one.content.id == number]


@pytest.fixture
def watched(tmp_path: Path) -> Iterator[Callable[..., Watched]]:
    """Makes a watched training."""
    made: list[Watched] = []

    def make(**options: Any) -> Watched:
        made.append(Watched(tmp_path, **options))
        made[-1].run(2)
        return made[-1]

    yield make
    for one in made:
        one.session.close()


@pytest.fixture
def main() -> Iterator[dict[str, Any]]:
    """The script's globals; what a test leaves there is taken away."""
    import __main__

    names = vars(__main__)
    before = dict(names)
    yield names
    names.clear()
    names.update(before)
