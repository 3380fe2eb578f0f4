"""`python -m bidviz_core.testing`: the process in which bundles' code is checked, each bundle's in a child of its own.

Every line of standard input asks for a bundle, with what was done before in a child that came down. Events go to
standard output, a JSON object a line; what the bundle prints goes to standard error.
"""

from __future__ import annotations

import gc
import inspect
import json
import os
import sys
import warnings
from functools import cache
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import msgspec

from bidviz_core.description import DescribedMetric, DescribedPolicy, PageFile
from bidviz_core.errors import BidvizError
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.installed import Scanner, find
from bidviz_core.plugins.loading import LoadedBundle, import_bundle
from bidviz_core.testing.examining import (
    BuiltIn,
    Ended,
    Event,
    Fell,
    Forked,
    Loaded,
    Told,
    Wanted,
    built_in_samples,
    examine,
)
from bidviz_core.testing.finding import Finding

if TYPE_CHECKING:
    from bidviz_core.specs import AnyChart


def main() -> int:
    """Checks one bundle after the other, as they are asked for, until nobody can ask any more."""
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what a bundle prints is no event
    for served, line in enumerate(sys.stdin):
        wanted = msgspec.json.decode(line, type=Wanted)
        if sys.platform != "linux":  # elsewhere a fork with torch in it may hang: one bundle, and another process
            _examine(wanted, out)
            return 0
        if served:  # it will pay; the first one may fail before it needs torch
            _warm()
        child = _fork()
        if child == 0:
            _examine(wanted, out)
            out.flush()
            os._exit(0)  # whatever threads the bundle left
        _say(out, Forked(child))
        _, status = os.waitpid(child, 0)
        _say(out, Fell(os.waitstatus_to_exitcode(status)))
    return 0


@cache
def _warm() -> None:
    # An optimizer brings what torch imports only when it is first made. No thread is started: children are forked.
    import_module("bidviz_core.testing.torch_learners").make("mlp", 0, "")
    gc.collect()
    gc.freeze()  # else each child's collector would look through all of torch, and copy its pages


def _fork() -> int:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # of threads that numpy's libraries keep; they know forks
        return os.fork()


def _examine(wanted: Wanted, out: TextIO) -> None:
    def tell(event: Event | Loaded | BuiltIn | Ended) -> None:
        _say(out, event)

    sys.path.insert(0, wanted.site)
    try:
        bundle = find(Scanner().scan(), wanted.name)
        loaded = import_bundle(bundle, Hooks(lambda *about: None))
    except BidvizError as error:
        _tell_failed(tell, error)
        return
    described = _described(loaded, out)
    tell(described)
    charts = [*described.charts, *(chart for metric in described.metrics for chart in metric.charts)]
    tell(BuiltIn(built_in_samples(charts)))
    examine(loaded.given, tell, done=wanted.before.done, skip=wanted.before.skip)
    tell(Ended())


def _say(out: TextIO, event: Any) -> None:
    print(msgspec.json.encode(event).decode(), file=out, flush=True)


def _tell_failed(tell: Any, error: BidvizError) -> None:
    mend = "Import it in a Python of your own to see the traceback."
    if "no hook of BIDViz" in str(error) or "is misspelt" in str(error):
        mend = "Hooks that do not exist are never called."
    elif "is not installed" in str(error):
        mend = "Install what it needs where you check it."
    tell(Told((Finding("the bundle", str(error), mend),)))
    tell(Ended())


def _described(loaded: LoadedBundle, out: TextIO) -> Loaded:
    given = loaded.given
    metrics = tuple(
        DescribedMetric(
            name=metric.name,
            help=metric.help,
            arguments=metric.arguments,
            every=metric.every,
            where=metric.where,
            charts=metric.charts,
            code=metric.code,
        )
        for metric in given.metrics
    )
    policies = tuple(
        DescribedPolicy(
            policy.name, policy.target, policy.help, _plain(dict(policy.parameters)), _code(policy.function)
        )
        for policy in given.policies
    )
    pages, findings = [], []
    for relative, path in sorted(loaded.contents.files.items()):
        if Path(relative).parent.name == "pages" and relative.endswith(".json"):
            try:
                pages.append(msgspec.json.decode(path.read_bytes(), type=PageFile))
            except (OSError, msgspec.MsgspecError) as error:
                findings.append(Finding(relative, f"it is no page: {error}.", "Save the page again from a run."))
    if findings:
        _say(out, Told(tuple(findings)))
    return Loaded(
        loaded.hash,
        metrics,
        policies,
        tuple(cast("list[AnyChart]", given.charts)),
        tuple(pages),
        _renderers(given.plugins),
    )


def _renderers(plugins: Any) -> tuple[str, ...]:
    kinds: list[str] = []
    for plugin in plugins.values():
        hook = getattr(plugin, "register_renderers", None)
        if callable(hook):
            try:
                kinds += [str(getattr(one, "kind", one)) for one in hook()]
            except Exception:  # noqa: BLE001 - it is the dashboard's hook; here only its name is wanted
                continue
    return tuple(kinds)


def _code(function: Any) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _plain(parameters: dict[str, Any]) -> dict[str, Any]:
    return {name: json.loads(json.dumps(value, default=str)) for name, value in parameters.items()}


if __name__ == "__main__":
    sys.exit(main())
