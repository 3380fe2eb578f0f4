"""The first words of a session and a dashboard: versions, and the proof from both sides that they are one user's."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

from bidviz_core.errors import LinkError
from bidviz_core.identity import LINK_VERSION, check_proof, load_secret, new_nonce, prove, spell_address

PRODUCT = "bidviz"


def greet_dashboard(ask: Callable[[bytes], bytes], peer: tuple[object, ...]) -> None:
    """The session's side.

    Args:
        ask: sends a message and gives the answer.
        peer: the dashboard's end of the connection, as this side dialed it.

    Raises:
        LinkError: the other side is no dashboard of this user's, or of another version.
        OSError: the user's secret cannot be read.
    """
    secret, address = load_secret(), spell_address(peer)
    mine = new_nonce()
    answer = _read(ask(json.dumps({"product": PRODUCT, "version": LINK_VERSION, "nonce": mine}).encode()))
    theirs, version = str(answer.get("nonce")), answer.get("version")
    if not isinstance(version, int) or not check_proof(
        answer.get("proof"), secret, "dashboard", mine, theirs, address, version
    ):
        raise LinkError(f"Whoever listens at {address} is no dashboard of yours: it does not know your secret.")
    if version != LINK_VERSION:
        raise LinkError(mismatch(version))
    proof = prove(secret, "session", mine, theirs, address, LINK_VERSION)
    if _read(ask(json.dumps({"proof": proof}).encode())).get("welcome") is not True:
        raise LinkError(f"The dashboard at {address} refuses this session.")


def mismatch(version: int) -> str:
    """The sentence about a dashboard of another version of the link."""
    older = "dashboard" if version < LINK_VERSION else "session"
    return (
        f"The dashboard speaks version {version} of the link, this session version {LINK_VERSION}: upgrade the {older} "
        "(bidviz-core and bidviz-dashboard belong together)."
    )


def answer_session(
    hello: bytes | str, local: tuple[object, ...], secret: bytes
) -> tuple[bytes, Callable[[bytes | str], bool]]:
    """The dashboard's side.

    Args:
        hello: the session's first message.
        local: this side's end of the connection, as the operating system names it.
        secret: the user's.

    Returns:
        The answer to send, and what judges the session's second message.

    Raises:
        LinkError: the message is no greeting.
    """
    greeting = _read(hello)
    if greeting.get("product") != PRODUCT or not isinstance(greeting.get("nonce"), str):
        raise LinkError('Expected {"product": "bidviz", "version": …, "nonce": …} as the first message.')
    address = spell_address(local)
    theirs, mine = greeting["nonce"], new_nonce()
    proof = prove(secret, "dashboard", theirs, mine, address, LINK_VERSION)
    answer = json.dumps({"product": PRODUCT, "version": LINK_VERSION, "nonce": mine, "proof": proof}).encode()

    def judge(second: bytes | str) -> bool:
        return check_proof(_read(second).get("proof"), secret, "session", theirs, mine, address, LINK_VERSION)

    return answer, judge


def _read(message: bytes | str) -> dict[str, Any]:
    try:
        found = json.loads(message)
    except ValueError:
        found = None
    if not isinstance(found, dict):
        raise LinkError("Expected a JSON object in the handshake; the other side is no BIDViz of this version.")
    return found
