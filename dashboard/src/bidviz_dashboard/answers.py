"""What the dashboard answers itself, from its own state or the run's file."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import numpy as np

from bidviz_core import stacks
from bidviz_core.checkpoints.kept import kept_in
from bidviz_core.errors import CommandError, FormulaError, StoreError
from bidviz_core.frames import pack_frame
from bidviz_core.messages import commands, contents, steering
from bidviz_core.messages.commands import Method, Request
from bidviz_core.policies.dry_run import dry_run
from bidviz_core.replaying.exporting import text_of
from bidviz_core.store import StoreReader
from bidviz_core.store.saved_metrics import metrics_saved_in
from bidviz_core.values import to_parts
from bidviz_dashboard import __version__
from bidviz_dashboard.layouts import load_layout, save_layout
from bidviz_dashboard.sockets import binary_frame

T = TypeVar("T")

if TYPE_CHECKING:
    from bidviz_dashboard.browser import Browser
    from bidviz_dashboard.hub import Hub

#: Array records given at most in one answer.
MOST_ARRAYS = 500
#: Saved sets of metrics given at most in one answer.
MOST_SETS = 100


def _hello(hub: Hub, browser: Browser, request: Request) -> None:
    said = _content(request, contents.HelloContent)
    version = browser.speak(said.versions, said.client)
    about = {"version": version, "right": browser.right, "dashboard": __version__, "allow_code": hub.allow_code}
    browser.reply(request.id, True, about)


def _subscribe(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, contents.SubscribeContent)
    followed = hub.follow(browser, content.run, content.since, content.series)
    browser.reply(request.id, followed, "" if followed else hub.unknown(content.run))


def _unsubscribe(hub: Hub, browser: Browser, request: Request) -> None:
    hub.unfollow(browser, _run(request))
    browser.reply(request.id, True)


def _subscribe_runs(hub: Hub, browser: Browser, request: Request) -> None:
    hub.follow_table(browser)
    browser.reply(request.id, True)


def _history(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, contents.HistoryContent)
    reader = _reader(hub, content.run)
    kinds = reader.series()
    for name in content.series:
        header = {
            "type": "history",
            "run": content.run,
            "id": request.id,
            "series": name,
            "start": content.start,
            "stop": content.stop,
            "points": content.points,
        }
        if name in kinds:
            found = reader.history(name, content.start, content.stop, content.points)
            columns = [found.step, found.value, found.low, found.high, found.nan_count, found.time]
            more = {"sequence": found.sequence, "total": found.total}
        else:
            # Not written yet: what there is of it comes live.
            columns, more = [np.empty(0)] * 6, {"sequence": reader.sequence(), "total": 0}
        browser.mailbox.put_answer(
            binary_frame(pack_frame({**header, **more}, [np.asarray(one, np.float64) for one in columns]))
        )
    browser.reply(request.id, True)


def _array_history(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, contents.ArrayHistoryContent)
    reader = _reader(hub, content.run)
    sequence = reader.sequence()
    count = min(max(content.count, 1), MOST_ARRAYS)
    known = content.series in reader.series()
    where = (content.start, content.stop, count, content.spread)
    for record in reader.arrays(content.series, *where) if known else []:
        value, buffers = to_parts(record.value)
        about = {"type": "array", "run": content.run, "id": request.id, "sequence": sequence, "name": record.name}
        header = {**about, "step": record.step, "time": record.time, "value": value}
        browser.mailbox.put_answer(binary_frame(pack_frame(header, buffers)))
    browser.reply(request.id, True)


def _journal(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, contents.JournalContent)
    browser.reply(request.id, True, _reader(hub, content.run).journal(content.since))


def _export_journal(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, steering.ExportJournalContent)
    browser.reply(request.id, True, text_of(_reader(hub, content.run), content.form))


def _save_layout(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, contents.LayoutContent)
    save_layout(_name(hub, content.run), content.layout)
    browser.reply(request.id, True)


def _get_layout(hub: Hub, browser: Browser, request: Request) -> None:
    browser.reply(request.id, True, load_layout(_name(hub, _run(request))))


def _stacks(hub: Hub, browser: Browser, request: Request) -> None:
    run = _run(request)
    info = hub.info(run)
    if info is None:
        raise CommandError(hub.unknown(run))
    browser.reply(request.id, True, stacks.ask(info.pid, info.started, info.host))


def _dry_run(hub: Hub, browser: Browser, request: Request) -> None:
    content = _content(request, steering.PolicyContent)
    run = content.run or browser.run
    if content.policy:  # its code is in the training's environment
        why = hub.order(browser, request.id, run, request.content)
        if why:
            browser.reply(request.id, False, why)
        return
    try:
        curve = dry_run(
            _reader(hub, run),
            content.target,
            content.formula,
            mode=content.mode,
            low=content.low,
            high=content.high,
        )
    except FormulaError as error:
        browser.reply(request.id, False, {"message": str(error), "column": error.column})
        return
    browser.reply(request.id, True, curve.columns())


def _list_checkpoints(hub: Hub, browser: Browser, request: Request) -> None:
    run = _run(request) or browser.run
    if not hub.order(browser, request.id, run, request.content):
        return
    # Its training is not there to say: they lie in its folder, and can be looked at.
    reader = _reader(hub, run)
    browser.reply(request.id, True, kept_in(reader.file.parent, reader.state()))


def _list_saved_metrics(hub: Hub, browser: Browser, request: Request) -> None:
    rows = {row.run.id: row.run for row in [*hub.past.refresh(), *hub.runs()]}
    newest = sorted((one for run in rows.values() for one in metrics_saved_in(run)), key=lambda one: -one.time)
    browser.reply(request.id, True, newest[:MOST_SETS])


def _run(request: Request) -> str:
    return _content(request, contents.RunContent).run


def _content(request: Request, kind: type[T]) -> T:
    """What the method takes; the schema has seen to it that it is of this kind."""
    content = request.content.content
    assert isinstance(content, kind)
    return content


def _name(hub: Hub, run: str) -> str:
    info = hub.info(run)
    if info is None:
        raise CommandError(hub.unknown(run))
    return info.name


def _reader(hub: Hub, run: str) -> StoreReader:
    try:
        reader = hub.reader(run)
    except StoreError:
        info = hub.info(run)
        if info is None or Path(info.folder).exists():
            raise
        raise CommandError(f"The folder of run {run} is not on this machine: {info.folder}.") from None
    if reader is None:
        raise CommandError(hub.unknown(run))
    return reader


ANSWERS: Mapping[type[Method], Callable[[Hub, Browser, Request], None]] = {
    commands.Hello: _hello,
    commands.Subscribe: _subscribe,
    commands.Unsubscribe: _unsubscribe,
    commands.SubscribeRuns: _subscribe_runs,
    commands.History: _history,
    commands.ArrayHistory: _array_history,
    commands.GetJournal: _journal,
    commands.ExportJournal: _export_journal,
    commands.SaveLayout: _save_layout,
    commands.GetLayout: _get_layout,
    commands.GetStacks: _stacks,
    commands.DryRunPolicy: _dry_run,
    commands.ListCheckpoints: _list_checkpoints,
    commands.ListSavedMetrics: _list_saved_metrics,
}
