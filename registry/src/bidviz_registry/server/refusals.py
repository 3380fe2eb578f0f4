"""What a registry says when it does not do what was asked."""

from __future__ import annotations

from bidviz_core.errors import BidvizError


class RegistryError(BidvizError):
    """A registry cannot be run or asked."""


class Refused(RegistryError):
    """A request is refused.

    Args:
        message: what was got, what was expected, what to do.
        status: the HTTP status that goes with it.
    """

    def __init__(self, message: str, status: int = 400) -> None:
        super().__init__(message)
        self.status = status
