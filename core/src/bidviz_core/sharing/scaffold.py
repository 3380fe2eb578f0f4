"""`bidviz bundle new`: an empty bundle that works, and passes its own tests and the check as it comes."""

from __future__ import annotations

from pathlib import Path

from bidviz_core.sharing.licences import DEFAULT, licence_of
from bidviz_core.sharing.naming import BundleName, bundle_name
from bidviz_core.sharing.project import licence_file, pyproject, write_files


def new_bundle(name: str, parent: Path, *, policy: bool = False, author: str = "", licence: str = DEFAULT) -> Path:
    """Writes an empty bundle.

    Args:
        name: its name, whole or its own part.
        parent: the folder in which its folder is made.
        policy: it holds a policy, not a metric.
        author: whose it is.
        licence: its licence, an SPDX expression.

    Returns:
        Its folder.

    Raises:
        BidvizError: the name or the licence is none, or the folder is there already.
    """
    called = bundle_name(name, "policy" if policy else "metric")
    licence = licence_of(licence)
    package = f"src/{called.package}"
    what = "A policy" if called.kind == "policy" else "A metric"
    files = {
        "pyproject.toml": pyproject(called, f"{what} for BIDViz.", licence, author),
        "LICENSE": licence_file(licence, author),
        "README.md": _readme(called),
    }
    if called.kind == "policy":
        files |= {
            f"{package}/__init__.py": _POLICY_INIT,
            f"{package}/policies.py": _POLICY,
            "tests/test_policies.py": _POLICY_TEST,
        }
    else:
        files |= {
            f"{package}/__init__.py": _METRIC_INIT,
            f"{package}/metrics.py": _METRIC,
            f"{package}/charts.py": _CHARTS,
            "tests/test_metrics.py": _METRIC_TEST,
        }
    folder = parent / called.distribution
    write_files(folder, {path: _filled(text, called) for path, text in files.items()})
    return folder


def _filled(text: str, name: BundleName) -> str:
    return text.replace("@PACKAGE@", name.package).replace("@NAME@", name.distribution).replace("@SHORT@", name.short)


def _readme(name: BundleName) -> str:
    module = "policies" if name.kind == "policy" else "metrics"
    return f"""# {name.distribution}

Say here what it shows, when one wants it, and what is healthy and what is sick.

```console
$ pip install {name.distribution}
```

| file | what |
|---|---|
| `src/{name.package}/{module}.py` | what it computes: plain functions whose argument names say what they need |
| `src/{name.package}/__init__.py` | the hooks: what the bundle gives |
| `tests/test_{module}.py` | its tests |

```console
$ pip install -e .
$ python -m pytest tests
$ bidviz bundle check .
$ bidviz bundle build .
$ bidviz bundle publish . --repository URL
```

Without `--repository` it goes to PyPI.
"""


_METRIC_INIT = '''"""What @NAME@ gives to BIDViz."""

import bidviz_core as bidviz
from @PACKAGE@.metrics import weight_norm


@bidviz.hookimpl
def register_metrics():
    """The metrics of this bundle."""
    return [weight_norm]
'''

_METRIC = '''"""The metrics: plain functions whose argument names say what they need."""

import bidviz_core as bidviz
from @PACKAGE@ import charts


@bidviz.metric(name="@SHORT@/weight_norm", every=10, chart=charts.WEIGHT_NORM)
def weight_norm(params):
    """Global L2 norm of the weights (in their own unit)."""
    return params.norm()
'''

_CHARTS = '''"""How the metrics are drawn, with what is healthy and what is sick."""

import bidviz_core as bidviz

WEIGHT_NORM = bidviz.Line(
    title="Weight norm",
    help="Healthy: grows slowly, then levels out. Sick: grows without end (try weight decay), or jumps.",
)
'''

_METRIC_TEST = '''"""The metrics against numpy, and the bundle on the sample learners."""

import numpy as np
import pytest
import torch

import @PACKAGE@
from @PACKAGE@.metrics import weight_norm
from bidviz_core.testing import check, run_metric
from bidviz_core.views import TensorView


def test_the_norm_is_numpys():
    tensors = [torch.tensor([[3.0, 0.0]]), torch.tensor([4.0])]
    expected = np.sqrt(sum((tensor.numpy() ** 2).sum() for tensor in tensors))
    assert float(weight_norm(TensorView(["layer.weight", "layer.bias"], tensors))) == pytest.approx(expected)


def test_it_follows_a_training():
    values = run_metric(weight_norm, "mlp", steps=5)
    assert len(values["@SHORT@/weight_norm"]) == 5


def test_nothing_is_to_be_mended():
    assert check(@PACKAGE@) == []
'''

_POLICY_INIT = '''"""What @NAME@ gives to BIDViz."""

import bidviz_core as bidviz
from @PACKAGE@.policies import halving


@bidviz.hookimpl
def register_policies():
    """The policies of this bundle."""
    return [halving]
'''

_POLICY = '''"""The policies: functions that give a value for each step."""

import bidviz_core as bidviz


@bidviz.policy(target="lr", name="@SHORT@", params={"half_life": 1000})
def halving(step, base, half_life):
    """Halves what the script says each `half_life` steps, smoothly."""
    return base * 0.5 ** (step / max(1, half_life))
'''

_POLICY_TEST = '''"""The policies against their definitions, and the bundle in a training."""

import pytest

import @PACKAGE@
from @PACKAGE@.policies import halving
from bidviz_core.testing import check


def test_it_halves():
    assert halving(0, 0.1, 100) == pytest.approx(0.1)
    assert halving(100, 0.1, 100) == pytest.approx(0.05)
    assert halving(200, 0.1, 100) == pytest.approx(0.025)


def test_nothing_is_to_be_mended():
    assert check(@PACKAGE@) == []
'''
