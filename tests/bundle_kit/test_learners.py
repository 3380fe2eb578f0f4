"""The sample learners are real trainings: they learn, do the same twice, and are not changed by being watched."""

from __future__ import annotations

import random
import subprocess
import sys

import numpy as np
import pytest
import torch

from bidviz_core.errors import BidvizError, MetricError
from bidviz_core.testing import LEARNERS, STRANGE, run_metric, sample_learner
from bidviz_core.testing.running import as_metric, bare_state, same_state, try_metric


@pytest.mark.parametrize("learner", LEARNERS)
def test_it_learns(learner: str) -> None:
    losses = np.array(run_metric("float(loss)", learner, steps=60)["metric"])
    assert len(losses) == 60
    assert losses[-15:].mean() < 0.9 * losses[:5].mean()


@pytest.mark.parametrize("learner", LEARNERS)
def test_the_same_call_gives_the_same_to_the_bit_watched_or_not(learner: str) -> None:
    metric = as_metric("float(loss)")
    first = try_metric(metric, learner)
    assert first.series == try_metric(metric, learner).series
    assert same_state(first.state, bare_state(learner))
    assert not same_state(first.state, bare_state(learner, seed=1))


def test_running_a_metric_draws_nothing_from_the_programs_generators() -> None:
    before = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    run_metric("params.norm()", "transformer")  # which has dropout
    after = torch.get_rng_state(), np.random.get_state()[1].tolist(), random.getstate()
    assert torch.equal(before[0], after[0])
    assert before[1:] == after[1:]


@pytest.mark.parametrize("learner", ["mlp", "cnn", "transformer", "lstm"])
def test_what_is_strange_is_there(learner: str) -> None:
    assert np.isnan(run_metric("float(loss)", learner, strange="nan")["metric"][-1])
    assert min(run_metric("min(t.numel() for t in grads.tensors)", learner, strange="empty")["metric"]) == 0
    dtypes = run_metric("float(all(t.dtype == torch.bfloat16 for t in grads.tensors))", learner, strange="bf16")
    assert set(dtypes["metric"]) == {1.0}
    model = sample_learner(learner, strange="frozen").model
    assert not all(parameter.requires_grad for parameter in model.parameters())


def test_the_sparse_learner_has_sparse_gradients_and_k_means_no_torch_model() -> None:
    assert set(run_metric("float(grads.tensors[0].is_sparse)", "sparse")["metric"]) == {1.0}
    sizes = run_metric("model.counts", "kmeans", steps=3)["metric"]
    assert sizes[-1].sum() == 3 * 64
    with pytest.raises(MetricError, match="not watched through torch"):
        run_metric("grads.norm()", "kmeans")


def test_the_batches_of_words_are_sparse_matrices() -> None:
    assert set(run_metric("float(batch[0].is_sparse)", "words")["metric"]) == {1.0}
    with pytest.raises(BidvizError, match="sparse batches alone"):
        sample_learner("words", strange="bf16")


def test_a_metric_that_fails_says_so_with_its_traceback() -> None:
    with pytest.raises(MetricError, match="ZeroDivisionError") as raised:
        run_metric("1 / (step - step)", "mlp")
    assert "ZeroDivisionError" in (raised.value.traceback or "")


def test_what_is_not_there_is_refused_with_what_is() -> None:
    with pytest.raises(BidvizError, match="mlp, cnn"):
        sample_learner("resnet")
    for strange in STRANGE:
        assert strange in LEARNERS or sample_learner("mlp", strange=strange).strange == strange
    with pytest.raises(BidvizError, match="as nan or empty"):
        sample_learner("kmeans", strange="bf16")


def test_importing_it_needs_neither_torch_nor_pytest_and_k_means_never_brings_torch() -> None:
    code = """
        import sys
        import bidviz_core.testing
        print("torch" in sys.modules, "pytest" in sys.modules)
        bidviz_core.testing.sample_learner("kmeans").run(None, 3)
        print("torch" in sys.modules)
    """
    lines = "\n".join(line.strip() for line in code.strip().splitlines())
    done = subprocess.run([sys.executable, "-c", lines], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False"] * 3
