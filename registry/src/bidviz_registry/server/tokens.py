"""Tokens: each a line of a file that only its owner can read."""

from __future__ import annotations

import hmac
import secrets
from dataclasses import dataclass
from pathlib import Path

from bidviz_core.errors import LinkError
from bidviz_core.identity import create_private, read_private
from bidviz_registry.server.refusals import RegistryError

#: The user name that goes with a token, as on PyPI.
USER = "__token__"
_SHORTEST = 16


@dataclass(frozen=True)
class TokenFile:
    """A file with one token a line; empty lines and those that begin with `#` are comments.

    It is read at every use, so that a token can be added or taken away while the registry runs.

    Args:
        path: the file.
    """

    path: Path

    def prepare(self) -> None:
        """Makes the file with one token where it is not there.

        Raises:
            RegistryError: others can read it, it cannot be read or made, or it holds no token.
        """
        try:
            if read_private(self.path) is None:
                create_private(self.path, lambda: f"{secrets.token_urlsafe(32)}\n".encode())
            known = self._lines()
        except (OSError, LinkError) as error:
            raise RegistryError(f"The token file {self.path} cannot be used: {error}") from error
        if not known:
            raise RegistryError(
                f"{self.path} holds no token of {_SHORTEST} characters or more: remove it, or write one."
            )

    def holds(self, given: str) -> bool:
        """Whether a text is one of the tokens, compared in a time that tells nothing."""
        try:
            known = self._lines()
        except (OSError, LinkError):
            return False  # what others can read or replace is no secret
        same = [hmac.compare_digest(token, given.encode()) for token in known]  # every one, whichever fits
        return any(same)

    def _lines(self) -> list[bytes]:
        lines = [line.strip() for line in (read_private(self.path) or b"").splitlines()]
        return [line for line in lines if len(line) >= _SHORTEST and not line.startswith(b"#")]
