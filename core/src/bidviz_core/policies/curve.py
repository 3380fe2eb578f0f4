"""What a preview or a dry run gives: a curve over steps, and what is to be known of it."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray


class Curve(NamedTuple):
    """A curve over steps.

    Args:
        step: the steps; a value is in force from that step's boundary on, used by the update after it.
        value: the values; NaN where there is none yet.
        note: sentences about it: what was held still, where it would have been disarmed.
    """

    step: NDArray[np.int64]
    value: NDArray[np.float64]
    note: str = ""

    def columns(self) -> dict[str, Any]:
        """It as JSON takes it."""
        values = [value if value == value else "NaN" for value in self.value.tolist()]
        return {"step": self.step.tolist(), "value": values, "note": self.note}
