"""The pages: one Dash app with the table of runs at `/` and a run at `/run/<id>`, runs
side by side at `/compare/<id>,<id>`, bundles at `/discover` and `/run/<id>/discover`, and pages that bundles give at
`/page/<path>`.

Everything that moves comes over our websocket and is drawn by the bundle in `static/`; Dash gives the frame, the
routing and the table. No callback runs in Python, and nothing is loaded from elsewhere.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any
from urllib.parse import quote

import msgspec
import plotly
from dash import Dash, Input, Output, State, dcc, html
from flask import Flask, Response, abort, send_from_directory

from bidviz_dashboard.extensions import Extensions
from bidviz_dashboard.pages.components import (
    SCRIPT,
    STYLE,
    ComparePage,
    DiscoverPage,
    ExtensionPage,
    RunPage,
    RunsPage,
)
from bidviz_dashboard.pages.runs_table import TABLE, runs_table, table_library

STATIC = Path(__file__).resolve().parent.parent / "static"
PLOTLY = Path(plotly.__file__).resolve().parent / "package_data"
ADDRESS = "/bidviz"

# A curve with a spike in it: what this is for.
ICON = quote(
    '<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 32 32"><rect width="32" height="32" rx="7" fill="#0b62b8"/>'
    '<path d="M5 22l6-3 4 2 3-14 4 14 5-4" fill="none" stroke="#fff" stroke-width="2.6" stroke-linecap="round" '
    'stroke-linejoin="round"/></svg>'
)

# The theme is set before anything is drawn, so that a dark page does not begin with a white flash.
INDEX = """<!DOCTYPE html>
<html lang="en">
<head>
  {%metas%}
  <title>{%title%}</title>
  <link rel="icon" href="data:image/svg+xml,ICON">
  <script>
    (function () {
      var chosen = null;
      try { chosen = localStorage.getItem("bidviz-theme"); } catch (error) { chosen = null; }
      var dark = chosen ? chosen === "dark" : matchMedia("(prefers-color-scheme: dark)").matches;
      document.documentElement.dataset.theme = dark ? "dark" : "light";
    })();
  </script>
  {%css%}
</head>
<body>
  {%app_entry%}
  <footer>{%config%}{%scripts%}{%renderer%}</footer>
