"""What a browser is shown: the runs at `/`, a run at `/run/<id>`.

`site` puts the Dash app together, `components` says what the bundle in `static/` gives to it, `runs_table` is the
table.
"""

from bidviz_dashboard.pages.site import build

__all__ = ["build"]
