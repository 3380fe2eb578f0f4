"""`python -m bidviz_core.testing SITE NAME`: the process in which a bundle's code is checked.

Events go to standard output, a JSON object a line; what the bundle prints goes to standard error. The first line that
is read from standard input says what was done before, in a process that came down.
"""

from __future__ import annotations

import inspect
import json
import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, cast

import msgspec

from bidviz_core.description import DescribedMetric, DescribedPolicy, PageFile
from bidviz_core.errors import BidvizError
from bidviz_core.plugins.dispatch import Hooks
from bidviz_core.plugins.installed import Scanner, find
from bidviz_core.plugins.loading import LoadedBundle, import_bundle
from bidviz_core.testing.examining import Before, Ended, Event, Loaded, Told, examine
from bidviz_core.testing.finding import Finding

if TYPE_CHECKING:
    from bidviz_core.specs import AnyChart


def main() -> int:
    """Checks one bundle."""
    site, name = sys.argv[1], sys.argv[2]
    out = os.fdopen(os.dup(1), "w", encoding="utf-8")
    os.dup2(2, 1)  # what the bundle prints is no event
    before = msgspec.json.decode(sys.stdin.readline() or "{}", type=Before)
    sys.path.insert(0, site)

    def tell(event: Event | Loaded | Ended) -> None:
        print(msgspec.json.encode(event).decode(), file=out, flush=True)

    try:
        bundle = find(Scanner().scan(), name)
        loaded = import_bundle(bundle, Hooks(lambda *about: None))
    except BidvizError as error:
        _tell_failed(tell, error)
        return 0
    tell(_described(loaded, out))
    examine(loaded.given, tell, done=before.done, skip=before.skip)
    tell(Ended())
    return 0


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
        print(msgspec.json.encode(Told(tuple(findings))).decode(), file=out, flush=True)
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
