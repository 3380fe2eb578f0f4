"""What this bundle gives to the dashboard: how a rose is drawn, and a page of roses."""

from pathlib import Path

import bidviz_core as bidviz

HERE = Path(__file__).parent


@bidviz.hookimpl
def register_renderers():
    """The kind of chart of this bundle."""
    return [bidviz.Renderer("rose.Rose", HERE / "rose.js", HERE / "rose.css")]


@bidviz.hookimpl
def register_pages():
    """The page of this bundle."""
    return [bidviz.Page("rose", "Roses", HERE / "page.js")]
