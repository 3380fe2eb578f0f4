"""Takes a step's arguments apart into tensors, which are copied into shared memory, and the rest, which is pickled.

The pickle holds a number in place of each tensor or array, so it has a few kilobytes whatever the model's size. Views
over many tensors arrive as views, and whatever else a batch may be made of arrives as what it was.
"""

from __future__ import annotations

import io
import mmap
import pickle
import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple

import cloudpickle
import numpy as np

from bidviz_core.errors import MetricError
from bidviz_core.metrics.results import is_tensor
from bidviz_core.metrics.series import SeriesView
from bidviz_core.views import TensorView
from bidviz_core.worker.latest import LatestSeries
from bidviz_core.worker.memory import ALIGNMENT, HEADER, SharedMemory

if TYPE_CHECKING:
    from torch import Tensor


class Place(NamedTuple):
    """Where a tensor or array lies in the memory.

    Args:
        kind: `"torch"` or `"numpy"`.
        dtype: the data type's name.
        shape: the shape.
        offset: bytes from the memory's beginning.
        elements: how many there are.
    """

    kind: str
    dtype: str
    shape: tuple[int, ...]
    offset: int
    elements: int


class _Pickler(cloudpickle.Pickler):  # type: ignore[misc]
    """Sets tensors and arrays aside; classes and functions of the script's own go along by value."""

    def __init__(self, file: io.BytesIO) -> None:
        super().__init__(file, protocol=pickle.HIGHEST_PROTOCOL)
        self.parts: list[Any] = []
        self._known: dict[int, int] = {}

    def persistent_id(self, obj: Any) -> int | None:
        if type(obj) is str:  # most of what there is: the tensors' names
            return None
        if is_tensor(obj):
            return self._number(obj)
        if isinstance(obj, np.ndarray) and obj.dtype.kind in "biufc" and obj.dtype.isnative:
            return self._number(obj)
        return None

    def _number(self, part: Any) -> int:
        number = self._known.get(id(part))
        if number is None:
            number = self._known[id(part)] = len(self.parts)
            self.parts.append(part)
        return number

    def reducer_override(self, obj: Any) -> Any:
        if isinstance(obj, TensorView):
            return TensorView, (obj.names, obj.tensors)
        if isinstance(obj, SeriesView):
            return LatestSeries, ({name: series.last for name, series in obj.items()},)
        return super().reducer_override(obj)


class _Unpickler(pickle.Unpickler):
    """Puts the tensors back in their places."""

    def __init__(self, data: bytes, parts: Sequence[Any]) -> None:
        super().__init__(io.BytesIO(data))
        self._parts = parts

    def persistent_load(self, pid: int) -> Any:
        return self._parts[pid]


def take_apart(arguments: Mapping[str, Any]) -> tuple[bytes, list[Any]]:
    """Separates tensors and arrays from everything else.

    Args:
        arguments: what the metrics ask for, by name.

    Returns:
        The rest as bytes, and the tensors and arrays (as they are, not yet copied).

    Raises:
        MetricError: something in an argument cannot be sent to another process.
    """
    plain = {name: _plain(name, value) for name, value in arguments.items()}
    file = io.BytesIO()
    pickler = _Pickler(file)
    try:
        pickler.dump(plain)
    except Exception as error:
        raise MetricError(f"cannot be sent to the worker: {type(error).__name__}: {error}") from error
    return file.getvalue(), [_dense(part) for part in pickler.parts]


def is_refused(name: str, value: Any) -> bool:
    """Whether an argument cannot be sent to another process."""
    try:
        take_apart({name: value})
    except MetricError:
        return True
    return False


def put_together(data: bytes, parts: Sequence[Any]) -> dict[str, Any]:
    """Gives the arguments back, made of views of the shared memory."""
    arguments: dict[str, Any] = _Unpickler(data, parts).load()
    return arguments


def _plain(name: str, value: Any) -> Any:
    # The session's mapping of hyperparameters holds on to the optimizers.
    return dict(value) if name == "hyperparameters" and isinstance(value, Mapping) else value


