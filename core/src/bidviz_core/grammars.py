"""What a chart spec may hold where it is free: a figure of Plotly's grammar, a chart of Vega-Lite's, a bundle's fields.

Nothing is loaded, whatever the grammar would allow, and `{"$series": "name"}` stands where data goes:

- `"field"` picks a column: `value` (the default), `step`, `time`, `low`, `high` of numbers, or `latest` for the latest
  one alone; `counts`, `edges`, `centres` of a histogram; `rows`, `columns` (their names) of a matrix; a table's column
  by its name;
- `"last"` is how many of the latest records of a series of arrays are handed over (Vega-Lite and bundles' kinds).
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import Any

import msgspec

from bidviz_core.errors import SpecError

#: Where data goes.
SERIES = "$series"

_URL = re.compile(r"^\s*(?:[a-z][a-z0-9+.-]*:)?//|^\s*data:[\w.+/-]*[;,]", re.IGNORECASE)
_LOADING_KEYS = frozenset({"url", "src", "source", "href"})
#: Vega-Lite's own word for which version a chart is written in; nothing loads it.
_NAMES_A_VERSION = "$schema"
#: Plotly's traces that fetch maps from the internet.
_MAPS = re.compile(r"geo$|map(?:box)?$")
_NO_MAPS = frozenset({"heatmap", "treemap"})
_FIGURE = frozenset({"data", "layout", "frames", "config"})
_COMPOSED = frozenset({"mark", "layer", "concat", "hconcat", "vconcat", "facet", "repeat", "spec"})
#: How a bundle's own kind of chart is called.
OWN_KIND = re.compile(r"[a-z][a-z0-9_-]*\.[A-Za-z][A-Za-z0-9_]*")
_REFERENCE = frozenset({SERIES, "field", "last"})


def check_figure(figure: Mapping[str, Any]) -> None:
    """Checks a figure in Plotly's grammar.

    Raises:
        SpecError: it loads something, is no figure, or names a series wrongly.
    """
    _refuse_no_json("The figure", figure)
    _refuse_loading(figure, ("figure",))
    _check_references(figure, ("figure",))
    if unknown := sorted(figure.keys() - _FIGURE):
        raise SpecError(f"A Plotly figure has data and layout, got {', '.join(unknown)} as well.")
    traces, layout = figure.get("data", []), figure.get("layout", {})
    if not isinstance(traces, (list, tuple)) or not all(isinstance(trace, Mapping) for trace in traces):
        raise SpecError(
            "A Plotly figure's data is a list of traces, each an object: take json.loads(figure.to_json())."
        )
    if not isinstance(layout, Mapping):
        raise SpecError(f"A Plotly figure's layout is an object, got {type(layout).__name__}.")
    for trace in traces:
        kind = str(trace.get("type", "scatter"))
        if kind == "choropleth" or (_MAPS.search(kind) and kind not in _NO_MAPS):
            raise SpecError(
                f"A chart spec may not load anything, but a Plotly trace of type {kind!r} loads maps from the internet."
            )


def check_vega(spec: Mapping[str, Any]) -> None:
    """Checks a chart in Vega-Lite's grammar.

    Raises:
        SpecError: it loads something, is no chart, or names a series wrongly.
    """
    _refuse_no_json("The Vega-Lite chart", spec)
    _refuse_loading(spec, ("spec",))
    _check_references(spec, ("spec",))
    if spec and not _COMPOSED & spec.keys():
        raise SpecError(
            "A chart in Vega-Lite's grammar has a mark, or parts (layer, concat, facet, …): "
            f"got {', '.join(map(str, spec))}."
        )


def check_fields(kind: str, fields: Mapping[str, Any]) -> None:
    """Checks the fields of a chart of a kind that a bundle draws.

    Args:
        kind: `"namespace.Kind"`.
        fields: what is the kind's own.

    Raises:
        SpecError: the kind is not named so, or a field is no JSON, loads something, or names a series wrongly.
    """
    if not isinstance(kind, str) or not OWN_KIND.fullmatch(kind):
        raise SpecError(
            f"A bundle's kind of chart is called like 'sunburst.Sunburst' (bundle, dot, kind), got {kind!r}."
        )
    for name, value in fields.items():
        try:
            same = msgspec.json.decode(msgspec.json.encode(value)) == msgspec.to_builtins(value)
        except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
            raise SpecError(f"The field {name!r} of the chart {kind!r} is no JSON: {error}.") from None
        if not same:
            raise SpecError(
                f"The field {name!r} of the chart {kind!r} is no JSON: NaN and infinities cannot be written."
            )
    _refuse_loading(fields, ())
    _check_references(fields, ())


def named_series(data: Any) -> tuple[str, ...]:
    """The names and patterns that stand at `{"$series": …}`, each once, in their order."""
    return tuple(dict.fromkeys(str(reference[SERIES]) for _, reference in _references(data, ())))


def _refuse_no_json(what: str, value: Any) -> None:
    try:
        same = msgspec.json.decode(msgspec.json.encode(value)) == msgspec.to_builtins(value)
    except (TypeError, ValueError, msgspec.MsgspecError, RecursionError) as error:
        raise SpecError(f"{what} is no JSON: {error}.") from None
    if not same:
        raise SpecError(f"{what} is no JSON: NaN and infinities have no place in it; data comes from series.")


def _references(value: Any, path: tuple[str, ...]) -> Iterator[tuple[tuple[str, ...], Mapping[str, Any]]]:
    if isinstance(value, Mapping):
        if SERIES in value:
            yield path, value
            return
        for key, inner in value.items():
            yield from _references(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            yield from _references(inner, (*path, str(index)))


def _check_references(data: Mapping[str, Any], path: tuple[str, ...]) -> None:
    for place, reference in _references(data, path):
        _check_reference(".".join(place), reference)


def _check_reference(where: str, reference: Mapping[str, Any]) -> None:
    name, field, last = reference[SERIES], reference.get("field", "value"), reference.get("last", 1)
    if not isinstance(name, str) or not name:
        raise SpecError(f'{where} names no series: expected {{"$series": "name"}}, got {name!r}.')
    if unknown := sorted(reference.keys() - _REFERENCE):
        raise SpecError(f"{where} has {', '.join(unknown)} beside $series: expected field or last.")
    if not isinstance(field, str):
        raise SpecError(f"{where} has the field {field!r}: expected a column's name.")
    if not isinstance(last, int) or isinstance(last, bool) or last < 1:
        raise SpecError(f"{where} asks for the last {last!r} records: expected a number from 1.")


def _refuse_loading(value: Any, path: tuple[str, ...]) -> None:
    """Refuses addresses, and every place from which one could be taken."""
    if isinstance(value, Mapping):
        for key, inner in value.items():
            if key == _NAMES_A_VERSION:
                continue
            where = ".".join((*path, str(key)))
            if str(key).lower() in _LOADING_KEYS and inner and (isinstance(inner, str) or key == "url"):
                raise SpecError(
                    f"A chart spec may not load anything, but {where} is {inner!r}: put the data in a series."
                )
            if key == "mark" and "image" in (inner, isinstance(inner, Mapping) and inner.get("type")):
                raise SpecError(f"A chart spec may not load anything, but {where} draws images from addresses.")
            _refuse_loading(inner, (*path, str(key)))
    elif isinstance(value, (list, tuple)):
        for index, inner in enumerate(value):
            _refuse_loading(inner, (*path, str(index)))
    elif isinstance(value, str) and _URL.match(value):
        raise SpecError(f"A chart spec may not load anything, but {'.'.join(path)} is {value[:80]!r}.")
