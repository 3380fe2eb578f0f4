"""A training that the rules of a bundle watch, but for those that a busy machine may give reason to fire."""

from __future__ import annotations

import sys

import training

import bidviz_metric_health

if __name__ == "__main__":
    bidviz_metric_health.configure(StalledDataLoader=False, Plateau=False)
    training.main(*sys.argv[1:], plugins=("bidviz-metric-health",))
