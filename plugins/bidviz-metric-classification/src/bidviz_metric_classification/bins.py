"""The bins of confidence, which charts name and the maths counts in."""

from __future__ import annotations

#: Bins of equal width over the confidence, from 0 to 1.
BINS = 10
BIN_NAMES = tuple(f"{number * 100 // BINS}–{(number + 1) * 100 // BINS} %" for number in range(BINS))
