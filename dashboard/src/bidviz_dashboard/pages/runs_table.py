"""The columns of the runs table; the functions they name are in the bundle (`dashboard/ui/runs/table.js`)."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import dash_ag_grid
from dash.fingerprint import build_fingerprint
from dash_ag_grid import AgGrid

TABLE = "bidviz-runs-table"


def table_library() -> str:
    """The address of the table's library, which from now on no page loads by itself: it is the largest of all."""
    library = dash_ag_grid._js_dist[0]
    library["dynamic"] = True  # Dash serves it, and puts it into no page
    file = library["relative_package_path"]
    changed = int((Path(dash_ag_grid.__file__).parent / file).stat().st_mtime)
    fingerprint: Any = build_fingerprint  # Dash gives it no types
    named = fingerprint(file, dash_ag_grid.__version__, changed)
    return f"/_dash-component-suites/{library['namespace']}/{named}"


def runs_table() -> AgGrid:
    """The table of runs, empty until the page's connection feeds it."""
    return AgGrid(
        id=TABLE,
        columnDefs=COLUMNS,
        rowData=[],
        getRowId="params.data.id",
        defaultColDef={"sortable": True, "filter": True, "resizable": True, "minWidth": 80, "flex": 1},
        dashGridOptions={
            "theme": "themeQuartz",
            "rowHeight": 36,
            "headerHeight": 34,
            "animateRows": False,
            "suppressCellFocus": False,
            "rowSelection": {"mode": "multiRow", "headerCheckbox": False, "enableClickSelection": False},
            "tooltipShowDelay": 300,
        },
        style={"height": "100%"},
    )


def _number(field: str, title: str, shown: str, **more: Any) -> dict[str, Any]:
    formatter = {"function": f"{shown}(params.value)"}
    column = {
        "field": field,
        "headerName": title,
        "valueFormatter": formatter,
        "cellClass": "bv-number",
        "type": "rightAligned",
        "filter": "agNumberColumnFilter",
    }
    return column | more


COLUMNS: list[dict[str, Any]] = [
    {
        "field": "state",
        "headerName": "State",
        "cellRenderer": "BidvizState",
        "comparator": {"function": "bidvizStateOrder"},
        "flex": 0,
        "width": 116,
    },
    {"field": "name", "headerName": "Name", "cellRenderer": "BidvizRunLink", "flex": 2, "minWidth": 120},
    {
        "field": "sentence",
        "headerName": "Detail",
        "cellRenderer": "BidvizSentence",
        "tooltipField": "sentence",
        "sortable": False,
        "flex": 3,
    },
    _number("step", "Step", "bidvizCount", flex=0, width=116),
    _number("speed", "Speed", "bidvizSpeed", flex=0, width=128),
    _number(
        "loss",
        "Last loss",
        "bidvizNumber",
        tooltipValueGetter={"function": "bidvizExact(params.value)"},
        flex=0,
        width=124,
    ),
    _number(
        "started",
        "Age",
        "bidvizAge",
        tooltipValueGetter={"function": "bidvizTime(params.value)"},
        sort="desc",
        flex=0,
        width=112,
    ),
    {"field": "program", "headerName": "Program", "minWidth": 112},
    {"field": "host", "headerName": "Machine", "minWidth": 112},
]
