"""A training that draws with a bundle's own kind of chart, and with one that no bundle here draws."""

from __future__ import annotations

import sys

import training

import bidviz_core as bidviz


@bidviz.metric(every=5, chart={"kind": "nobody.Here", "title": "Nobody's", "script": "page.js"})
def nobodys(loss: object) -> object:
    """The loss again."""
    return loss


if __name__ == "__main__":
    training.main(*sys.argv[1:], plugins=("bidviz-metric-rose",), metrics=(nobodys,))
