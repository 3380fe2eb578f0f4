"""The demos: the scripts under `examples/`, found in a checkout and in an installed wheel alike."""

from __future__ import annotations

import runpy
import sys
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path

from bidviz_core.errors import BidvizError

#: What each demo trains, and what it imports that core does not bring.
DEMOS: dict[str, tuple[str, tuple[str, ...]]] = {
    "digits": ("a small convolutional net on handwritten digits", ("sklearn",)),
    "text": ("a character-level transformer on Python's help texts", ()),
    "kmeans": ("mini-batch k-means on the digits, without torch", ("sklearn",)),
    "sparse": ("a classifier of very sparse hashed text", ("sklearn",)),
    "rewind": ("a small net on the digits, in a loop that can be turned back", ("sklearn",)),
}

#: The bundle that has charts made for a demo's kind of learner.
BUNDLES = {"kmeans": "bidviz-metric-clustering", "sparse": "bidviz-metric-sparse"}


def demo_path(name: str) -> Path:
    """The script of a demo.

    Args:
        name: a key of `DEMOS`.

    Raises:
        BidvizError: there is no such demo, or this installation came without the scripts.
    """
    if name not in DEMOS:
        raise BidvizError(f"There is no demo {name!r}: choose one of {', '.join(DEMOS)}.")
    here = Path(__file__).resolve()
    # A wheel carries the scripts beside this module; a checkout has them at its root.
    for folder in (here.parent / "examples", here.parents[3] / "examples"):
        if (folder / f"{name}.py").is_file():
            return folder / f"{name}.py"
    raise BidvizError(f"The script of the demo {name!r} is missing from {here.parent}: install bidviz-core again.")


def bundle_for(name: str) -> str:
    """How to get the bundle that is made for a demo; empty where it is installed already, or where there is none."""
    bundle = BUNDLES.get(name, "")
    if not bundle or find_spec(bundle.replace("-", "_")) is not None:
        return ""
    from bidviz_core.plugins.checkout import what_to_install

    where = what_to_install(bundle)
    return f"more charts for this demo are in {bundle}: pip install --no-deps {where}, also while it runs."


def run_demo(name: str, arguments: Sequence[str] = ()) -> None:
    """Runs a demo as `python examples/<name>.py` would, in this process.

    Args:
        name: a key of `DEMOS`.
        arguments: the script's own arguments.

    Raises:
        BidvizError: there is no such demo, or something that it imports is not installed.
    """
    path = demo_path(name)
    missing = [package for package in DEMOS[name][1] if find_spec(package) is None]
    if missing:
        raise BidvizError(f"The demo {name!r} needs scikit-learn, which is missing: pip install 'bidviz-core[demo]'")
    if said := bundle_for(name):
        print(f"BIDViz: {said}", file=sys.stderr, flush=True)
    sys.argv = [str(path), *arguments]
    runpy.run_path(str(path), run_name="__main__")
