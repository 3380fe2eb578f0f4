"""A checkpoint's file: what it is about as JSON, the state without its tensors, the tensors' bytes, and a seal.

The file is written under another name and takes its own when all of it is on the disk; the seal at its end holds its
length and a digest, so that a file which was cut or changed is refused before anything is read from it. The state is a
pickle: like any pickle, a checkpoint is to be opened only from where one trusts code to come from.
"""

from __future__ import annotations

import hashlib
import os
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import msgspec

from bidviz_core.errors import CommandError

#: The end of a checkpoint file's name.
SUFFIX = ".checkpoint"
_MAGIC = b"BVCP0001"
_HEAD = struct.Struct("<8sQQQ")  # magic, bytes of: what it is about, state, tensors
_SEAL = struct.Struct("<Q16s8s")  # length of all before the seal, digest of that, magic
_PIECE = 4 << 20


class Contents(NamedTuple):
    """What a file holds.

    Args:
        about: plain data: step, epoch, time, label, run, and where each tensor lies.
        state: the pickled state, with tensors by number.
        tensors: the tensors' bytes, one after the other.
    """

    about: dict[str, Any]
    state: bytes
    tensors: Any  # whatever holds bytes


def write_file(path: Path, contents: Contents) -> int:
    """Writes a file, whole or not at all.

    Returns:
        Its size in bytes.

    Raises:
        OSError: the disk is full, or the folder cannot be written; nothing is left behind.
    """
    about = msgspec.json.encode(contents.about)
    tensors = memoryview(contents.tensors).cast("B") if len(contents.tensors) else memoryview(b"")
    head = _HEAD.pack(_MAGIC, len(about), len(contents.state), len(tensors))
    part = path.with_name(path.name + ".part")
    path.parent.mkdir(parents=True, exist_ok=True)
    digest = hashlib.blake2b(digest_size=16)
    size = 0
    try:
        with open(part, "wb", buffering=0) as file:
            for block in (memoryview(head), memoryview(about), memoryview(contents.state), tensors):
                for start in range(0, len(block), _PIECE):
                    piece = block[start : start + _PIECE]
                    digest.update(piece)
                    _write_all(file, piece)
                size += len(block)
            _write_all(file, memoryview(_SEAL.pack(size, digest.digest(), _MAGIC)))
            os.fsync(file.fileno())
        os.replace(part, path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size + _SEAL.size


def read_file(path: Path, allocate: Callable[[int], Any]) -> Contents:
    """Reads a file and checks it.

    Args:
        path: the file.
        allocate: gives a writable buffer of so many bytes for the tensors.

    Raises:
        CommandError: it is not there, is no checkpoint, or was cut or changed.
    """
    try:
        with open(path, "rb", buffering=0) as file:
            size = os.fstat(file.fileno()).st_size
            lengths = _lengths(path, file.read(_HEAD.size), size)
            digest = hashlib.blake2b(digest_size=16)
            file.seek(0)
            digest.update(file.read(_HEAD.size))
            about, state = bytearray(lengths[0]), bytearray(lengths[1])
            tensors = allocate(lengths[2])
            for block in (about, state, tensors):
                _read_all(file, memoryview(block).cast("B") if len(block) else memoryview(b""), digest)
            length, said, magic = _SEAL.unpack(file.read(_SEAL.size))
    except (OSError, struct.error) as error:
        raise CommandError(f"The checkpoint {path.name} cannot be read: {error}") from error
    if magic != _MAGIC or length != size - _SEAL.size or said != digest.digest():
        raise _damaged(path, "its bytes are not those that were written")
    return Contents(msgspec.json.decode(bytes(about)), bytes(state), tensors)


def read_about(path: Path) -> dict[str, Any]:
    """What a file says of itself, without its state; it is not checked as a whole.

    Raises:
        CommandError: it is not there, is no checkpoint, or was cut.
    """
    try:
        with open(path, "rb") as file:
            lengths = _lengths(path, file.read(_HEAD.size), os.fstat(file.fileno()).st_size)
            about: dict[str, Any] = msgspec.json.decode(file.read(lengths[0]))
    except (OSError, msgspec.DecodeError) as error:
        raise CommandError(f"The checkpoint {path.name} cannot be read: {error}") from error
    return about


def _lengths(path: Path, head: bytes, size: int) -> tuple[int, int, int]:
    if len(head) < _HEAD.size or head[:8] != _MAGIC:
        raise CommandError(f"{path.name} is no checkpoint of bidviz-core, or of another version of its format.")
    _, about, state, tensors = _HEAD.unpack(head)
    expected = _HEAD.size + about + state + tensors + _SEAL.size
    if size != expected:
        raise _damaged(path, f"it has {size:,} bytes instead of {expected:,}")
    return about, state, tensors


def _damaged(path: Path, why: str) -> CommandError:
    return CommandError(f"The checkpoint {path.name} is damaged: {why}. Nothing was changed; take another one.")


def _write_all(file: Any, piece: memoryview) -> None:
    while piece:
        piece = piece[file.write(piece) :]


def _read_all(file: Any, block: memoryview, digest: Any) -> None:
    at = 0
    while at < len(block):
        count = file.readinto(block[at : at + _PIECE])
        if not count:
            raise OSError("it ends early")
        digest.update(block[at : at + count])
        at += count
