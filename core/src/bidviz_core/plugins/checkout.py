"""Where the bundles that come with BIDViz lie: beside the code in a checkout, on an index otherwise."""

from __future__ import annotations

from pathlib import Path


def own_bundles() -> Path | None:
    """The folder of a checkout that holds them, one folder a bundle; none where core was installed from elsewhere."""
    folder = Path(__file__).resolve().parents[4] / "plugins"
    return folder if next(folder.glob("bidviz-*/pyproject.toml"), None) is not None else None


def what_to_install(bundle: str) -> str:
    """What pip is to be given for one of them: its folder in a checkout, its name otherwise."""
    folder = own_bundles()
    return str(folder / bundle) if folder is not None and (folder / bundle).is_dir() else bundle
