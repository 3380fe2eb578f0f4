"""The entropy of attention against torch's own weights, and against its definition in float64."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from bidviz_metric_activations import attention_entropy
from bidviz_metric_activations.attention import MOST_QUERIES, entropy_of_weights, look_at_attention


def reference(weights: torch.Tensor) -> list[float]:
    """From heads × queries × keys, one number a head, in float64."""
    found = []
    for head in weights.detach().double().numpy():
        shares = []
        for row in head:
            allowed = row[row > 0]
            if len(allowed) > 1:
                shares.append(-float(np.sum(allowed * np.log(allowed))) / math.log(len(allowed)))
        found.append(float(np.mean(shares)) if shares else math.nan)
    return found


def looked_at(module: nn.Module, *args: Any, **kwargs: Any) -> list[float]:
    with torch.no_grad():
        found = look_at_attention(module, args, kwargs, None, None)
    assert found is not None
    return found.tolist()


CAUSAL = torch.ones(12, 12).triu(1).bool()
MASKS = {
    "none": {},
    "booleans": {"attn_mask": CAUSAL},
    "numbers": {"attn_mask": torch.zeros(12, 12).masked_fill(CAUSAL, -math.inf), "is_causal": True},
    "by head": {"attn_mask": CAUSAL.expand(3 * 4, 12, 12)},
    "padding": {"key_padding_mask": torch.tensor([[False] * 9 + [True] * 3] * 3)},
}


@pytest.mark.parametrize("mask", MASKS)
@pytest.mark.parametrize("options", [{}, {"bias": False}, {"add_bias_kv": True}, {"add_zero_attn": True}], ids=str)
@pytest.mark.parametrize("batch_first", [True, False])
def test_multihead_attention_is_computed_again(mask: str, options: dict[str, Any], batch_first: bool) -> None:
    torch.manual_seed(0)
    module = nn.MultiheadAttention(16, 4, batch_first=batch_first, **options)
    nn.init.normal_(module.in_proj_weight)
    given = torch.randn(3, 12, 16) if batch_first else torch.randn(12, 3, 16)
    _, weights = module(given, given, given, average_attn_weights=False, **MASKS[mask])
    expected = reference(weights[0])
    assert looked_at(module, given, given, given, need_weights=False, **MASKS[mask]) == pytest.approx(
        expected, abs=1e-5
    )


def test_cross_attention_of_other_widths_without_a_batch() -> None:
    torch.manual_seed(1)
    module = nn.MultiheadAttention(16, 2, kdim=5, vdim=7)
    query, key, value = torch.randn(6, 16), torch.randn(9, 5), torch.randn(9, 7)
    _, weights = module(query, key, value, average_attn_weights=False)
    assert looked_at(module, query, key, value) == pytest.approx(reference(weights), abs=1e-5)


def test_of_many_queries_some_are_looked_at() -> None:
    torch.manual_seed(2)
    module = nn.MultiheadAttention(8, 2, batch_first=True)
    given = torch.randn(1, 500, 8)
    _, weights = module(given, given, given, average_attn_weights=False)
    step = -(-500 // MOST_QUERIES)
    assert looked_at(module, given, given, given) == pytest.approx(reference(weights[0, :, ::step]), abs=1e-5)


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.float16])
def test_sixteen_bits(dtype: torch.dtype) -> None:
    torch.manual_seed(3)
    module = nn.MultiheadAttention(16, 4, batch_first=True, dtype=dtype)
    given = torch.randn(2, 10, 16).to(dtype)
    plain = nn.MultiheadAttention(16, 4, batch_first=True)
    plain.load_state_dict({name: value.float() for name, value in module.state_dict().items()})
    _, weights = plain(given.float(), given.float(), given.float(), average_attn_weights=False)
    assert looked_at(module, given, given, given) == pytest.approx(reference(weights[0]), abs=1e-5)


def test_a_script_can_log_its_own() -> None:
    torch.manual_seed(4)
    query, key = torch.randn(2, 4, 7, 8), torch.randn(2, 4, 7, 8)
    weights = (query @ key.transpose(-1, -2) / math.sqrt(8)).masked_fill(torch.ones(7, 7).triu(1).bool(), -math.inf)
    expected = np.mean([reference(example) for example in weights.softmax(-1)], axis=0)
    assert attention_entropy(query, key, is_causal=True).tolist() == pytest.approx(expected.tolist(), abs=1e-5)
    allowed = torch.ones(7, 7).tril().bool()
    assert torch.allclose(attention_entropy(query, key, allowed), attention_entropy(query, key, is_causal=True))
    shared = attention_entropy(query, key[:, :1])  # one key for four queries
    assert torch.allclose(shared, attention_entropy(query, key[:, :1].expand(2, 4, 7, 8)))


def test_the_ends_of_the_scale() -> None:
    alike = torch.full((1, 5, 8), 1 / 8)
    one = torch.eye(8)[None]
    assert entropy_of_weights(alike).item() == pytest.approx(1.0)
    nearly_one = one * 0.999999 + 1e-7
    assert entropy_of_weights(nearly_one / nearly_one.sum(-1, keepdim=True)).item() < 1e-4
    assert math.isnan(entropy_of_weights(torch.ones(1, 3, 1)).item())  # no choice
    broken = alike.clone()
    broken[0, 2, 1] = math.nan
    assert math.isnan(entropy_of_weights(broken).item())
