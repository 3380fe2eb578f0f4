"""What a metric gets in the worker, and what comes back."""

from __future__ import annotations

import math
import random
import sys
import types
from collections import UserDict
from typing import Any

import numpy as np
import numpy.random
import pytest
import torch

from bidviz_core.errors import MetricError
from bidviz_core.metrics.definition import metric
from bidviz_core.metrics.series import SeriesView
from bidviz_core.metrics.source import compile_metric
from bidviz_core.values import Histogram, Image, Matrix, Table, Text
from bidviz_core.views import TensorView

from .conftest import Bench


def grads(factor: float = 1.0) -> TensorView:
    return TensorView(("a.weight", "b"), [torch.full((3, 4), factor), torch.full((5,), 2 * factor)])


def test_views_arrive_as_views(bench: Bench) -> None:
    bench.add("{'norm': grads.norm(), 'b': grads['b'].sum(), 'size': grads.flat().numel(), 'n': len(grads.names)}")
    assert bench.value(grads=grads()) == {"norm": pytest.approx(math.sqrt(12 + 20)), "b": 10.0, "size": 17, "n": 2}


def test_each_snapshot_is_of_its_own_step(bench: Bench) -> None:
    bench.add("grads.norm()")
    values = [bench.value(grads=grads(factor)) for factor in (1.0, 2.0, 0.0)]
    assert values == [pytest.approx(math.sqrt(32)), pytest.approx(2 * math.sqrt(32)), 0.0]


@pytest.mark.parametrize(
    "tensor",
    [
        torch.arange(6.0).reshape(2, 3),
        torch.arange(6.0).reshape(2, 3).t(),
        torch.tensor(2.5),
        torch.tensor([True, False]),
        torch.tensor([1.5, 2.5], dtype=torch.bfloat16),
        torch.tensor([1.5, 2.5], dtype=torch.float16),
        torch.arange(5),
        torch.empty(0, 3),
        torch.ones(3, requires_grad=True),
        torch.tensor([[0.0, 1.0], [2.0, 0.0]]).to_sparse(),
        torch.nn.Parameter(torch.ones(2)),
    ],
    ids=lambda tensor: f"{tensor.dtype} {tuple(tensor.shape)} {tensor.layout}",
)
def test_tensors_of_every_kind(bench: Bench, tensor: torch.Tensor) -> None:
    bench.add(
        "{'sum': inputs.double().sum(), 'count': inputs.numel(), 'dims': inputs.dim(), 'grad': inputs.requires_grad}"
    )
    dense = tensor.detach().to_dense() if tensor.is_sparse else tensor.detach()
    expected = {"sum": float(dense.double().sum()), "count": dense.numel(), "dims": dense.dim(), "grad": 0.0}
    assert bench.value(inputs=tensor) == expected


def test_arrays_numbers_and_nested_batches(bench: Bench) -> None:
    bench.add("batch['x'].sum() + batch['y'][0].sum() + batch['z'] + len(batch['words'][1]) + step")
    batch = UserDict(x=np.arange(4, dtype=np.float32), y=(torch.ones(3), None), z=0.5, words=["a", "bcd"])
    assert bench.value(batch=batch, step=7) == 6 + 3 + 0.5 + 3 + 7


def test_a_batch_of_another_shape(bench: Bench) -> None:
    bench.add("inputs.shape[0] * 1000 + inputs.sum()")
    for size in (64, 64, 17, 64, 300_000):
        assert bench.value(inputs=torch.ones(size)) == size * 1001


def test_values_of_every_kind_come_back(bench: Bench) -> None:
    bench.add("inputs.outer(inputs)", name="array")
    assert bench.value(inputs=torch.arange(3.0)).tolist() == [[0, 0, 0], [0, 1, 2], [0, 2, 4]]
    bench.worker.remove("array")
    bench.add("bidviz.Histogram.of(inputs, 2)", name="histogram")
    histogram = bench.value(inputs=torch.tensor([0.0, 1.0, 1.0, math.nan]))
    assert isinstance(histogram, Histogram)
    assert (histogram.counts.tolist(), histogram.nan) == ([1, 2], 1)
    bench.worker.remove("histogram")
    bench.add("bidviz.Matrix(inputs.reshape(1, 2), rows=['r'], columns=['x', 'y'])", name="matrix")
    matrix = bench.value(inputs=torch.ones(2))
    assert isinstance(matrix, Matrix)
    assert (matrix.values.tolist(), list(matrix.columns)) == ([[1, 1]], ["x", "y"])
    bench.worker.remove("matrix")
    bench.add(
        "{'a': bidviz.Text('hello'), 'b': 2.0, 'c': bidviz.Table(['n'], [[step]]), 'd': bidviz.Image(np.zeros((2, 2)))}"
    )
    values = bench.value(step=4)
    assert isinstance(values["a"], Text)
    assert isinstance(values["d"], Image)
    assert (values["a"].text, values["b"]) == ("hello", 2.0)
    assert isinstance(values["c"], Table)
    assert [list(row) for row in values["c"].rows] == [[4]]


@pytest.mark.parametrize("value", ["float('nan')", "float('inf')", "-float('inf')", "1e308", "None", "{}"])
def test_numbers_that_json_has_no_word_for(bench: Bench, value: str) -> None:
    bench.add(value)
    got = bench.value()
    expected = eval(value)
    if not isinstance(expected, float):
        assert got is None
    else:
        assert got == expected or (math.isnan(got) and math.isnan(expected))


