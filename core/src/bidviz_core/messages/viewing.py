"""The commands that ask to see: what a page needs beyond version 1 of the protocol."""

from __future__ import annotations

from typing import Any

from bidviz_core.messages.contents import (
    ArrayHistoryContent,
    HelloContent,
    HistoryContent,
    JournalContent,
    LayoutContent,
    RunContent,
    SubscribeContent,
)
from bidviz_core.messages.method import Method


class Hello(Method, frozen=True, tag="hello"):
    """Says which versions the client knows; without it a client gets version 1."""

    content: HelloContent = HelloContent()


class Subscribe(Method, frozen=True, tag="subscribe"):
    """Follows a run: its catalogue now, then all it sends after batch `since`; `series` limits the arrays sent."""

    content: SubscribeContent


class Unsubscribe(Method, frozen=True, tag="unsubscribe"):
    """Stops following a run."""

    content: RunContent


class SubscribeRuns(Method, frozen=True, tag="subscribeRuns"):
    """Follows the list of runs."""

    content: Any = None


class History(Method, frozen=True, tag="history"):
    """Columns of series between two steps at a resolution; answered with one binary frame per series, then a reply."""

    content: HistoryContent


class ArrayHistory(Method, frozen=True, tag="arrayHistory"):
    """The last `count` array records of a series between two steps; binary frames, then a reply."""

    content: ArrayHistoryContent


class GetJournal(Method, frozen=True, tag="getJournal"):
    """The journal's entries after number `since`."""

    content: JournalContent


class SaveLayout(Method, frozen=True, tag="saveLayout"):
    """Keeps the arrangement of panels for runs of this run's name."""

    content: LayoutContent


class GetLayout(Method, frozen=True, tag="getLayout"):
    """The arrangement kept for runs of this run's name."""

    content: RunContent


class GetStacks(Method, frozen=True, tag="getStacks"):
    """The stacks of the training's threads, also when it is stuck."""

    content: RunContent


class ListSavedMetrics(Method, frozen=True, tag="listSavedMetrics"):
    """The sets of metrics that were saved in the folders of all runs that the dashboard knows, newest first."""

    content: Any = None
