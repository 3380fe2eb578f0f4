"""Asks whoever listens at an address whether it is this user's dashboard."""

from __future__ import annotations

import http.client
import json
from typing import Literal, NamedTuple

from bidviz_core.endpoint import Endpoint
from bidviz_core.handshake import PRODUCT, mismatch
from bidviz_core.identity import LINK_VERSION, check_proof, load_secret, new_nonce, spell_address

#: Where a dashboard proves itself.
PATH = "/bidviz/proof"
_LARGEST = 4096


class Answer(NamedTuple):
    """Who listens at an address.

    Args:
        kind: `"dashboard"` (this user's, of this version), `"nobody"`, `"silent"` (no answer in time) or `"stranger"`.
        why: a sentence, where it is not ours.
        pid: the dashboard's process.
    """

    kind: Literal["dashboard", "nobody", "silent", "stranger"]
    why: str = ""
    pid: int = 0


def probe(host: str, port: int, timeout: float) -> Answer:
    """Asks for a proof.

    Args:
        host: the address.
        port: the port.
        timeout: seconds to wait for the connection, and for each part of the answer.

    Raises:
        LinkError: the user's secret cannot be trusted.
        OSError: it cannot be read.
    """
    where = Endpoint(host, port).url.removeprefix("http://")
    nonce = new_nonce()
    secret = load_secret()
    connection = http.client.HTTPConnection(host, port, timeout=timeout)
    try:
        connection.connect()
        address = spell_address(connection.sock.getpeername())
        connection.request("GET", f"{PATH}?nonce={nonce}", headers={"Connection": "close"})
        response = connection.getresponse()
        said = json.loads(response.read(_LARGEST)) if response.status == 200 else None
    except ConnectionRefusedError:
        return Answer("nobody", f"Nobody listens at {where}.")
    except TimeoutError:
        return Answer("silent", f"Whoever listens at {where} does not answer.")
    except (OSError, http.client.HTTPException, ValueError):
        said = None
    finally:
        connection.close()
    if not isinstance(said, dict) or said.get("product") != PRODUCT:
        return Answer("stranger", f"Somebody else's program is at {where}.")
    version, pid = said.get("version"), said.get("pid")
    theirs = f"{said.get('nonce')} {pid}"
    if not isinstance(version, int) or not check_proof(
        said.get("proof"), secret, "dashboard", nonce, theirs, address, version
    ):
        what = f"Whoever is at {where} pretends to be a dashboard of yours, but does not know your secret"
        return Answer("stranger", f"{what}. One with another state folder of yours (BIDVIZ_STATE_DIR) would not.")
    if version != LINK_VERSION:
        return Answer("stranger", mismatch(version))
    return Answer("dashboard", pid=pid if isinstance(pid, int) else 0)
