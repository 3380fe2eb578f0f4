"""What a bundle is called: its distribution, its package, and the short name before its metrics."""

from __future__ import annotations

import keyword
import re
from typing import Literal, NamedTuple, TypeAlias

from bidviz_core.errors import BidvizError

Kind: TypeAlias = Literal["metric", "policy"]
#: Names that the written modules use themselves.
_TAKEN = frozenset({"bidviz", "torch", "np", "numpy", "math", "charts_of", "charts", "none", "true", "false"})
_SHORT = re.compile(r"[a-z0-9]+(-[a-z0-9]+)*")


class BundleName(NamedTuple):
    """The names of one bundle.

    Args:
        kind: `"metric"` or `"policy"`.
        short: what is its own (`"sharpness"`).
    """

    kind: Kind
    short: str

    @property
    def distribution(self) -> str:
        """`bidviz-metric-sharpness`."""
        return f"bidviz-{self.kind}-{self.short}"

    @property
    def package(self) -> str:
        """`bidviz_metric_sharpness`."""
        return self.distribution.replace("-", "_")


def bundle_name(text: str, kind: Kind = "metric") -> BundleName:
    """Reads a bundle's name: all of it (`bidviz-metric-sharpness`) or its own part (`sharpness`).

    Args:
        text: what a person typed.
        kind: what it is where the name does not say so.

    Raises:
        BidvizError: it is no name.
    """
    plain = re.sub(r"[-_.\s/]+", "-", text.strip().lower()).strip("-")
    for one in ("metric", "policy"):
        if plain.startswith(f"bidviz-{one}-"):
            kind, plain = one, plain.removeprefix(f"bidviz-{one}-")
    if not _SHORT.fullmatch(plain) or plain.startswith("bidviz"):
        raise BidvizError(
            f"A bundle's name is of letters, digits and hyphens, got {text!r}: write one like 'sharpness', "
            f"which makes bidviz-{kind}-sharpness."
        )
    if len(plain) > 60:
        raise BidvizError(f"A bundle's name has at most 60 characters of its own, got {len(plain)}: shorten it.")
    return BundleName(kind, plain)


def identifier(text: str) -> str:
    """A name of Python's for a metric's name (`grad/norm 2` → `grad_norm_2`)."""
    plain = re.sub(r"\W+", "_", text, flags=re.ASCII).strip("_").lower() or "metric"
    return f"metric_{plain}" if plain[0].isdigit() or keyword.iskeyword(plain) or plain in _TAKEN else plain
