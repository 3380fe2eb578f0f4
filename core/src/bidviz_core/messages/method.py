"""What every command has in common."""

from __future__ import annotations

from msgspec import Struct


class Method(Struct, tag_field="methodName", frozen=True):
    """What every method has in common: `content`, typed by the heir."""


def method_name(command: Method) -> str:
    """The `methodName` of a command."""
    return str(type(command).__struct_config__.tag)
