"""Which tables a model has, which of their rows a step uses, and how often each was used in this run."""

from __future__ import annotations

import sys
import weakref
from typing import TYPE_CHECKING, Any, NamedTuple

if TYPE_CHECKING:
    from torch import Tensor

#: More tables than this nobody can tell apart; the largest are looked at.
MOST_TABLES = 24


class Table:
    """An embedding's rows and how often each was used in a step that was looked at.

    Args:
        weight: rows × width, the parameter itself.
    """

    def __init__(self, weight: Tensor) -> None:
        import torch  # only now: a learner without torch never comes here

        self.weight = weight
        self.counts = torch.zeros(weight.shape[0], dtype=torch.int32, device=weight.device)
        #: How many rows have been used at least once.
        self.seen: Any = 0
        #: How many steps have been looked at.
        self.steps = 0


#: The tables of each learner, which lives as long as its session.
_tables: weakref.WeakKeyDictionary[Any, dict[str, Table]] = weakref.WeakKeyDictionary()


def tables_of(learner: Any) -> dict[str, Table]:
    """The tables of a learner that were counted so far, by the names of their modules or parameters."""
    return _tables.setdefault(learner, {})


def table_of(learner: Any, name: str, weight: Tensor) -> Table:
    """A table of a learner, counted anew where its weight has another size than before."""
    tables = tables_of(learner)
    table = tables.get(name)
    if table is None or len(table.counts) != weight.shape[0] or table.counts.device != weight.device:
        table = tables[name] = Table(weight)
    table.weight = weight
    return table


def is_embedding(name: str, module: Any) -> bool:
    """Whether a module takes rows from a table: `nn.Embedding`, `nn.EmbeddingBag`, and what derives from them."""
    kinds = {kind.__name__ for kind in type(module).__mro__}
    weight = getattr(module, "weight", None)
    return bool(kinds & {"Embedding", "EmbeddingBag"}) and weight is not None and weight.dim() == 2


def embeddings_in(model: Any) -> list[tuple[str, Any]]:
    """The embeddings of a torch model, the largest first; none of anything else."""
    if not hasattr(model, "named_modules"):
        return []
    found = [(name, module) for name, module in model.named_modules() if is_embedding(name, module)]
    return sorted(found, key=lambda named: -named[1].weight.shape[0])


class Call(NamedTuple):
    """The calls of an embedding in one step.

    Args:
        module: the embedding.
        rows: the indices of each call, flat.
    """

    module: Any
    rows: tuple[Tensor, ...]


def look_at_rows(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Call | None
) -> Call | None:
    """Keeps the indices that an embedding is called with, of all its calls in a step."""
    rows = args[0] if args else kwargs.get("input")
    if rows is None or not module.weight.requires_grad:
        return seen
    # A copy: the script may write the next batch into the same memory before the step is over.
    kept = rows.detach().reshape(-1).clone()
    return Call(module, (kept,) if seen is None else (*seen.rows, kept))


def is_whole(name: str, module: Any) -> bool:
    """Whether this is the model itself."""
    return name in ("", "_orig_mod")


def look_at_input(module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Any) -> Any:
    """What `columns_of` says of the first thing that the model is called with, at its last call in the step."""
    return columns_of(args[0] if args else next(iter(kwargs.values()), None))


def columns_of(values: Any) -> tuple[Tensor, int, int] | None:
    """The columns of a sparse batch that hold something.

    Args:
        values: what the model was called with: a sparse tensor of two dimensions (COO, CSR, CSC), or anything else.

    Returns:
        A column for each stored value, how many columns there are, and how many cells; none for what is not sparse.
    """
    torch = sys.modules.get("torch")
    if torch is None or not isinstance(values, torch.Tensor) or values.dim() != 2:
        return None
    rows, width = values.shape
    if values.layout is torch.sparse_coo:
        return values._indices()[1], width, rows * width
    if values.layout is torch.sparse_csr:
        return values.col_indices(), width, rows * width
    if values.layout is torch.sparse_csc:
        starts = values.ccol_indices()
        return torch.repeat_interleave(torch.arange(width, device=starts.device), starts.diff()), width, rows * width
    return None
