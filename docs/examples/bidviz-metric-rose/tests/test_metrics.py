"""The maths of the bundle, without any training."""

import torch
from bidviz_metric_rose.dashboard import register_pages, register_renderers
from bidviz_metric_rose.metrics import gradient_rose

from bidviz_core.views import TensorView


def test_shares_add_up():
    view = TensorView(["layer.weight", "layer.bias"], [torch.tensor([3.0, 0.0]), torch.tensor([4.0])])
    shares = {name: float(share) for name, share in gradient_rose(view).items()}
    assert {name: round(share, 6) for name, share in shares.items()} == {"layer.weight": 0.36, "layer.bias": 0.64}


def test_the_scripts_are_in_the_bundle():
    assert [one.script.name for one in (*register_renderers(), *register_pages())] == ["rose.js", "page.js"]
