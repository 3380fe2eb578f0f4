"""The licences that a written bundle can carry with their text; others are named."""

from __future__ import annotations

import time
from importlib.resources import files

from packaging.licenses import InvalidLicenseExpression, canonicalize_license_expression

from bidviz_core.errors import BidvizError

DEFAULT = "Apache-2.0"
_TEXTS = ("Apache-2.0", "MIT", "BSD-3-Clause")


def licence_of(expression: str) -> str:
    """An SPDX expression in its usual spelling; the default for an empty one.

    Raises:
        BidvizError: it is none.
    """
    try:
        return str(canonicalize_license_expression(expression.strip() or DEFAULT))
    except InvalidLicenseExpression:
        raise BidvizError(
            f"{expression!r} is no licence that SPDX knows: write one like {', '.join(_TEXTS)}."
        ) from None


def licence_text(expression: str, author: str) -> str:
    """The text of a licence, with the year and whose it is; for a rarer one where its text is found."""
    if expression in _TEXTS:
        text = (files("bidviz_core.sharing") / "licences" / f"{expression}.txt").read_text("utf-8")
        return text.replace("<year>", time.strftime("%Y")).replace("<holder>", author or "the authors")
    return (
        f"This package is licensed under {expression}, SPDX's name for its licence.\n"
        f"The text is at https://spdx.org/licenses/{expression.split()[0]}.html; put it here before you publish.\n"
    )