</body>
</html>
"""

# Which page is shown, from the address: an id for a run, ids of runs to compare, bundles, or the table of runs.
ROUTE = """
function (path) {
  const found = /^\\/run\\/([^/]+)\\/?$/.exec(path || "/");
  const run = found ? decodeURIComponent(found[1]) : null;
  const several = /^\\/compare\\/([^/]+)\\/?$/.exec(path || "/");
  const runs = several ? several[1].split(",").map(decodeURIComponent).join(",") : null;
  const bundles = /^(?:\\/run\\/([^/]+))?\\/discover(?:\\/[^/]*)?\\/?$/.exec(path || "/");
  const place = bundles ? "run:" + decodeURIComponent(bundles[1] || "") : null;
  const one = Boolean(run || runs || place || /^\\/page\\//.test(path || ""));
  return [run, runs, place, one ? {display: "none"} : {}];
}
"""

# The table is made when it is first shown, and its library comes then: a run's page opens in less without.
MAKE_TABLE = """
function (style, made) {
  if (made || style.display === "none") return window.dash_clientside.no_update;
  return window.bidviz_ui.loadTable().then(() => (%s));
}
"""
FEED_TABLE = """
function (style, made) {
  return made && style.display !== "none" ? "%s" : null;
}
"""


def build(server: Flask, hub: Any) -> Dash:
    """Puts the pages on a server.

    Args:
        server: the Flask app; its checks of token, host and origin stand before every page.
        hub: the dashboard's hub; kept as `app.hub`, for pages that bundles add.

    Returns:
        The Dash app.
    """
    flask: Any = server  # Dash takes one, though its types do not say so
    app: Any = Dash(
        "bidviz_dashboard",
        server=flask,
        assets_folder=str(STATIC / "assets"),
        index_string=INDEX.replace("ICON", ICON),
        title="BIDViz",
        update_title="",
        enable_mcp=False,
        suppress_callback_exceptions=True,  # the table is not there from the start
        serve_locally=True,
        use_pages=False,
        meta_tags=[
            {"name": "viewport", "content": "width=device-width, initial-scale=1"},
            {"name": "bidviz-table", "content": table_library()},
        ],
    )
    app.scripts.append_script(SCRIPT)
    app.css.append_css(STYLE)
    app.layout = html.Div(
        [
            dcc.Location(id="bidviz-location", refresh=False),
            html.Div(
                [
                    RunsPage(id="bidviz-runs-page"),
                    html.Main(id=f"{TABLE}-place", className="bv-runs-table"),
                ],
                id="bidviz-runs",
                className="bv-runs",
                style={"display": "none"},
            ),
            RunPage(id="bidviz-run-page"),
            ComparePage(id="bidviz-compare-page"),
            DiscoverPage(id="bidviz-discover-page"),
            ExtensionPage(id="bidviz-extension-page"),
        ]
    )
    app.clientside_callback(
        ROUTE,
        Output("bidviz-run-page", "run"),
        Output("bidviz-compare-page", "runs"),
        Output("bidviz-discover-page", "place"),
        Output("bidviz-runs", "style"),
        Input("bidviz-location", "pathname"),
    )
    app.clientside_callback(
        MAKE_TABLE % json.dumps(runs_table().to_plotly_json()),
        Output(f"{TABLE}-place", "children"),
        Input("bidviz-runs", "style"),
        State(f"{TABLE}-place", "children"),
    )
    app.clientside_callback(
        FEED_TABLE % TABLE,
        Output("bidviz-runs-page", "table"),
        Input("bidviz-runs", "style"),
        Input(f"{TABLE}-place", "children"),
    )
    app.clientside_callback(
        """(path) => (/^\\/page\\/([\\w-]+)\\/?$/.exec(path || "") || [])[1] || null""",
        Output("bidviz-extension-page", "path"),
        Input("bidviz-location", "pathname"),
    )
    app.clientside_callback(
        """function (clicked) {
          const chosen = clicked && clicked.rowId && clicked.colId !== "ag-Grid-SelectionColumn";
          if (chosen) window.bidviz_ui.openRun(clicked.rowId);
          return window.dash_clientside.no_update;
        }""",
        Output(TABLE, "cellClicked"),
        Input(TABLE, "cellClicked"),
        prevent_initial_call=True,
    )
    server.add_url_rule(f"{ADDRESS}/plotly.min.js", "bidviz_plotly", _plotly)
    server.add_url_rule(f"{ADDRESS}/terminal.<kind>", "bidviz_terminal", _terminal)
    server.add_url_rule(f"{ADDRESS}/vega.js", "bidviz_vega", _vega)
    extensions = Extensions()

    def list_extensions() -> Response:
        return Response(msgspec.json.encode(extensions.listing()), mimetype="application/json")

    def serve_extension(name: str) -> Response:
        path = extensions.file(name)
        if path is None:
            abort(404)
        return send_from_directory(path.parent, path.name, max_age=0)

    server.add_url_rule(f"{ADDRESS}/extensions.json", "bidviz_extensions", list_extensions)
    server.add_url_rule(f"{ADDRESS}/extensions/<path:name>", "bidviz_extension", serve_extension)
    app.hub = hub
    built: Dash = app
    return built


def _plotly() -> Response:
    """The drawing library of the installed plotly package, for charts that are opened."""
    return send_from_directory(PLOTLY, "plotly.min.js", max_age=86_400)


def _terminal(kind: str) -> Response:
    """The console's terminal, loaded when a console is opened."""
    if kind not in ("js", "css"):
        abort(404)
    return send_from_directory(STATIC, f"terminal.{kind}", max_age=0)


def _vega() -> Response:
    """Vega-Lite, loaded when a chart in its grammar is drawn."""
    return send_from_directory(STATIC, "vega.js", max_age=0)
