"""The run's health: what rules have found, told by them at step boundaries and shown on the page."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Collection, Iterator, Mapping
from typing import TYPE_CHECKING, get_args

from msgspec.structs import replace

from bidviz_core.errors import BidvizError
from bidviz_core.messages.health import HealthContent, HealthRule, Level

if TYPE_CHECKING:
    from bidviz_core.session import Session

#: Rules that are kept at most; beyond that the ones that were cleared longest ago go.
MOST_RULES = 200
#: Seconds after which a changed sentence is worth writing into the run's file.
_REWRITE_AFTER = 10.0
#: Characters of a sentence that are kept.
_MOST_TEXT = 1_000
_ORDER: dict[Level, int] = {"bad": 0, "warning": 1, "ok": 2}


class Health:
    """Iterates over findings, those that stand first, the worst before the others; `[rule]` gives one.

    A rule tells what it finds as often as it likes: what does not change is written nowhere. A finding that begins,
    gets worse or better, or is cleared becomes an entry of the journal, so that it can be read long after; a mere
    change of its sentence only reaches the page, at most twice a second.

    Args:
        session: the session.
    """

    def __init__(self, session: Session) -> None:
        self._session = session
        self._findings: dict[str, HealthContent] = {}  # replaced as a whole, so that the pump reads without the lock
        self._tellers: dict[str, str] = {}
        self._lock = threading.Lock()
        self._renewed_at = 0.0

    def tell(
        self,
        rule: str,
        level: Level,
        text: str,
        step: int,
        series: str | None = None,
        chart: str | None = None,
        action: str = "",
        since: int | None = None,
    ) -> HealthContent:
        """Says that something stands.

        Args:
            rule: the rule's name; telling again replaces what it told before.
            level: `"warning"` or `"bad"`; `"ok"` is the same as `clear`.
            text: one sentence: what was found, where, against which threshold.
            step: the step at which it was found.
            series: the series that shows it.
            chart: the title of the chart that shows it, where the series has several.
            action: what the rule did about it, as a sentence.
            since: the step at which it began, where that was before it was found.

        Returns:
            The finding as it stands now.

        Raises:
            BidvizError: the level is none of the three.
        """
        if level not in get_args(Level):
            raise BidvizError(f"health.tell got the level {level!r}; expected 'ok', 'warning' or 'bad'.")
        if level == "ok":
            return self.clear(rule, step) or HealthContent(rule=rule, level="ok", text=text, step=step, since=step)
        teller = str(sys._getframe(1).f_globals.get("__name__", "")).partition(".")[0]
        with self._lock:
            self._tellers[rule] = teller
            known = self._findings.get(rule)
            stands = known is not None and known.level != "ok"
            told = HealthContent(
                rule=rule,
                level=level,
                text=text[:_MOST_TEXT],
                step=step,
                since=known.since if known is not None and stands else step if since is None else since,
                series=series or "",
                chart=chart or "",
                action=action or (known.action if known is not None and stands else ""),
            )
            if known is not None and stands and replace(known, step=step) == told:
                return known
            self._put(told)
        if known is None or known.level != level or known.action != told.action:
            self._write(told, f"{rule}: {told.text}")
        elif time.monotonic() - self._renewed_at > _REWRITE_AFTER:
            self._renew()
        return told

    def clear(self, rule: str, step: int) -> HealthContent | None:
        """Says that a finding stands no more; does nothing where none stands.

        Args:
            rule: the rule's name.
            step: the step at which it had gone.

        Returns:
            The finding, now at level `"ok"`; none if the rule has never told of one.
        """
        with self._lock:
            known = self._findings.get(rule)
            if known is None or known.level == "ok":
                return known
            cleared = replace(known, level="ok", step=step)
            self._put(cleared)
        self._write(cleared, f"{rule} cleared: it had stood since step {cleared.since:,}")
        return cleared

    def forget(self, packages: Collection[str], who: str) -> list[str]:
        """Takes out what the code of some packages has told, which nobody looks after any more.

        Args:
            packages: names of top-level packages.
            who: whose code it was, for the journal.

        Returns:
            The rules.
        """
        with self._lock:
            rules = [rule for rule, teller in self._tellers.items() if teller in packages and rule in self._findings]
            gone = [self._findings[rule] for rule in rules]
            self._findings = {rule: one for rule, one in self._findings.items() if rule not in rules}
            for rule in rules:
                del self._tellers[rule]
        for one in gone:
            if one.level != "ok":
                detail = {"rule": one.rule, "level": "ok", "since": one.since, "series": one.series}
                summary = f"{one.rule} is looked after no more: {who} was unloaded"
                self._session.journal.add(self._session.step, "health", "health", summary, detail)
        if gone:
            self._renew()
        return rules

    def infos(self) -> list[HealthContent]:
        """The findings as the page shows them; for any thread."""
        return sorted(self._findings.values(), key=lambda one: (_ORDER[one.level], -one.step))

    def rules(self) -> list[HealthRule]:
        """The rules that plugins bring, whether or not they have ever found anything; for any thread."""
        given: dict[str, bool] = {}
        for rules in self._session.plugins.ask("health_rules", session=self._session):
            if isinstance(rules, Mapping):  # whatever else a plugin gives names no rule
                given |= {str(rule): bool(on) for rule, on in rules.items()}
        return [HealthRule(rule, on) for rule, on in list(given.items())[:MOST_RULES]]

    def __iter__(self) -> Iterator[HealthContent]:
        return iter(self.infos())

    def __len__(self) -> int:
        return len(self._findings)

    def __contains__(self, rule: object) -> bool:
        return rule in self._findings

    def __getitem__(self, rule: str) -> HealthContent:
        try:
            return self._findings[rule]
        except KeyError:
            known = ", ".join(self._findings) or "none"
            raise KeyError(f"No rule {rule!r} has told anything in this run; those that have: {known}.") from None

    def _put(self, finding: HealthContent) -> None:
        findings = {**self._findings, finding.rule: finding}
        if len(findings) > MOST_RULES:
            oldest = min(findings.values(), key=lambda one: (one.level != "ok", one.step))
            del findings[oldest.rule]
            self._tellers.pop(oldest.rule, None)
        self._findings = findings

    def _write(self, finding: HealthContent, summary: str) -> None:
        detail = {"rule": finding.rule, "level": finding.level, "since": finding.since, "series": finding.series}
        if finding.action:
            detail["action"] = finding.action
        self._session.journal.add(finding.step, "health", "health", summary, detail)
        self._renew()

    def _renew(self) -> None:
        self._renewed_at = time.monotonic()
        self._session.renew_catalogue()  # which the store keeps: a run that has ended shows how it was
