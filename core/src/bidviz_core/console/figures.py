"""Figures, images and tables of a console line, as forms by media type; nothing here imports what draws them."""

from __future__ import annotations

import base64
import contextlib
import importlib
import io
import json
import re
import sys
from collections.abc import Iterator, Mapping
from typing import Any

PLOTLY = "application/vnd.plotly.v1+json"
#: Forms that the page draws; others are not sent.
SENT = ("text/plain", "text/html", "image/png", "image/jpeg", "image/gif", "image/svg+xml", PLOTLY)


def sendable(data: Mapping[str, Any]) -> dict[str, Any]:
    """The forms that the page draws, bytes as base64."""
    return {
        kind: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for kind, value in data.items()
        if kind in SENT
    }


def register(shell: Any) -> None:
    """Teaches an IPython what it does not show by itself, by name: the libraries are imported when the script does."""
    formatters = shell.display_formatter.formatters
    formatters["image/png"].for_type_by_name("matplotlib.figure", "Figure", _png_of_figure)
    # Plotly's own way opens a browser on this machine.
    shell.display_formatter.ipython_display_formatter.for_type_by_name(
        "plotly.basedatatypes", "BaseFigure", lambda figure: shell.display_pub.publish(plotly_forms(figure))
    )


def plotly_forms(figure: Any) -> dict[str, Any]:
    """A Plotly figure's forms."""
    title = getattr(getattr(figure.layout, "title", None), "text", None)
    return {PLOTLY: json.loads(figure.to_json()), "text/plain": f"Figure{f' “{title}”' if title else ''}"}


def _png_of_figure(figure: Any) -> bytes:
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=100, bbox_inches="tight")
    return buffer.getvalue()


def import_early(code: str) -> None:
    """Imports what a line is about to draw with, so that its `show()` is ours and its defaults are the script's.

    Plotly looks for IPython when it is imported, and would show figures as in a notebook ever after.
    """
    for word, module in (("plotly", "plotly.basedatatypes"), ("pyplot", "matplotlib.pyplot")):
        if (
            word in code
            and module not in sys.modules
            and re.search(rf"\bimport\b.*\b{word}\b|\b{word}\b.*import", code)
        ):
            with contextlib.suppress(ImportError):  # the line will say so
                importlib.import_module(module)


@contextlib.contextmanager
def shown_afterwards(shell: Any) -> Iterator[None]:
    """Shows and closes the figures that matplotlib's `pyplot` holds anew after a line, and what `show()` gives in it.

    Figures that the script itself had open stay as they are.
    """
    before = set(_open_figures())
    with _plotly_shown(shell), _pyplot_shown(shell, before):
        yield
        _show_new(shell, before)


def _open_figures() -> list[int]:
    pyplot = sys.modules.get("matplotlib.pyplot")
    return list(pyplot.get_fignums()) if pyplot is not None and hasattr(pyplot, "get_fignums") else []


def _show_new(shell: Any, before: set[int]) -> None:
    pyplot = sys.modules.get("matplotlib.pyplot")
    for number in _open_figures():
        if number not in before and pyplot is not None:
            figure = pyplot.figure(number)
            shell.display_pub.publish({"image/png": _png_of_figure(figure), "text/plain": f"Figure {number}"})
            pyplot.close(figure)


@contextlib.contextmanager
def _pyplot_shown(shell: Any, before: set[int]) -> Iterator[None]:
    """`plt.show()` shows the figures on the page; no window opens where the training runs."""
    pyplot: Any = sys.modules.get("matplotlib.pyplot")
    if pyplot is None or not shell.on_training_thread:
        yield
        return
    former = pyplot.show
    pyplot.show = lambda *_, **__: _show_new(shell, before)
    try:
        yield
    finally:
        pyplot.show = former


@contextlib.contextmanager
def _plotly_shown(shell: Any) -> Iterator[None]:
    """`figure.show()` shows a Plotly figure on the page; no browser opens where the training runs."""
    plotly = sys.modules.get("plotly.basedatatypes")
    if plotly is None or not shell.on_training_thread:
        yield
        return
    former = plotly.BaseFigure.show
    plotly.BaseFigure.show = lambda figure, *_, **__: shell.display_pub.publish(plotly_forms(figure))
    try:
        yield
    finally:
        plotly.BaseFigure.show = former