def test_state_lives_in_the_worker_and_is_each_metric_s_own(bench: Bench) -> None:
    bench.add("state['n'] = state.get('n', 0) + 1\nreturn state['n']", name="first")
    assert [bench.value() for _ in range(3)] == [1, 2, 3]
    bench.worker.remove("first")
    bench.add("state['n'] = state.get('n', 0) + 1\nreturn state['n']", name="second")
    assert bench.value() == 1


def test_series_hold_the_latest_values_and_say_what_they_do_not_hold(bench: Bench) -> None:
    series = SeriesView()
    series.take(("loss", "lr"), (2.0, 0.1))
    series.take(("loss",), (1.5,))
    bench.add("series['loss'].last * 10 + len(series)")
    assert bench.value(series=series) == 17
    bench.worker.remove("m")
    bench.add("series['loss'].mean(10)", name="mean")
    assert "keep earlier values in `state`" in bench.failure(series=series).message
    bench.add("series['los'].last", name="misspelt")
    assert "did you mean 'loss'?" in bench.failure(series=series).message


def test_hyperparameters_and_activations(bench: Bench) -> None:
    class Hyper(dict[str, float]):
        def __reduce__(self) -> Any:
            raise TypeError("holds on to an optimizer")

    bench.add("hyperparameters['lr'] + activations['relu'].sum()")
    patterns = {"*": {"relu": torch.ones(2)}}
    assert bench.value(hyperparameters=Hyper(lr=0.5), activations=patterns) == 2.5


def test_random_numbers_drawn_there_are_not_the_training_s(bench: Bench) -> None:
    bench.add("torch.manual_seed(1); import random; random.seed(2); np.random.seed(3)\nreturn torch.randn(3)")
    before = random.getstate(), torch.get_rng_state(), np.random.get_state()[1].tolist()  # type: ignore[index]
    bench.value()
    assert random.getstate() == before[0]
    assert torch.equal(torch.get_rng_state(), before[1])
    assert np.random.get_state()[1].tolist() == before[2]  # type: ignore[index]


def test_writing_to_the_snapshot_does_not_reach_the_training(bench: Bench) -> None:
    weights = torch.ones(5)
    bench.add("inputs.zero_().sum()")
    assert bench.value(inputs=weights) == 0
    assert weights.sum() == 5


def test_a_function_of_the_script_comes_by_value_and_of_a_module_by_name(
    bench: Bench, tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    script = types.ModuleType("__main__")
    source = "import bidviz_core as bidviz\nscale = 3\n@bidviz.metric\ndef scaled(inputs):\n    return helper(inputs)\n"
    exec(source + "def helper(x):\n    return (x * scale).sum()\n", script.__dict__)
    bench.worker.add(script.scaled.with_(where="worker"))
    assert bench.value(inputs=torch.ones(2)) == 6
    bench.worker.remove("scaled")

    (tmp_path / "some_bundle_metrics.py").write_text(
        "import bidviz_core as bidviz\n@bidviz.metric(where='worker')\ndef mine(inputs):\n    return inputs.max()\n"
    )
    monkeypatch.syspath_prepend(str(tmp_path))
    import some_bundle_metrics  # type: ignore[import-not-found]

    other = Bench()  # the search path is handed over when the process starts
    try:
        other.worker.add(some_bundle_metrics.mine)
        assert other.value(inputs=torch.ones(2)) == 1
    finally:
        other.worker.close()
        sys.modules.pop("some_bundle_metrics")


def test_typed_code_with_globals_of_the_script(bench: Bench) -> None:
    bench.worker.add(
        compile_metric("offset + inputs.sum()", name="typed", where="worker", namespace={"offset": 100, "lock": None})
    )
    assert bench.value(inputs=torch.ones(2)) == 102


@pytest.mark.parametrize("argument", ["model", "optimizer", "learner"])
def test_what_stays_in_the_training_is_refused_with_what_to_do(bench: Bench, argument: str) -> None:
    with pytest.raises(
        MetricError, match=rf"asks for '{argument}', which stays in the training process: take .* or use"
    ):
        bench.add(f"1.0 if {argument} else 0.0")


def test_what_cannot_be_pickled_is_refused_when_it_is_added(bench: Bench) -> None:
    import threading

    lock = threading.Lock()

    @metric(where="worker")
    def locked(step: int) -> float:
        with lock:
            return step

    with pytest.raises(MetricError, match="cannot be sent to the worker: TypeError: cannot pickle"):
        bench.worker.add(locked)

    large = np.zeros(4_000_000)

    @metric(where="worker")
    def heavy(step: int) -> float:
        return float(large[step])

    with pytest.raises(MetricError, match="refers to 32 MB of the script's data"):
        bench.worker.add(heavy)


def test_an_argument_that_cannot_be_sent_sets_only_its_metric_aside(bench: Bench) -> None:
    bench.add("1.0 if batch else 0.0", name="wants_batch")
    bench.add("step * 2", name="fine")
    assert bench.worker.wait(60)
    assert not bench.worker.submit(1, 0.0, {"batch": (number for number in range(3)), "step": 1})
    told = bench.next()
    assert told.failure is not None
    assert "wants_batch's argument batch cannot be sent to the worker: TypeError: cannot pickle" in told.failure.message
    assert bench.value(step=5) == 10
