"""Hyperparameters: optimizers' and modules' settings and what the script exposed, by name, held under any scheduler."""

from bidviz_core.hyperparameters.cells import Exposed, exposed
from bidviz_core.hyperparameters.mapping import Hyperparameters

__all__ = ["Exposed", "Hyperparameters", "exposed"]
