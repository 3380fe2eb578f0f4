"""Settings of modules that may be turned while they train: dropout, batch norm's momentum, what a loss weighs."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

from torch import nn

#: Names under which modules of all kinds keep a probability to drop something.
_DROPOUT = frozenset(
    {
        *("dropout", "dropout_p", "dropout_prob", "drop_prob", "attn_dropout", "attention_dropout", "hidden_dropout"),
        *("activation_dropout", "resid_dropout", "classifier_dropout", "layerdrop"),
    }
)


class Setting(NamedTuple):
    """A setting of a module.

    Args:
        name: the name it goes by.
        module: the module.
        attribute: the attribute.
        low: the least value allowed.
        high: the greatest, or none.
    """

    name: str
    module: nn.Module
    attribute: str
    low: float | None
    high: float | None


def module_settings(model: Any, loss_fn: Any) -> Iterator[Setting]:
    """The settings of a model's modules, and of the loss module if the script gave one.

    Args:
        model: the model, or none.
        loss_fn: the loss module, or none.
    """
    if isinstance(model, nn.Module):
        model = getattr(model, "_orig_mod", model)  # a compiled model's own modules
        for path, module in model.named_modules():
            for attribute in _of_module(module):
                yield Setting(f"{path}.{attribute}" if path else attribute, module, attribute, 0.0, 1.0)
    if isinstance(loss_fn, nn.Module):
        for path, module in loss_fn.named_modules():
            for attribute, value in vars(module).items():
                if type(value) is float and not attribute.startswith("_"):
                    high = 1.0 if attribute == "label_smoothing" else None
                    low = 0.0 if attribute == "label_smoothing" else None
                    prefix = f"loss_fn.{path}." if path else "loss_fn."
                    yield Setting(prefix + attribute, module, attribute, low, high)


def _of_module(module: nn.Module) -> Iterator[str]:
    if isinstance(module, nn.modules.dropout._DropoutNd):
        yield "p"
    elif isinstance(module, nn.modules.batchnorm._NormBase):
        if type(module.momentum) is float:  # none means a plain average, which is not turned
            yield "momentum"
    else:
        for attribute, value in vars(module).items():
            if attribute in _DROPOUT and type(value) is float and 0 <= value <= 1:
                yield attribute
