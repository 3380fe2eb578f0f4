"""A way to make each of torch's schedulers, and some that others build from them."""

from __future__ import annotations

import inspect
import math
from collections.abc import Callable
from typing import Any

from torch.optim import Optimizer, lr_scheduler, swa_utils

Make = Callable[[Optimizer], Any]


def _lambdas(optimizer: Optimizer) -> Any:
    return lr_scheduler.LambdaLR(optimizer, [lambda step: 0.9**step, lambda step: 1 / (1 + step)])


def _sequential(optimizer: Optimizer) -> Any:
    parts = [
        lr_scheduler.LinearLR(optimizer, 0.1, total_iters=4),
        lr_scheduler.ExponentialLR(optimizer, 0.8),
        lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 3),
    ]
    return lr_scheduler.SequentialLR(optimizer, parts, milestones=[4, 9])


def _chained(optimizer: Optimizer) -> Any:
    parts = [
        lr_scheduler.ConstantLR(optimizer, 0.5, total_iters=5),
        lr_scheduler.ExponentialLR(optimizer, 0.9),
        lr_scheduler.CosineAnnealingLR(optimizer, 8),
    ]
    return lr_scheduler.ChainedScheduler(parts)


def _hugging_face(optimizer: Optimizer) -> Any:
    """What `transformers.get_cosine_schedule_with_warmup` makes: a LambdaLR."""

    def factor(step: int, warmup: int = 4, total: int = 20) -> float:
        if step < warmup:
            return step / warmup
        return max(0.0, 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup))))

    return lr_scheduler.LambdaLR(optimizer, factor)


class Warm(lr_scheduler.LRScheduler):
    """A scheduler of the script's own, as torch's documentation tells to write one."""

    def get_lr(self) -> list[float]:
        """Rises, then stays."""
        if self.last_epoch == 0:
            return [group["lr"] for group in self.optimizer.param_groups]
        return [group["lr"] * (1.1 if self.last_epoch < 5 else 1.0) for group in self.optimizer.param_groups]


#: Those that write the momentum too; the rate is kept still, so that the weights tell the momentum.
CYCLING: dict[str, Make] = {
    "CyclicLR": lambda optimizer: lr_scheduler.CyclicLR(optimizer, 0.1, 0.1, step_size_up=3),
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(
        optimizer, 0.1, total_steps=60, div_factor=1.0, final_div_factor=1.0
    ),
}

#: By the class's name, as the test that looks for new ones wants it.
OF_TORCH: dict[str, Make] = {
    "LambdaLR": _lambdas,
    "MultiplicativeLR": lambda optimizer: lr_scheduler.MultiplicativeLR(optimizer, lambda step: 0.9),
    "StepLR": lambda optimizer: lr_scheduler.StepLR(optimizer, 3, gamma=0.5),
    "MultiStepLR": lambda optimizer: lr_scheduler.MultiStepLR(optimizer, [2, 5, 9], gamma=0.5),
    "ConstantLR": lambda optimizer: lr_scheduler.ConstantLR(optimizer, 0.3, total_iters=6),
    "LinearLR": lambda optimizer: lr_scheduler.LinearLR(optimizer, 0.2, total_iters=8),
    "ExponentialLR": lambda optimizer: lr_scheduler.ExponentialLR(optimizer, 0.9),
    "SequentialLR": _sequential,
    "PolynomialLR": lambda optimizer: lr_scheduler.PolynomialLR(optimizer, 14, power=2.0),
    "CosineAnnealingLR": lambda optimizer: lr_scheduler.CosineAnnealingLR(optimizer, 7, eta_min=1e-4),
    "ChainedScheduler": _chained,
    "ReduceLROnPlateau": lambda optimizer: lr_scheduler.ReduceLROnPlateau(optimizer, factor=0.5, patience=0),
    "CyclicLR": lambda optimizer: lr_scheduler.CyclicLR(
        optimizer, [0.01, 0.02], [0.1, 0.3], step_size_up=3, cycle_momentum=False
    ),
    "CosineAnnealingWarmRestarts": lambda optimizer: lr_scheduler.CosineAnnealingWarmRestarts(optimizer, 4, 2),
    "OneCycleLR": lambda optimizer: lr_scheduler.OneCycleLR(
        optimizer, [0.4, 0.2], total_steps=40, cycle_momentum=False
    ),
    "SWALR": lambda optimizer: swa_utils.SWALR(optimizer, swa_lr=0.05, anneal_epochs=6),
}
OTHERS: dict[str, Make] = {"hugging_face": _hugging_face, "own": Warm}
ALL = {**OF_TORCH, **OTHERS}


def classes_of_torch() -> set[str]:
    """The schedulers that this version of torch has."""
    base = lr_scheduler.LRScheduler
    found = [*vars(lr_scheduler).values(), *vars(swa_utils).values()]
    abstract = {"LRScheduler", "_LRScheduler"}
    return {one.__name__ for one in found if inspect.isclass(one) and issubclass(one, base)} - abstract
