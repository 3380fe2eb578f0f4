"""A copy of everything a metric could spoil on a torch model, compared to the bit and put back in place.

Copies are taken of storages, not of tensors: that treats tied weights, views and every data type alike, compares NaN
and -0.0 by their bits, and leaves the tensors' version counters alone. Costs twice reading the model's memory.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

#: What of a module is a mapping that a metric could add to, take from or overwrite.
_REGISTERS = ("_parameters", "_buffers", "_modules")

_SWITCHES = (
    "the grad mode",
    "the default data type",
    "the number of threads",
    "the deterministic algorithms",
    "the deterministic algorithms",
    "the anomaly mode",
    "autocast",
    "autocast",
    "autocast",
    "autocast",
    "autocast",
)


def switches() -> tuple[Any, ...]:
    """torch's process-wide and thread-wide switches; 1 µs."""
    return (
        torch.is_grad_enabled(),
        torch.get_default_dtype(),
        torch.get_num_threads(),
        torch.are_deterministic_algorithms_enabled(),
        torch.is_deterministic_algorithms_warn_only_enabled(),
        torch.is_anomaly_enabled(),
        torch.is_autocast_cache_enabled(),
        torch.is_autocast_enabled("cpu"),
        torch.is_autocast_enabled("cuda"),
        torch.get_autocast_dtype("cpu"),
        torch.get_autocast_dtype("cuda"),
    )


def put_back_switches(kept: tuple[Any, ...]) -> list[str]:
    """Sets the switches to what `switches` gave, and names those that had changed."""
    changed = [name for name, old, new in zip(_SWITCHES, kept, switches(), strict=True) if old != new]
    grad, dtype, threads, deterministic, warn_only, anomaly, cache, cpu, cuda, cpu_dtype, cuda_dtype = kept
    torch.set_grad_enabled(grad)
    torch.set_default_dtype(dtype)
    if torch.get_num_threads() != threads:
        torch.set_num_threads(threads)
    torch.use_deterministic_algorithms(deterministic, warn_only=warn_only)
    torch.autograd.set_detect_anomaly(anomaly, torch.is_anomaly_check_nan_enabled())
    torch.set_autocast_cache_enabled(cache)
    torch.set_autocast_enabled("cpu", cpu)
    torch.set_autocast_enabled("cuda", cuda)
    torch.set_autocast_dtype("cpu", cpu_dtype)
    torch.set_autocast_dtype("cuda", cuda_dtype)
    return list(dict.fromkeys(changed))


def contents(model: nn.Module | Sequence[Tensor]) -> tuple[dict[str, nn.Module], dict[str, Tensor]]:
    """The modules, and the parameters and buffers that hold values, by qualified name."""
    if not isinstance(model, nn.Module):
        return {}, {f"tensor {index}": tensor for index, tensor in enumerate(model)}
    named: dict[str, Tensor] = {**dict(model.named_parameters()), **dict(model.named_buffers())}
    real = {name: tensor for name, tensor in named.items() if not nn.parameter.is_lazy(tensor) and not tensor.is_meta}
    return dict(model.named_modules()), real


class _Place(NamedTuple):
    """A tensor as it was: the object, another handle on its memory, and what else belongs to it."""

    name: str
    tensor: Tensor
    alias: Tensor
    layout: tuple[Any, ...]
    requires_grad: bool
    grad: Tensor | None


class _Copied(NamedTuple):
    """A storage, its size in bytes, and the bytes it held."""

    names: list[str]
    storage: torch.UntypedStorage
    size: int
    saved: Tensor