def _dense(part: Any) -> Any:
    if not is_tensor(part):
        return part
    tensor: Tensor = part.detach() if part.requires_grad else part
    if tensor.is_quantized:
        tensor = tensor.dequantize()
    if tensor.layout is not sys.modules["torch"].strided:
        tensor = tensor.to_dense()
    # The training goes on before another thread has fetched it from its device.
    return tensor if tensor.is_cpu else tensor.clone()


def lay_out(parts: Sequence[Any]) -> tuple[list[Place], int]:
    """Gives each part its place.

    Returns:
        The places, and the size of the memory in bytes.
    """
    places = []
    offset = HEADER
    for part in parts:
        if is_tensor(part):
            kind, dtype, size, count = (
                "torch",
                str(part.dtype).removeprefix("torch."),
                part.element_size(),
                part.numel(),
            )
        else:
            kind, dtype, size, count = "numpy", part.dtype.str, part.itemsize, part.size
        places.append(Place(kind, dtype, tuple(part.shape), offset, count))
        offset += -(-size * count // ALIGNMENT) * ALIGNMENT
    return places, offset


def views_of(memory: mmap.mmap | None, places: Sequence[Place]) -> list[Any]:
    """Tensors and arrays that look into the memory at those places."""
    return [_view(memory, place) for place in places]


def _view(memory: mmap.mmap | None, place: Place) -> Any:
    if place.kind == "numpy":
        dtype = np.dtype(place.dtype)
        if not place.elements:
            return np.empty(place.shape, dtype)
        assert memory is not None
        return np.frombuffer(memory, dtype, place.elements, place.offset).reshape(place.shape)
    import torch

    kind = getattr(torch, place.dtype)
    if not place.elements:
        return torch.empty(place.shape, dtype=kind)
    assert memory is not None
    return torch.frombuffer(memory, dtype=kind, count=place.elements, offset=place.offset).reshape(place.shape)


def copy_parts(parts: Sequence[Any], views: Sequence[Any]) -> None:
    """Copies the parts into the memory; waits for their device where they are on one."""
    for part, view in zip(parts, views, strict=True):
        if isinstance(part, np.ndarray):
            np.copyto(view, part)
        else:
            view.copy_(part)


class Writer:
    """The training's side: takes snapshots into one piece of memory, used again and again.

    Args:
        memory: the memory.
    """

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self._places: list[Place] = []
        self._shapes: list[Any] = []
        self._views: list[Any] = []
        self.size = 0

    def prepare(self, parts: Sequence[Any]) -> tuple[list[Place], bool]:
        """Finds places for the parts; nothing is allocated when they are those of the last snapshot.

        Returns:
            The places, and whether they are other ones than before.

        Raises:
            OSError: there is not enough memory.
        """
        shapes = [(part.dtype, part.shape) for part in parts]
        new = shapes != self._shapes or not self.size
        if new:
            places, size = lay_out(parts)
            self._memory.reserve(size)
            self._places, self._views, self._shapes = places, views_of(self._memory.map, places), shapes
            self.size = size
        return self._places, new

    def write(self, parts: Sequence[Any]) -> None:
        """Copies the parts to the places that were prepared."""
        copy_parts(parts, self._views)

    def forget(self) -> None:
        """Lets go of the memory."""
        self._places, self._shapes, self._views = [], [], []


class Reader:
    """The worker's side.

    Args:
        memory: the memory.
    """

    def __init__(self, memory: SharedMemory) -> None:
        self._memory = memory
        self._places: list[Place] | None = None
        self._views: list[Any] = []

    def knows(self, places: list[Place] | None) -> bool:
        """Whether it is clear where the tensors of a snapshot lie."""
        return places is not None or self._places is not None

    def read(self, data: bytes, places: list[Place] | None, size: int) -> dict[str, Any]:
        """The arguments of a snapshot.

        Args:
            data: what `take_apart` gave.
            places: where the tensors lie, or none where they lie as before.
            size: the memory's size.
        """
        mapped_anew = self._memory.follow(size)
        if places is not None:
            self._places = places
        if mapped_anew or places is not None:
            self._views = views_of(self._memory.map, self._places or [])
        return put_together(data, self._views)
