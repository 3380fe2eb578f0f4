"""Views over many tensors at once, with fused operations: what metrics get as `params`, `grads` and `updates`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

if TYPE_CHECKING:
    import torch
    from torch import Tensor

Result = TypeVar("Result")

#: Up to so many norms are read one by one.
_FEW = 16


class TensorView(Mapping[str, "Tensor"]):
    """A read-only mapping of qualified names to tensors, with operations over all of them in few kernels.

    The tensors are made when somebody first asks, and norms are computed once however many metrics ask.

    Args:
        names: n qualified names (`"conv1.weight"`).
        tensors: n tensors (any shape and floating dtype), or a callable that gives them, possibly with a shorter
            list of names where some have no value (a parameter without a gradient).
        known: gives the Euclidean norms where they come along with something else, or none where they do not; called
            when somebody first asks for norms.
    """

    __slots__ = ("_host_norms", "_index", "_known", "_make", "_names", "_norms", "_once", "_tensors")

    def __init__(
        self,
        names: Sequence[str],
        tensors: Sequence[Tensor] | Callable[[], tuple[Sequence[str], Sequence[Tensor]]],
        known: Callable[[], list[float] | None] | None = None,
    ) -> None:
        self._known = known
        self._index: dict[str, Tensor] | None = None
        self._norms: Tensor | None = None
        self._once: dict[Callable[[TensorView], Any], Any] | None = None
        self._host_norms: list[float] | None = None
        self._names: Sequence[str] = names
        self._make: Callable[[], tuple[Sequence[str], Sequence[Tensor]]] | None = None
        self._tensors: Sequence[Tensor] | None = None
        if callable(tensors):
            self._make = tensors
        else:
            self._tensors = tensors

    def _made(self) -> Sequence[Tensor]:
        if self._tensors is None:
            assert self._make is not None
            self._names, self._tensors = self._make()
            self._make = None
        return self._tensors

    @property
    def names(self) -> tuple[str, ...]:
        """The qualified names, in the order of the tensors."""
        if self._tensors is None:
            self._made()
        return tuple(self._names)

    @property
    def tensors(self) -> list[Tensor]:
        """The tensors, detached, in the order of the names."""
        return list(self._made())

    def norms(self, order: float = 2.0) -> Tensor:
        """The norm of each tensor, computed by one fused call and kept for the step.

        Args:
            order: which norm; 2 is the Euclidean one.

        Returns:
            A vector of n norms in float32 (float64 where a tensor is), in the order of `names`.
        """
        if order == 2.0 and self._norms is not None:
            return self._norms
        import torch

        if order == 2.0 and self._known is not None and (known := self._ask()) is not None:
            self._norms = torch.tensor(known)
            return self._norms
        tensors = [_strided(tensor) for tensor in self._made()]
        if not tensors:
            return torch.zeros(0)
        # Sixteen-bit tensors are summed in float32: their own range and precision end too soon.
        norms = torch._foreach_norm(list(tensors), order, dtype=_norm_dtype(tensors))
        result = torch.stack([norm.to(tensors[0].device) for norm in norms]) if _mixed(tensors) else torch.stack(norms)
        if order == 2.0:
            self._norms = result
        return result

    def host_norms(self) -> list[float]:
        """The Euclidean norm of each tensor as numbers, computed once for the step; waits for tensors of a device.

        Returns:
            n norms, in the order of `names`.
        """
        if self._host_norms is None and self._known is not None:
            self._ask()
        if self._host_norms is None:
            tensors = self._tensors
            if tensors is None:
                tensors = self._made()
            norms = _norms_of_few(tensors) if self._norms is None and len(tensors) <= _FEW else None
            self._host_norms = self.norms().tolist() if norms is None else norms
        return self._host_norms

    def _ask(self) -> list[float] | None:
        if self._host_norms is None and self._known is not None:
            known, self._known = self._known, None
            self._host_norms = known()
        return self._host_norms

    @property
    def has_norms(self) -> bool:
        """Whether somebody has asked for Euclidean norms."""
        return self._norms is not None or self._host_norms is not None

    def once(self, function: Callable[[TensorView], Result]) -> Result:
        """Calls a function with this view, once for the step however many metrics ask, and gives what it returned.

        Args:
            function: the same object each time, as a module's own functions are.
        """
        if self._once is None:
            self._once = {}
        if function not in self._once:
            self._once[function] = function(self)
        result: Result = self._once[function]
        return result

    def norm(self, order: float = 2.0) -> Tensor:
        """The norm of all tensors together, as a 0-d tensor."""
        norms = self.norms(order)
        if not len(norms):
            return norms.sum()
        import torch

        total: Tensor = torch.linalg.vector_norm(norms, order)
        return total

    def flat(self) -> Tensor:
        """All values as one new vector, in the order of `names`."""
        import torch

        tensors = [_dense(tensor).reshape(-1) for tensor in self._made()]
        return torch.cat(tensors) if tensors else torch.zeros(0)

    def __getitem__(self, name: str) -> Tensor:
        if self._index is None:
            tensors = self._made()
            self._index = dict(zip(self._names, tensors, strict=True))
        try:
            return self._index[name]
        except KeyError:
            from difflib import get_close_matches

            near = get_close_matches(name, self._index, 3)
            hint = f"did you mean {', '.join(near)}?" if near else f"there are {', '.join(list(self._index)[:8])}."
            raise KeyError(f"There is no tensor {name!r} here; {hint}") from None

    def __iter__(self) -> Iterator[str]:
        return iter(self.names)

    def __len__(self) -> int:
        return len(self._made())

    def __repr__(self) -> str:
        return f"<TensorView of {len(self)} tensors: {', '.join(self.names[:4])}{', …' if len(self) > 4 else ''}>"


def _dense(tensor: Tensor) -> Tensor:
    return tensor.to_dense() if tensor.layout != _strided_layout() else tensor


def _strided(tensor: Tensor) -> Tensor:
    # A sparse gradient's norm is that of its coalesced values.
    if tensor.is_sparse:
        return tensor.coalesce().values()
    return tensor


#: What `_ordinary` gives, once torch is there; this module is imported without it.
_ORDINARY: tuple[Any, Any, Any] | None = None


def _ordinary() -> tuple[Any, Any, Any]:
    """torch's fused norm, its `item`, and the type of tensors whose norms need no preparation."""
    global _ORDINARY
    import torch

    _ORDINARY = torch._foreach_norm, torch.Tensor.item, torch.float32
    return _ORDINARY


def _norms_of_few(tensors: Sequence[Tensor]) -> list[float] | None:
    """The norms of a few ordinary tensors; none where one is not of float32, or the first not on the CPU.

    They are read one by one: stacking them first costs more than it saves.
    """
    if not tensors:
        return []
    norms, item, float32 = _ORDINARY or _ordinary()
    if not tensors[0].is_cpu:
        return None
    for tensor in tensors:
        if tensor.dtype is not float32:
            return None
    try:
        return [*map(item, norms(tensors))]
    except RuntimeError:
        return None  # it takes no other layout than strided: to ask each tensor for its own costs more than this


def _strided_layout() -> object:
    import torch

    return torch.strided


def _norm_dtype(tensors: Sequence[Tensor]) -> torch.dtype | None:
    import torch

    widest = torch.float32
    for tensor in tensors:
        if tensor.dtype is torch.float64:
            widest = torch.float64
            break
    uniform = all(tensor.dtype is widest for tensor in tensors)
    return None if uniform else widest


def _mixed(tensors: Sequence[Tensor]) -> bool:
    device = tensors[0].device
    return any(tensor.device != device for tensor in tensors)
