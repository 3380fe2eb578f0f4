"""What the training says to the worker and what the worker answers, and how both travel over pipes.

The training's messages are pickled: they hold the user's own functions, and come from the process that the worker
belongs to. The worker's answers are frames of numbers and text, which cannot do anything to the training.
"""

from __future__ import annotations

import os
import pickle
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Literal, NamedTuple, TypeAlias

from numpy.typing import NDArray

from bidviz_core.errors import BidvizError
from bidviz_core.frames import pack_frame
from bidviz_core.values import from_parts
from bidviz_core.worker.snapshot import Place

_LENGTH = 8
_LONGEST = 1 << 32


class Begin(NamedTuple):
    """The first message.

    Args:
        sys_path: the training's search path for modules.
        with_torch: whether the training uses torch, so that it is to be imported before metrics run.
        memory_limit: bytes the worker may take for itself beyond what it has once it is ready; 0 for no limit.
    """

    sys_path: list[str]
    with_torch: bool
    memory_limit: int


class Add(NamedTuple):
    """A metric joins.

    Args:
        id: its number, used once.
        name: its name.
        how: whether `payload` is source to be compiled, or a pickled function.
        payload: the source in UTF-8, or the pickle.
        code: the source as a person wrote it, for tracebacks.
        arguments: the names it asks for.
        modules: its pattern of modules, if it asks for activations.
        search: folders of the run's own bundles, in which it may find what it imports.
    """

    id: int
    name: str
    how: Literal["source", "pickle"]
    payload: bytes
    code: str
    arguments: tuple[str, ...]
    modules: str | None
    search: tuple[str, ...] = ()


class Remove(NamedTuple):
    """A metric leaves."""

    id: int


class Run(NamedTuple):
    """A snapshot was taken: run these metrics over it.

    Args:
        serial: the snapshot's number.
        step: the step it is of.
        metrics: the metrics' numbers.
        data: its arguments but for the tensors.
        places: where the tensors lie; none for "as before".
        size: the shared memory's size in bytes.
    """

    serial: int
    step: int
    metrics: tuple[int, ...]
    data: bytes
    places: list[Place] | None
    size: int


Command: TypeAlias = Begin | Add | Remove | Run


def pack_command(command: Command) -> bytes:
    """A command as it goes over the pipe."""
    return _with_length(pickle.dumps(command, pickle.HIGHEST_PROTOCOL))


def pack_answer(header: Mapping[str, Any], buffers: Sequence[NDArray[Any]] = ()) -> bytes:
    """An answer as it goes over the pipe: a frame whose header's `"type"` is `ready`, `result`, `failed` or `done`."""
    return _with_length(pack_frame(header, buffers))


def _with_length(data: bytes) -> bytes:
    return len(data).to_bytes(_LENGTH, "little") + data


def value_of(name: str, header: dict[str, Any], buffers: Sequence[NDArray[Any]]) -> Any:
    """What a metric returned, on the host, as its `result` answer says.

    Args:
        name: the metric's name.
        header: the answer's header.
        buffers: its buffers.
    """
    values: dict[str, Any] = dict(zip(header["names"], buffers[0].tolist(), strict=True))
    for array in header["arrays"]:
        parts = buffers[array["at"] : array["at"] + array["count"]]
        values[array["name"]] = from_parts(array["value"], parts)
    if not values:
        return None
    if list(values) == [name]:
        return values[name]
    return {series.removeprefix(f"{name}/"): value for series, value in values.items()}


class Incoming:
    """Bytes that came over a pipe, in pieces, and the messages in them."""

    def __init__(self) -> None:
        self._bytes = bytearray()

    def feed(self, data: bytes) -> Iterator[bytes]:
        """Takes a piece; gives the messages that are complete."""
        self._bytes += data
        while len(self._bytes) >= _LENGTH:
            end = _LENGTH + int.from_bytes(self._bytes[:_LENGTH], "little")
            if end > _LONGEST:
                raise BidvizError(f"Expected a message of at most {_LONGEST:,} bytes, got one of {end:,}.")
            if len(self._bytes) < end:
                return
            message = bytes(self._bytes[_LENGTH:end])
            del self._bytes[:end]
            yield message


def read_commands(descriptor: int) -> Iterator[Command]:
    """Waits for commands, one after the other, until the training has closed its end."""
    incoming = Incoming()
    while data := os.read(descriptor, 1 << 20):
        for message in incoming.feed(data):
            command: Command = pickle.loads(message)
            yield command
