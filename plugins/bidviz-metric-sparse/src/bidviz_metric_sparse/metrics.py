"""The metrics: what of which tables, how often, drawn how."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import bidviz_core as bidviz
from bidviz_metric_sparse import charts
from bidviz_metric_sparse.counting import (
    LABELS,
    chosen_rows,
    count_rows,
    histogram_of,
    norms_by_power,
    share_of_commonest,
)
from bidviz_metric_sparse.tables import (
    MOST_TABLES,
    Table,
    embeddings_in,
    is_embedding,
    is_whole,
    look_at_input,
    look_at_rows,
    table_of,
    tables_of,
)

if TYPE_CHECKING:
    from bidviz_core.views import TensorView

#: So many points a picture needs.
POINTS = 512
#: Of a table with more rows, every k-th is looked at where rows are sorted: a table may be as large as the memory.
MOST_ROWS = 65_536
#: Sparse gradients of tables that no module holds are looked for again after so many looks.
_LOOK_AGAIN = 100

_NOT_COUNTED = "No row has been counted yet: sparse/rows counts them."
_NO_TABLE = (
    "the model has no nn.Embedding or nn.EmbeddingBag, and no optimizer is there for sparse gradients, so there are no "
    "rows to count."
)


def _no_table(learner: Any) -> str | None:
    if embeddings_in(learner.model):
        return None
    return None if any(type(one).__name__ == "SparseAdam" for one in learner.optimizers) else _NO_TABLE


def _no_model(learner: Any) -> str | None:
    return None if hasattr(learner.model, "named_modules") else "no torch model was given: watch(model, optimizer)."


@bidviz.metric(
    name="sparse/rows",
    every=1,
    chart=[charts.NEVER, charts.BATCH, charts.NEW],
    modules=bidviz.Observe(is_embedding, look_at_rows),
    fits=_no_table,
)
def rows(activations: dict[str, Any], grads: TensorView, learner: Any, state: dict[str, Any]) -> Any:
    """Rows of each embedding: used in this step, for the first time, and the share never used in this run.

    Counted from the indices of the forward passes of the step, without the padding row; of tables that no module holds,
    from their sparse gradients. Steps at which this metric does not run are not counted.
    """
    used: dict[str, tuple[Any, list[Any], int | None]] = {}
    names: dict[int, str] = {}
    for name, call in activations.items():
        if call is not None:
            first = names.setdefault(id(call.module.weight), name)  # a table that two modules share counts once
            found = used.setdefault(first, (call.module.weight, [], getattr(call.module, "padding_idx", None)))
            found[1].extend(call.rows)
    for name, weight, indices in _loose(grads, learner, state, names):
        used[name] = (weight, [indices], None)
    if len(used) > MOST_TABLES:
        largest = sorted(used, key=lambda name: -used[name][0].shape[0])[:MOST_TABLES]
        used = {name: used[name] for name in largest}
    result: dict[str, Any] = {}
    for name, (weight, indices, padding) in used.items():
        table = table_of(learner, name, weight)
        result |= _counted(table, name, indices, padding)
    return result or bidviz.Nothing("No embedding was called in this step with gradients.")


@bidviz.metric(name="sparse/updates", every=100, chart=[charts.USES, charts.CONCENTRATION], fits=_no_table)
def updates(learner: Any) -> Any:
    """How many rows were used in how many steps, in bins of powers of two, and the share of the commonest hundredth.

    Bin 0 holds the rows never used, bin 1 those used in one step, bin 2 in two or three, bin 3 in four to seven.
    """
    found: dict[str, Any] = {}
    for name, table in tables_of(learner).items():
        found[f"rows/{name}"] = bidviz.Histogram(*histogram_of(table.counts))
        found[f"concentration/{name}"] = share_of_commonest(_thinned(table.counts))
    return found or bidviz.Nothing(_NOT_COUNTED)


@bidviz.metric(name="sparse/norms", every=100, chart=[charts.NORMS, charts.NORMS_BY_USE], fits=_no_table)
def norms(learner: Any) -> Any:
    """The norm of rows against how often they were used: points of 512 rows, and the mean for each power of two."""
    import torch  # only now: a learner without torch never comes here

    found: dict[str, Any] = {}
    for name, table in tables_of(learner).items():
        counts = _thinned(table.counts)
        lengths = torch.linalg.vector_norm(_thinned(table.weight.detach()), dim=1, dtype=_wide(table.weight))
        chosen = chosen_rows(counts, POINTS)
        across = torch.log10(1.0 + counts[chosen].to(lengths.dtype))
        found[f"points/{name}"] = torch.stack((across, lengths[chosen]), 1)
        for power, mean in zip(*norms_by_power(lengths, counts), strict=True):
            found[f"by-use/{name}/{LABELS[power]}"] = float(mean)
    return found or bidviz.Nothing(_NOT_COUNTED)


@bidviz.metric(
    name="sparse/features",
    every=10,
    chart=[charts.FEATURES, charts.DENSITY],
    modules=bidviz.Observe(is_whole, look_at_input),
    fits=_no_model,
)
def features(activations: dict[str, Any], state: dict[str, Any]) -> Any:
    """Columns of a sparse batch that hold something: in this batch, and in any that was looked at; and its density."""
    sparse = next(iter(activations.values()), None)
    if sparse is None:
        return bidviz.Nothing("The model's input is no sparse matrix (torch.sparse_coo, csr or csc).")
    import torch  # only now: a learner without torch never comes here

    columns, width, cells = sparse
    counts = state.get("counts")
    if counts is None or len(counts) != width or counts.device != columns.device:
        counts = state["counts"] = torch.zeros(width, dtype=torch.int32, device=columns.device)
        state["seen"] = 0
    used = count_rows(counts, columns)
    state["seen"] = state["seen"] + used.new
    return {"batch": used.batch, "seen": state["seen"], "density": columns.numel() / cells if cells else float("nan")}


def _counted(table: Table, name: str, indices: list[Any], padding: int | None) -> dict[str, Any]:
    import torch  # only now: a learner without torch never comes here

    used = count_rows(table.counts, indices[0] if len(indices) == 1 else torch.cat(indices), padding)
    table.seen = table.seen + used.new
    table.steps += 1
    total = len(table.counts) - (padding is not None)
    never = 1.0 - table.seen / total if total else float("nan")
    return {f"batch/{name}": used.batch, f"new/{name}": used.new, f"never/{name}": never}


def _loose(grads: TensorView, learner: Any, state: dict[str, Any], known: dict[int, str]) -> list[tuple[str, Any, Any]]:
    """Tables with sparse gradients that no embedding module holds: name, parameter, indices."""
    looks = state["looks"] = state.get("looks", -1) + 1
    if looks % _LOOK_AGAIN == 0:
        named = dict(zip(*learner.named(), strict=True))
        state["loose"] = [
            (name, named[name])
            for name, gradient in zip(grads.names, grads.tensors, strict=True)
            if gradient.is_sparse and gradient.sparse_dim() == 1 and id(named[name]) not in known
        ]
    return [
        (name, parameter, parameter.grad._indices()[0])
        for name, parameter in state["loose"]
        if parameter.grad is not None and parameter.grad.is_sparse
    ]


def _thinned(values: Any) -> Any:
    return values[:: -(-len(values) // MOST_ROWS)] if len(values) > MOST_ROWS else values


def _wide(weight: Any) -> Any:
    import torch  # only now: a learner without torch never comes here

    return torch.float64 if weight.dtype is torch.float64 else torch.float32
