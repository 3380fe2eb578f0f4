"""What a page is told of a run's health: one finding for each rule that has ever fired."""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import Struct

Level: TypeAlias = Literal["ok", "warning", "bad"]


class HealthContent(Struct, frozen=True, kw_only=True):
    """What a rule found.

    Args:
        rule: the rule's name (`"DeadRelu"`).
        level: `"warning"` or `"bad"` while it stands; `"ok"` when it stands no more.
        text: one sentence: what was found, where, against which threshold.
        step: the step at which this was told: of the last change, or when it was cleared.
        since: the step at which it began to stand; of one that was cleared, the step at which it had begun.
        series: the series that shows it, or an empty text.
        chart: the title of the chart that shows it, where the series has several; else empty.
        action: what the rule did about it, as a sentence; empty if nothing.
    """

    rule: str
    level: Level
    text: str
    step: int
    since: int
    series: str = ""
    chart: str = ""
    action: str = ""


class HealthRule(Struct, frozen=True):
    """A rule that a bundle brings, and whether it watches the run now: it may be off, or have nothing to look at."""

    rule: str
    on: bool = True


class RunHealth(Struct, frozen=True):
    """The whole list of a run: those that stand first, the worst before the others; and the rules that there are."""

    run: str
    health: list[HealthContent]
    rules: list[HealthRule] = []
