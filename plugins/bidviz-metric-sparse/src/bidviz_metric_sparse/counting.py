"""How often each row of a table was used: the maths, without a wait on an accelerator."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

if TYPE_CHECKING:
    from torch import Tensor

#: The bins of the histogram of counts: never, 1, 2 to 3, 4 to 7, … ; the last holds all above.
POWERS = 20
#: Their names.
LABELS = ("never", "1", *(f"{2**power}+" if power < 10 else f"{2 ** (power - 10)}k+" for power in range(1, POWERS - 1)))
#: A table with more rows than this many times the rows of a batch is not gone through from end to end at each step.
FEW_OF_MANY = 8


class Used(NamedTuple):
    """What a step did to a table.

    Args:
        batch: how many different rows the step used.
        new: how many of them for the first time, or none where only going through the table could tell.
    """

    batch: Any
    new: Any


def count_rows(counts: Tensor, rows: Tensor, padding: int | None = None) -> Used:
    """Adds 1 to the count of each row that a step used, however often it did.

    Args:
        counts: int32, one for each row of the table; written to.
        rows: indices of rows, of any shape and with repetitions.
        padding: the row that stands for nothing and is never trained, if there is one.

    Returns:
        Numbers on the host for the CPU; 0-d tensors on an accelerator, where sorting would make the host wait.
    """
    import torch  # only now: a learner without torch never comes here

    flat = rows.reshape(-1)
    if counts.is_cpu and flat.numel() * FEW_OF_MANY < counts.numel():
        different = np.sort(flat.numpy())  # a tenth of np.unique's time
        different = different[np.diff(different, prepend=-1) != 0]
        if padding is not None:
            different = different[different != padding]
        table = counts.numpy()
        before = table[different]
        table[different] = before + 1
        return Used(len(different), int(np.count_nonzero(before == 0)))
    if counts.is_cpu:
        used = np.bincount(flat.numpy(), minlength=len(counts)) > 0
        if padding is not None:
            used[padding] = False
        table = counts.numpy()
        new = int(np.count_nonzero(used & (table == 0)))
        table += used
        return Used(int(np.count_nonzero(used)), new)
    mark = torch.zeros_like(counts).index_fill_(0, flat.long(), 1)
    if padding is not None:
        mark[padding] = 0
    new = (mark * (counts == 0)).sum()
    counts += mark
    return Used(mark.sum(), new)


def histogram_of(counts: Tensor) -> tuple[Any, np.ndarray]:
    """How many rows were used how often: bins 0, 1, 2–3, 4–7, and so on in powers of two.

    Args:
        counts: one number for each row.

    Returns:
        `POWERS` counts, and the edges 0, 1, …: bin p holds from 2^(p - 1) to below 2^p uses, bin 0 those never used.
    """
    import torch

    return torch.bincount(_powers(counts), minlength=POWERS), np.arange(POWERS + 1, dtype=np.float64)


def norms_by_power(norms: Tensor, counts: Tensor) -> tuple[np.ndarray, np.ndarray]:
    """The mean norm of the rows in each bin of `histogram_of`.

    Args:
        norms: one for each row.
        counts: one for each row.

    Returns:
        The bins that have rows, and the mean of each.
    """
    import torch

    power = _powers(counts)
    rows = torch.bincount(power, minlength=POWERS)
    total = torch.zeros(POWERS, dtype=torch.float64, device=norms.device).index_add_(0, power, norms.double())
    found = rows.cpu().numpy()
    bins = np.flatnonzero(found)
    return bins, total.cpu().numpy()[bins] / found[bins]


def _powers(counts: Tensor) -> Tensor:
    # How many binary digits a count has.
    return counts.double().frexp().exponent.clamp(0, POWERS - 1).long()


def share_of_commonest(counts: Tensor) -> Any:
    """The share of all uses that falls on the commonest hundredth of rows; NaN where there are no uses.

    Args:
        counts: one for each row, at least one.
    """
    top = max(1, len(counts) // 100)
    if not counts.is_cpu:
        return counts.topk(top).values.sum() / counts.sum()
    numbers = counts.numpy()
    total = int(numbers.sum(dtype=np.int64))
    most = np.partition(numbers, len(numbers) - top)[len(numbers) - top :]
    return int(most.sum(dtype=np.int64)) / total if total else math.nan


def chosen_rows(counts: Tensor, most: int) -> Tensor:
    """At most so many rows, evenly spaced by how often they were used, from the rarest to the commonest."""
    import torch

    order = counts.argsort(stable=True)
    if len(order) <= most:
        return order
    return order[torch.linspace(0, len(order) - 1, most, device=order.device).round().long()]
