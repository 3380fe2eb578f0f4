"""The entropy of attention: how widely each head looks, from the weights or from what makes them."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

#: So many queries of one example are looked at; all keys are.
MOST_QUERIES = 32


def is_attention(name: str, module: Any) -> bool:
    """Whether a module computes attention, by its class and its name: `nn.MultiheadAttention`, `GPT2Attention`, …"""
    kind = type(module).__name__
    return "Attention" in kind and not any("Attention" in type(child).__name__ for child in module.children())


def computes_itself(module: Any) -> bool:
    """Whether it is torch's own `nn.MultiheadAttention`, whose weights can be computed from what goes in."""
    return any(kind.__name__ == "MultiheadAttention" for kind in type(module).__mro__) and hasattr(
        module, "in_proj_bias"
    )


def look_at_attention(
    module: Any, args: tuple[Any, ...], kwargs: dict[str, Any], output: Any, seen: Tensor | None
) -> Tensor | None:
    """The entropy of each head, of a module's last call in the step, or none where its weights cannot be had.

    Of torch's own attention they are computed again from what goes in, for one example and 32 queries of it; of others
    they are the second of what it gives, where that is weights.
    """
    import torch  # only now: a learner without torch never comes here

    if computes_itself(module):
        device = _device_of(module)
        if not torch.is_autocast_enabled(device):
            return _of_multihead(module, *args, **kwargs)
        with torch.autocast(device, enabled=False):
            return _of_multihead(module, *args, **kwargs)
    weights = output[1] if isinstance(output, (tuple, list)) and len(output) > 1 else None
    if not isinstance(weights, torch.Tensor) or weights.dim() != 4 or not weights.is_floating_point():
        return seen
    return entropy_of_weights(weights[:1, :, :: max(1, weights.shape[2] // MOST_QUERIES)])


def attention_entropy(query: Tensor, key: Tensor, mask: Tensor | None = None, is_causal: bool = False) -> Tensor:
    """The normalised entropy of each head of a scaled dot-product attention, for a script that calls it itself.

    Log it: `session.log("attention/0", attention_entropy(query, key, is_causal=True))`. Of what
    `torch.nn.functional.scaled_dot_product_attention` computes, nobody else can see the weights.

    Args:
        query: `… × heads × T × d`, as given to `scaled_dot_product_attention`.
        key: `… × heads × S × d`.
        mask: `T × S` or broadcastable to the weights: true where a key may be looked at, or numbers that are added.
        is_causal: whether a query only looks at keys up to its own place.

    Returns:
        A vector of one number for each head, 0 (one key only) to 1 (all keys alike), averaged over all else.
    """
    import torch

    with torch.no_grad():
        query, key = query.detach(), key.detach()
        if key.shape[-3] != query.shape[-3]:  # keys that several queries share
            key = key.repeat_interleave(query.shape[-3] // key.shape[-3], -3)
        scores = query.float() @ key.float().transpose(-1, -2) / math.sqrt(query.shape[-1])
        if mask is not None:
            scores = scores.masked_fill(~mask, -math.inf) if mask.dtype is torch.bool else scores + mask
        if is_causal:
            allowed = torch.ones(scores.shape[-2:], dtype=torch.bool, device=scores.device).tril()
            scores = scores.masked_fill(~allowed, -math.inf)
        return entropy_of_weights(scores.softmax(-1))


def entropy_of_weights(weights: Tensor) -> Tensor:
    """The entropy of attention weights, divided by that of looking at all allowed keys alike.

    H = - sum p log p / log n, with n the keys of which a query may look at (those with a weight above 0). Queries with
    one key only have no choice and do not count.

    Args:
        weights: `… × heads × T × S`, rows that sum to 1.

    Returns:
        A vector of one number for each head, averaged over everything else; NaN where no query has a choice.
    """
    wide = weights.float()
    entropy = wide.clamp_min(1e-45).log_().mul_(wide).sum(-1).neg_()
    keys = (wide > 0).float().sum(-1)  # a sum of booleans takes three times as long
    shares = (entropy / keys.clamp_min(2).log_()).masked_fill_(keys < 2, math.nan)
    # A row that is no number must not be left out as if it had no choice.
    shares = shares.masked_fill_(entropy.isnan(), math.inf)
    heads = shares.movedim(-2, 0).reshape(weights.shape[-3], -1)
    mean = heads.nanmean(-1)
    return mean.masked_fill(heads.isinf().any(-1), math.nan)


def _of_multihead(
    module: Any,
    query: Tensor,
    key: Tensor,
    value: Tensor,
    key_padding_mask: Tensor | None = None,
    need_weights: bool = True,
    attn_mask: Tensor | None = None,
    average_attn_weights: bool = True,
    is_causal: bool = False,
) -> Tensor | None:
    """The entropy of each head of `nn.MultiheadAttention`'s weights for the first example; arguments as its own."""
    import torch
    from torch.nn.functional import linear

    if query.is_nested or key.is_nested or not query.numel() or not key.numel():
        return None
    if query.dim() == 3:
        axis = 0 if module.batch_first else 1
        query, key = query.select(axis, 0), key.select(axis, 0)
        if key_padding_mask is not None:
            key_padding_mask = key_padding_mask[0]
    heads, width = module.num_heads, module.embed_dim
    if module.in_proj_weight is not None:
        of_query, of_key = module.in_proj_weight[:width], module.in_proj_weight[width : 2 * width]
    else:
        of_query, of_key = module.q_proj_weight, module.k_proj_weight
    bias_query = bias_key = None
    if module.in_proj_bias is not None:
        bias_query, bias_key = module.in_proj_bias[:width].float(), module.in_proj_bias[width : 2 * width].float()
    length = query.shape[0]
    chosen = slice(None, None, -(-length // MOST_QUERIES))
    keys = linear(key.float(), of_key.float(), bias_key)
    if module.bias_k is not None:
        keys = torch.cat((keys, module.bias_k.float().reshape(1, width)))
    if module.add_zero_attn:
        keys = torch.cat((keys, keys.new_zeros(1, width)))
    queries = linear(query[chosen].float(), of_query.float(), bias_query)
    per_head = width // heads
    queries = queries.view(-1, heads, per_head).transpose(0, 1)
    keys = keys.view(-1, heads, per_head).transpose(0, 1)
    scores = (queries @ keys.transpose(1, 2)).div_(math.sqrt(per_head))  # heads × queries × keys
    if attn_mask is not None:
        mask = attn_mask[:heads] if attn_mask.dim() == 3 else attn_mask[None]
        scores = _masked(scores, mask[:, chosen])
    if key_padding_mask is not None:
        scores = _masked(scores, key_padding_mask[None, None])
    return entropy_of_weights(scores.softmax(-1))


def _masked(scores: Tensor, mask: Tensor) -> Tensor:
    """Puts scores under a mask of `nn.MultiheadAttention`: true where a key may NOT be looked at, or numbers to add."""
    import torch

    known = scores[..., : mask.shape[-1]]  # behind them are the keys that the module itself adds
    if mask.dtype is torch.bool:
        known.masked_fill_(mask, -math.inf)
    else:
        known.add_(mask)
    return scores


def _device_of(module: Any) -> str:
    return str(next(module.parameters()).device.type)
