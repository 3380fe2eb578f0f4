"""`python -m bidviz_core.worker`, as the training starts it: two pipes and the shared memory are handed over."""

from __future__ import annotations

import sys

from bidviz_core.worker.runner import serve

if __name__ == "__main__":
    if len(sys.argv) != 4:
        sys.exit(
            "This is a part of BIDViz that a training starts for metrics with where='worker'; it is not a command."
        )
    serve(*map(int, sys.argv[1:]))
