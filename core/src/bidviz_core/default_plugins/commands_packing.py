"""A bundle that was written on the training's machine comes to the browser as one file."""

from __future__ import annotations

import base64
from pathlib import Path
from typing import TYPE_CHECKING, Any

from bidviz_core.control.reply import Reply
from bidviz_core.hookspecs import hookimpl
from bidviz_core.messages.bundles import PackBundle
from bidviz_core.messages.commands import Method, Order
from bidviz_core.sharing.packing import pack_bundle

if TYPE_CHECKING:
    from bidviz_core.session import Session


def pack(session: Session, order: Order) -> Reply:
    """The bundle's folder as a zip in base64; runs on the service thread, the training goes on."""
    assert isinstance(order.command, PackBundle)
    name, data = pack_bundle(Path(order.command.content.folder).expanduser())
    return Reply(True, {"name": name, "zip": base64.b64encode(data).decode()})


@hookimpl
def register_commands() -> dict[type[Method], Any]:
    """The handler of this module."""
    return {PackBundle: pack}
