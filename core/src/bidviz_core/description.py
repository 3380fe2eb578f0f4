"""What a bundle says of itself without being imported: a file that travels in its package, beside the code.

`bidviz bundle check --write` and `bidviz bundle build` make it from what the bundle really registers and gave on the
sample learners; a registry and the *Discover* page read it from the wheel, so that nothing runs before somebody has
decided that it may.
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal

import msgspec

from bidviz_core.errors import SpecError
from bidviz_core.specs import AnyChart, spelled, unspelled

#: Its name, inside the bundle's import package.
FILE = "bidviz-bundle.json"
#: The most bytes that are read of one: it is somebody else's.
MOST_BYTES = 4 * 2**20


class DescribedMetric(msgspec.Struct, frozen=True, omit_defaults=True):
    """A metric, as the bundle registers it.

    Args:
        name: its name.
        help: what it is, in a sentence.
        arguments: what it needs of a step (`"grads"`, `"activations"`).
        every: its cadence at the start, in steps.
        where: `"training"` or `"worker"`.
        charts: how it is drawn.
        learners: the sample learners on which it gave a value.
        cost: microseconds that one value took, the median on the sample learner `cost_on`; none if not measured.
        share: the same as a share of that learner's step, at cadence 1.
        cost_on: which sample learner it was.
        code: its source.
    """

    name: str
    help: str = ""
    arguments: tuple[str, ...] = ()
    every: int = 1
    where: Literal["training", "worker"] = "training"
    charts: tuple[AnyChart, ...] = ()
    learners: tuple[str, ...] = ()
    cost: float | None = None
    share: float | None = None
    cost_on: str = ""
    code: str = ""


class DescribedPolicy(msgspec.Struct, frozen=True, omit_defaults=True):
    """A named policy.

    Args:
        name: its name.
        target: the hyperparameter it is meant for.
        help: what it does, in a sentence.
        parameters: its parameters and their values at the start.
        code: its source.
    """

    name: str
    target: str = ""
    help: str = ""
    parameters: dict[str, Any] = {}
    code: str = ""


class Sample(msgspec.Struct, frozen=True, omit_defaults=True):
    """A series as it was recorded on a sample learner; charts are drawn from it before the bundle is installed.

    Args:
        kind: `"scalar"`, or a value type's kind (`"histogram"`, `"matrix"`, `"image"`, `"table"`, `"text"`, …).
        step: the steps.
        value: a number a step (a text for NaN and infinities), or the last few values as they stand on the wire.
    """

    kind: str
    step: tuple[int, ...]
    value: tuple[Any, ...]


class PageFile(msgspec.Struct, frozen=True, omit_defaults=True):
    """A page of panels as a file: `pages/NAME.json` in the import package, or saved by a person.

    Args:
        bidviz_page: the format's version, 1.
        title: its name.
        help: what it is for.
        when: qualified names of module classes, patterns allowed (`"*.MultiheadAttention"`, `"*Transformer*"`): where
            the model has one of them the page is offered; everywhere if there is none.
        panels: chart specs with their places, in columns of a grid of 12:
            `{"chart": {…}, "x": 0, "y": 0, "w": 4, "h": 3}`.
        metrics: metrics that it adds, as `saveMetrics` writes them:
            `{"name": …, "source": …, "every": …, "where": …, "chart": …}`.
    """

    bidviz_page: Literal[1]
    title: str
    help: str = ""
    when: tuple[str, ...] = ()
    panels: tuple[dict[str, Any], ...] = ()
    metrics: tuple[dict[str, Any], ...] = ()


class Description(msgspec.Struct, frozen=True, omit_defaults=True):
    """All that a bundle holds.

    Args:
        bidviz_bundle: the format's version, 1.
        name: its distribution's name.
        version: its version.
        summary: what it is, in a sentence.
        metrics: its metrics.
        policies: its named policies.
        charts: charts that show several metrics.
        pages: its pages.
        renderers: chart kinds that it draws itself.
        samples: series by name, for the charts.
        hash: the hash of its code, as a session computes it when it loads the bundle.
    """

    bidviz_bundle: Literal[1]
    name: str
    version: str
    summary: str = ""
    metrics: tuple[DescribedMetric, ...] = ()
    policies: tuple[DescribedPolicy, ...] = ()
    charts: tuple[AnyChart, ...] = ()
    pages: tuple[PageFile, ...] = ()
    renderers: tuple[str, ...] = ()
    samples: dict[str, Sample] = {}
    hash: str = ""


def encode_description(description: Description) -> bytes:
    """The file's bytes, to be read by people as well."""
    return msgspec.json.format(msgspec.json.encode(description_to_dict(description)), indent=1) + b"\n"


def description_to_dict(description: Description) -> dict[str, Any]:
    """The JSON-able form of a description."""
    return _with_charts(msgspec.to_builtins(description), spelled)


def decode_description(data: bytes) -> Description:
    """Reads the file's bytes.

    Raises:
        SpecError: they are no description, or one of a newer format.
    """
    if len(data) > MOST_BYTES:
        raise SpecError(f"A bundle's description has {len(data):,} bytes; at most {MOST_BYTES:,} are read.")
    try:
        plain = msgspec.json.decode(data)
        return msgspec.convert(_with_charts(plain, unspelled) if isinstance(plain, dict) else plain, Description)
    except msgspec.MsgspecError as error:
        raise SpecError(f"{FILE} cannot be read: {error}. Make it anew with `bidviz bundle check --write`.") from error


def _with_charts(plain: dict[str, Any], turned: Callable[[dict[str, Any]], dict[str, Any]]) -> dict[str, Any]:
    """A description with each chart spec turned from one form into the other."""

    def charts(holder: Any) -> Any:
        specs = holder.get("charts") if isinstance(holder, dict) else None
        if not isinstance(specs, (list, tuple)):
            return holder
        return {**holder, "charts": [turned(spec) if isinstance(spec, dict) else spec for spec in specs]}

    metrics = plain.get("metrics")
    if isinstance(metrics, (list, tuple)):
        plain = {**plain, "metrics": [charts(metric) for metric in metrics]}
    whole: dict[str, Any] = charts(plain)
    return whole


def description_of_wheel(path: Path) -> Description | None:
    """Reads the description that a wheel carries, without importing or unpacking anything.

    Returns:
        None if the wheel carries none.

    Raises:
        SpecError: what it carries cannot be read, or the file is no wheel.
    """
    try:
        with zipfile.ZipFile(path) as wheel:
            found = [
                one for one in wheel.infolist() if one.filename.count("/") == 1 and one.filename.endswith(f"/{FILE}")
            ]
            if not found:
                return None
            if found[0].file_size > MOST_BYTES:
                raise SpecError(
                    f"{found[0].filename} has {found[0].file_size:,} bytes; at most {MOST_BYTES:,} are read."
                )
            return decode_description(wheel.read(found[0]))
    except (OSError, zipfile.BadZipFile, RuntimeError) as error:
        raise SpecError(f"{path.name} is no wheel that can be read: {error}.") from error
