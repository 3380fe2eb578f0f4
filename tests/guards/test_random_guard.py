"""Whatever a metric draws, the training's next random numbers are those it would have had."""

from __future__ import annotations

import random
import subprocess
import sys
from collections.abc import Callable

import numpy as np
import numpy.random
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from bidviz_core import generators
from bidviz_core.generators import NumpyGenerator, PythonGenerator, TorchGenerator
from bidviz_core.guards import RandomGuard

DRAWS: dict[str, tuple[str, Callable[[], object]]] = {
    "randn": ("numpy", lambda: np.random.randn(3)),  # an odd number leaves one of a pair behind
    "randn even": ("numpy", lambda: np.random.randn(2)),
    "rand": ("numpy", lambda: np.random.rand(700)),  # more than the twister's 624 words: all are made anew
    "numpy shuffle": ("numpy", lambda: np.random.shuffle(np.arange(10))),
    "numpy seed": ("numpy", lambda: np.random.seed(3)),
    "numpy set_state": ("numpy", lambda: np.random.set_state(np.random.RandomState(9).get_state())),
    "gauss": ("random", lambda: random.gauss(0, 1)),
    "random": ("random", lambda: [random.random() for _ in range(400)]),
    "shuffle": ("random", lambda: random.shuffle(list(range(10)))),
    "seed": ("random", lambda: random.seed(5)),
    "setstate": ("random", lambda: random.setstate(random.Random(8).getstate())),
    "torch.randn": ("torch", lambda: torch.randn(5)),
    "torch.randn many": ("torch", lambda: torch.randn(1000)),
    "dropout": ("torch", lambda: torch.nn.functional.dropout(torch.ones(20))),
    "randperm": ("torch", lambda: torch.randperm(10)),
    "manual_seed": ("torch", lambda: torch.manual_seed(7)),
}


def next_draws() -> list[object]:
    return [
        random.gauss(0, 1),
        random.gauss(0, 1),
        random.random(),
        random.getrandbits(64),
        np.random.randn(3).tolist(),
        np.random.rand(2).tolist(),
        np.random.permutation(9).tolist(),
        torch.randn(17).tolist(),
        torch.randperm(9).tolist(),
        torch.rand(3).tolist(),
    ]


def states() -> tuple[object, ...]:
    kind, key, position, has_gauss, gauss = np.random.get_state()
    return random.getstate(), (kind, key.tolist(), position, has_gauss, gauss), torch.get_rng_state().tolist()


@pytest.mark.parametrize("kind", [PythonGenerator, NumpyGenerator, TorchGenerator])
def test_state_is_read_the_quick_way_on_the_pythons_that_are_tested(kind: type) -> None:
    assert kind().quick


@settings(max_examples=150, deadline=None)
@given(
    before=st.lists(st.sampled_from(sorted(DRAWS)), max_size=4),
    within=st.lists(st.sampled_from(sorted(DRAWS)), max_size=5),
)
def test_any_mix_of_draws_is_undone_to_the_bit(before: list[str], within: list[str]) -> None:
    for draw in before:
        DRAWS[draw][1]()
    taken = states()
    guard = RandomGuard()
    guard.save()
    expected = next_draws()
    assert guard.restore() == ("random", "numpy", "torch")
    guard.save()
    for draw in within:
        DRAWS[draw][1]()
    drawn = guard.restore()
    assert states() == taken
    assert next_draws() == expected
    # Setting a state that was there already changes nothing, so the names can be fewer, never more.
    assert set(drawn) <= {DRAWS[draw][0] for draw in within}


def test_nothing_drawn_is_nothing_restored() -> None:
    guard = RandomGuard()
    guard.save()
    taken = states()
    assert guard.restore() == ()
    assert states() == taken


@pytest.mark.parametrize("draw", sorted(set(DRAWS) - {"randn even"}))
def test_says_which_was_drawn_from(draw: str) -> None:
    random.seed(1), np.random.seed(1), torch.manual_seed(1)
    guard = RandomGuard()
    guard.save()
    DRAWS[draw][1]()
    assert guard.restore() == (DRAWS[draw][0],)


def test_only_the_kept_half_of_a_pair_is_put_back() -> None:
    np.random.seed(2)
    np.random.randn()
    guard = RandomGuard()
    guard.save()
    np.random.randn()  # uses the kept number, so the twister does not move
    assert guard.restore() == ("numpy",)
    again = np.random.RandomState(2)
    again.randn()
    assert np.random.randn() == again.randn()


def test_guards_may_be_nested() -> None:
    taken = states()
    guard = RandomGuard()
    guard.save()
    random.random()
    guard.save()
    torch.rand(1)
    assert guard.restore() == ("torch",)
    assert guard.restore() == ("random",)
    assert states() == taken


def test_another_bit_generator_is_guarded_the_official_way() -> None:
    twister = np.random.get_bit_generator()
    try:
        np.random.set_bit_generator(np.random.PCG64(3))
        guard = RandomGuard()
        guard.save()
        expected = np.random.rand(5).tolist()
        assert guard.restore() == ("numpy",)
        guard.save()
        assert guard.restore() == ()
        assert np.random.rand(5).tolist() == expected
    finally:
        np.random.set_bit_generator(twister)


def test_a_bit_generator_that_a_metric_swapped_is_put_back() -> None:
    twister = np.random.get_bit_generator()
    taken = states()
    guard = RandomGuard()
    guard.save()
    np.random.set_bit_generator(np.random.PCG64(3))
    np.random.rand(5)
    try:
        assert guard.restore() == ("numpy",)
        assert np.random.get_bit_generator() is twister
        assert states() == taken
        guard.save()
        np.random.rand()
        assert guard.restore() == ("numpy",)
        assert states() == taken
    finally:
        np.random.set_bit_generator(twister)


def test_where_the_memory_is_not_as_expected_the_official_way_is_taken(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys.implementation, "name", "another")
    monkeypatch.setattr(generators, "_compare_memory", lambda: None)
    guard = RandomGuard()
    guard.save()
    assert [generator.quick for generator in guard._generators] == [False, False, False]  # type: ignore[attr-defined]
    taken = states()
    assert guard.restore() == ()
    guard.save()
    expected = next_draws()
    assert guard.restore() == ("random", "numpy", "torch")
    assert states() == taken
    assert next_draws() == expected


def test_a_program_without_torch_is_not_made_to_import_it() -> None:
    code = """
import random, sys
from bidviz_core.guards import RandomGuard
guard = RandomGuard()
guard.save()
random.random()
assert guard.restore() == ("random",)
assert "torch" not in sys.modules and "numpy.random" not in sys.modules
import numpy.random
guard.save()
numpy.random.rand()
assert guard.restore() == ("numpy",)
assert "torch" not in sys.modules
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
