"""Who this user is on this machine: the folder that holds what is theirs alone, their secret, and the proof of it.

Anyone on a shared machine can listen on a port, or dial one. Before a token or a command passes, each side proves to
the other that it knows the user's secret. What is proven holds the nonces of both sides, who speaks (so that an answer
cannot be sent back to its sender) and the address that was dialed (so that an impostor on one port cannot pass the
questions on to the real dashboard on another).
"""

from __future__ import annotations

import hashlib
import hmac
import os
import secrets
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Literal, TypeAlias

from bidviz_core.errors import LinkError

#: The version of what session and dashboard say to each other; both must speak the same.
LINK_VERSION = 1

Role: TypeAlias = Literal["dashboard", "session"]
_SECRET_BYTES = 32


def state_folder() -> Path:
    """The user's state folder, made with mode 0700 where it is not there.

    Returns:
        `BIDVIZ_STATE_DIR` of the environment, or the platform's usual place.

    Raises:
        OSError: it cannot be made.
    """
    given = os.environ.get("BIDVIZ_STATE_DIR")
    if given:
        folder = Path(given).expanduser()
    else:
        import platformdirs

        folder = Path(platformdirs.user_state_dir("bidviz", appauthor=False))
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def load_secret() -> bytes:
    """The user's secret, made where there is none.

    Returns:
        32 bytes that only this user's processes can know.

    Raises:
        LinkError: others can read or replace the file, or it is not this user's, or it is damaged.
        OSError: it cannot be read or made.
    """
    path = state_folder() / "secret"
    data = read_private(path)
    if data is None:
        data = create_private(path, lambda: secrets.token_bytes(_SECRET_BYTES))
    if len(data) != _SECRET_BYTES:
        raise LinkError(f"{path} should hold {_SECRET_BYTES} bytes, got {len(data)}: remove it, and a new one is made.")
    return data


def read_private(path: Path) -> bytes | None:
    """Reads a file that must be its owner's alone.

    Args:
        path: the file.

    Returns:
        Its bytes, or none where there is no such file.

    Raises:
        LinkError: it belongs to somebody else, or others may read or write it.
    """
    try:
        descriptor = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0))
    except FileNotFoundError:
        return None
    with os.fdopen(descriptor, "rb") as file:
        about = os.fstat(file.fileno())
        if os.name == "posix":
            if about.st_uid != os.geteuid():
                raise LinkError(f"{path} belongs to user {about.st_uid}, expected {os.geteuid()}: remove it.")
            if stat.S_IMODE(about.st_mode) & 0o077:
                mode = oct(stat.S_IMODE(about.st_mode))[2:]
                raise LinkError(
                    f"Others can read {path} (its mode is {mode}, expected 600), so it is no secret any more: remove "
                    "it, and a new one is made."
                )
        return file.read()


def create_private(path: Path, make: Callable[[], bytes]) -> bytes:
    """Creates a file with mode 0600 unless another process was quicker.

    The content is complete before the name appears, so that no process ever reads half of it.

    Args:
        path: the file.
        make: gives the content.

    Returns:
        What the file holds, be it ours or the other process's.
    """
    content = make()
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    draft = _write_draft(path, content)
    try:
        os.link(draft, path)
    except FileExistsError:
        content = read_private(path) or b""
    except OSError:  # a file system without hard links; the last one wins, which is the same but for a race
        os.replace(draft, path)
        return content
    draft.unlink()
    return content


def replace_private(path: Path, content: bytes) -> None:
    """Replaces a file with mode 0600, at once: a reader sees the old content or the new."""
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    os.replace(_write_draft(path, content), path)


def _write_draft(path: Path, content: bytes) -> Path:
    draft = path.with_name(f".{path.name}.{os.getpid()}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(content)
    return draft


def new_nonce() -> str:
    """A number that is used once, as text."""
    return secrets.token_hex(16)


def prove(secret: bytes, role: Role, session_nonce: str, dashboard_nonce: str, address: str, version: int) -> str:
    """The proof that whoever speaks knows the secret.

    Args:
        secret: the user's.
        role: who speaks.
        session_nonce: the nonce of the side that dialed.
        dashboard_nonce: the nonce of the side that was dialed.
        address: the dashboard's end of this very connection, `"127.0.0.1:10001"`.
        version: the speaker's `LINK_VERSION`.

    Returns:
        It, as text.
    """
    said = "\n".join(["bidviz", str(version), role, session_nonce, dashboard_nonce, address])
    return hmac.new(secret, said.encode(), hashlib.sha256).hexdigest()


def check_proof(
    given: object, secret: bytes, role: Role, session_nonce: str, dashboard_nonce: str, address: str, version: int
) -> bool:
    """Whether `given` is what `prove` gives, compared in a time that tells nothing."""
    expected = prove(secret, role, session_nonce, dashboard_nonce, address, version)
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def spell_address(name: tuple[object, ...]) -> str:
    """A socket's name as `host:port`; IPv6 addresses stand in brackets, mapped IPv4 ones as IPv4."""
    host, port = str(name[0]).split("%")[0], name[1]
    host = host.removeprefix("::ffff:") if "." in host else host
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
