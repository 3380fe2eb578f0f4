"""What a check has to say: one line, and the way to mend it."""

from __future__ import annotations

from typing import Literal

from msgspec import Struct


class Finding(Struct, frozen=True, omit_defaults=True):
    """One thing that a check found.

    Args:
        about: what it belongs to: a metric, a policy, a chart, `"pyproject.toml"`.
        what: what is wrong, a sentence.
        mend: what to do about it, a sentence.
        level: `"finding"` is to be mended; a `"note"` is only to be known.
    """

    about: str
    what: str
    mend: str = ""
    level: Literal["finding", "note"] = "finding"

    def __str__(self) -> str:
        text = f"{'✗' if self.level == 'finding' else '·'} {self.about}: {self.what}"
        return " ".join(f"{text} {self.mend}".split())


def note(about: str, what: str, mend: str = "") -> Finding:
    """Something that is to be known and needs no mending."""
    return Finding(about, what, mend, "note")