class ModelCopy:
    """Takes the copy when made; it stays good for as long as `put_back` finds nothing changed.

    Args:
        model: the model or tensors.
        named: its tensors, as `contents` gives them.
        spare: memory that earlier copies gave back, by its size; this one takes what fits.
    """

    def __init__(
        self,
        model: nn.Module | Sequence[Tensor],
        named: Mapping[str, Tensor],
        spare: dict[int, list[Tensor]] | None = None,
    ) -> None:
        self._spare = spare or {}
        self._registers: list[tuple[str, dict[str, Any], dict[str, Any]]] = []
        if isinstance(model, nn.Module):
            for name, module in model.named_modules():
                for register in _REGISTERS:
                    present = getattr(module, register)
                    self._registers.append((name, present, dict(present)))
        tensors = tuple(tensor for tensor in named.values() if not tensor.is_inference())
        # A metric's write bumps the counters, and a graph that the script still holds would refuse to run backward.
        self._counters = torch.autograd._unsafe_preserve_version_counter(tensors)  # type: ignore[attr-defined]
        self._places = [_place(name, tensor) for name, tensor in named.items()]
        self._copied: dict[int, _Copied] = {}
        self._places += [_place(_gradient(p.name), p.grad) for p in self._places if p.grad is not None]
        for place in self._places:
            self._copy(place.name, place.alias)

    def _copy(self, name: str, tensor: Tensor) -> None:
        for part in _parts(tensor.detach()):
            storage = part.untyped_storage()
            if not storage.nbytes():
                continue
            known = self._copied.get(storage.data_ptr())
            if known is not None:
                known.names.append(name)
            else:
                saved = _kept(_bytes_of(storage), self._spare)
                self._copied[storage.data_ptr()] = _Copied([name], storage, storage.nbytes(), saved)

    def give_up(self) -> dict[int, list[Tensor]]:
        """Ends the copy, and gives back its memory by size; the CPU's, where fresh memory costs more than copying."""
        spare: dict[int, list[Tensor]] = {}
        for copied in self._copied.values():
            if copied.saved.device.type == "cpu":
                spare.setdefault(len(copied.saved), []).append(copied.saved)
        self._copied.clear()
        return spare

    def put_back(self) -> list[str]:
        """Puts back what differs, and names it."""
        changes: list[str] = []
        for owner, present, before in self._registers:
            if len(present) != len(before) or any(present.get(key) is not value for key, value in before.items()):
                keys = sorted(k for k in {*present, *before} if present.get(k) is not before.get(k))
                changes += [f"{owner}.{key}" if owner else key for key in keys]
                present.clear()
                present.update(before)
        for place in self._places:
            changes += _put_back_place(place)
        for copied in self._copied.values():
            resized = copied.storage.nbytes() != copied.size
            if resized:
                copied.storage.resize_(copied.size)
            if resized or not same_bytes(_bytes_of(copied.storage), copied.saved):
                _bytes_of(copied.storage).copy_(copied.saved)
                changes += copied.names
        if changes:
            self._counters.__exit__(None, None, None)
        return list(dict.fromkeys(changes))


def copy_of(
    model: nn.Module | Sequence[Tensor], named: Mapping[str, Tensor], spare: dict[int, list[Tensor]] | None = None
) -> ModelCopy | None:
    """A `ModelCopy`, or none where there is no memory for it."""
    try:
        return ModelCopy(model, named, spare)
    except (torch.OutOfMemoryError, MemoryError):
        return None


def _kept(values: Tensor, spare: dict[int, list[Tensor]]) -> Tensor:
    """A copy of bytes, in spare memory if there is some that fits."""
    fitting = spare.get(len(values)) if values.device.type == "cpu" else None
    return fitting.pop().copy_(values) if fitting else values.clone()


def _place(name: str, tensor: Tensor) -> _Place:
    grad = tensor.grad if tensor.is_leaf else None
    return _Place(name, tensor, tensor.detach(), _layout(tensor), tensor.requires_grad, grad)


def _put_back_place(place: _Place) -> Iterator[str]:
    tensor = place.tensor
    if _layout(tensor) != place.layout:
        tensor.data = place.alias
        yield place.name
    if not tensor.is_leaf:
        return
    if tensor.requires_grad != place.requires_grad:
        tensor.requires_grad_(place.requires_grad)
        yield f"requires_grad of {place.name}"
    if tensor.grad is not place.grad:
        tensor.grad = place.grad
        yield _gradient(place.name)


def _gradient(name: str) -> str:
    return f"the gradient of {name}"


def _layout(tensor: Tensor) -> tuple[Any, ...]:
    parts = _parts(tensor.detach())
    return tensor.dtype, tensor.shape, *((part.data_ptr(), part.stride(), part.shape) for part in parts)


def _parts(tensor: Tensor) -> tuple[Tensor, ...]:
    """The plain tensors that hold a tensor's values."""
    if tensor.layout is torch.strided:
        return (tensor,)
    if tensor.layout is torch.sparse_coo:
        return tensor._indices(), tensor._values()  # the public ones refuse what is not coalesced
    if tensor.layout in (torch.sparse_csr, torch.sparse_bsr):
        return tensor.crow_indices(), tensor.col_indices(), tensor.values()
    if tensor.layout in (torch.sparse_csc, torch.sparse_bsc):
        return tensor.ccol_indices(), tensor.row_indices(), tensor.values()
    return ()


def same_bytes(one: Tensor, other: Tensor) -> bool:
    """Whether two rows of bytes of one length are alike: `uint8`, each the whole of a storage.

    Eight bytes are compared at once, which takes a quarter of the time that single ones do (measured on a CPU).
    """
    aligned = not (one.data_ptr() | other.data_ptr()) % 8
    whole = len(one) // 8 * 8 if aligned else 0
    if not whole:
        return torch.equal(one, other)
    return torch.equal(one[:whole].view(torch.int64), other[:whole].view(torch.int64)) and torch.equal(
        one[whole:], other[whole:]
    )


def _bytes_of(storage: torch.UntypedStorage) -> Tensor:
    # A tensor of its own over the same memory: writing to it moves nobody else's version counter.
    return torch.empty(0, dtype=torch.uint8, device=storage.device).set_(storage)
