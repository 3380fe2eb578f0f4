"""The Dash components of our own: what Python knows of the bundle that `dashboard/ui` builds.

Each class names a function that the bundle puts into `window.bidviz_ui`.
"""

from __future__ import annotations

from typing import Any

from dash.development.base_component import Component

#: The package that Dash serves the bundle from (it asks for its `__version__`).
PACKAGE = "bidviz_dashboard"
SCRIPT = {"relative_package_path": "static/bidviz.js", "namespace": PACKAGE}
STYLE = {"relative_package_path": "static/bidviz.css", "namespace": PACKAGE}


class RunPage(Component):
    """One run: header, panels, editor, console.

    Args:
        id: the component's id.
        run: the run's id; `None` shows nothing and holds no connection.
    """

    _namespace = "bidviz_ui"
    _type = "RunPage"

    def __init__(self, id: str, run: str | None = None) -> None:  # noqa: A002 (Dash's word for it)
        _begin(self, id=id, run=run)


class ComparePage(Component):
    """Several runs side by side.

    Args:
        id: the component's id.
        runs: the runs' ids with commas between them; `None` shows nothing.
    """

    _namespace = "bidviz_ui"
    _type = "ComparePage"

    def __init__(self, id: str, runs: str | None = None) -> None:  # noqa: A002 (Dash's word for it)
        _begin(self, id=id, runs=runs)


class DiscoverPage(Component):
    """Which bundles there are, and their way into a training that runs.

    Args:
        id: the component's id.
        place: `"run:"` and a run's id, or `"run:"` alone for one to be chosen; `None` shows nothing.
    """

    _namespace = "bidviz_ui"
    _type = "DiscoverPage"

    def __init__(self, id: str, place: str | None = None) -> None:  # noqa: A002 (Dash's word for it)
        _begin(self, id=id, place=place)


class ExtensionPage(Component):
    """A page that a bundle gives.

    Args:
        id: the component's id.
        path: the page's path; `None` shows nothing.
    """

    _namespace = "bidviz_ui"
    _type = "ExtensionPage"

    def __init__(self, id: str, path: str | None = None) -> None:  # noqa: A002 (Dash's word for it)
        _begin(self, id=id, path=path)


class RunsPage(Component):
    """The bar over the table of runs, and what stands there when there is none; feeds the table.

    Args:
        id: the component's id.
        table: the id of the ag-grid component that it feeds, inside an element `<table>-place`; `None` shows nothing.
    """

    _namespace = "bidviz_ui"
    _type = "RunsPage"

    def __init__(self, id: str, table: str | None = None) -> None:  # noqa: A002 (Dash's word for it)
        _begin(self, id=id, table=table)


def _begin(component: Any, **properties: Any) -> None:
    """Tells Dash's base class, as generated components do, which properties there are and what they are."""
    component._prop_names = list(properties)
    component._valid_wildcard_attributes = []
    component.available_properties = list(properties)
    component.available_wildcard_properties = []
    begin: Any = Component.__init__  # untyped in Dash
    begin(component, **properties)
