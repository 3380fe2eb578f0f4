"""Finds the fenced code of a Markdown page."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).parents[2]
PAGES = [ROOT / "README.md", ROOT / "CONTRIBUTING.md", *sorted((ROOT / "docs").glob("*.md"))]

_FENCE = re.compile(r"^```(?P<language>\w+)?(?P<options>[^\n]*)\n(?P<code>.*?)^```$", re.MULTILINE | re.DOTALL)


class Snippet(NamedTuple):
    """A fenced block.

    Args:
        page: the page's file.
        line: the line of its code, from 1.
        language: what stands behind the fence.
        options: what stands behind that (`title="…"`).
        code: the code.
    """

    page: Path
    line: int
    language: str
    options: str
    code: str


def snippets(page: Path, language: str) -> list[Snippet]:
    """The blocks of a page in one language, in their order."""
    text = page.read_text(encoding="utf-8")
    return [
        Snippet(page, text.count("\n", 0, found.start()) + 2, language, found["options"], found["code"])
        for found in _FENCE.finditer(text)
        if found["language"] == language
    ]
