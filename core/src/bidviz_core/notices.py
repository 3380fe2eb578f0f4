"""What BIDViz says to the person at the terminal: few sentences, through the standard library's logging."""

from __future__ import annotations

import logging

#: A script may silence or redirect it like any logger; without configuration it prints warnings to standard error.
logger = logging.getLogger("bidviz")


def notice(sentence: str) -> None:
    """Tells the person something that they should act on. Never raises, also where warnings are errors."""
    logger.warning("BIDViz: %s", sentence)
