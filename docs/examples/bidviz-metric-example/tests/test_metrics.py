"""The maths of the bundle, without any training."""

import torch
from bidviz_metric_example.metrics import weight_norm

from bidviz_core.views import TensorView


def test_weight_norm():
    view = TensorView(["layer.weight", "layer.bias"], [torch.tensor([3.0, 0.0]), torch.tensor([4.0])])
    assert float(weight_norm(view)) == 5.0
