"""Trainings that are steered while they run, by orders as a browser sends them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from bidviz_core.messages.commands import Order
from bidviz_core.messages.notifications import Callback
from tests.support.rewound import Training


class Person:
    """Gives orders to a session and collects the answers, on whatever thread."""

    def __init__(self, session: Any) -> None:
        self.session = session
        self.answers: dict[int, Any] = {}
        self._came = threading.Condition()
        self._tell = session.tell
        session.tell = self._hear
        self._next = 0

    def _hear(self, notification: Any) -> None:
        if isinstance(notification, Callback):
            with self._came:
                self.answers[notification.content.id] = notification.content
                self._came.notify_all()
        self._tell(notification)

    def send(self, command: Any, right: str = "code") -> int:
        self._next += 1
        self.session._order_came(Order(self._next, "person", right, command))  # type: ignore[arg-type]
        return self._next

    def ask(self, command: Any, right: str = "code", timeout: float = 120.0) -> Any:
        number = self.send(command, right)
        with self._came:
            assert self._came.wait_for(lambda: number in self.answers, timeout), f"no answer to {command}"
        return self.answers[number]


@pytest.fixture
def train(tmp_path: Path) -> Iterator[Callable[..., Training]]:
    made = []

    def make(**options: Any) -> Training:
        options = {"workers": 0, **options}
        made.append(Training(tmp_path, **options))
        return made[-1]

    yield make
    for training in made:
        training.session.close()


def person(training: Training) -> Person:
    return Person(training.session)
