"""Attention by ONNX Runtime's own operators, for graphs that run there alone (those in 8 bits).

Towers, connectors and DeepLens take `com.microsoft.MultiHeadAttention`; the decoder takes
`com.microsoft.GroupQueryAttention`, which is causal and writes new keys and values into the caller's cache.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import torch
from torch import Tensor, nn
from torch.nn import functional as F
from torch.onnx import symbolic_helper
from torch.overrides import TorchFunctionMode
from transformers import AttentionInterface, PretrainedConfig

HEAD_WIDTHS = 8
"""GroupQueryAttention takes heads whose width is a multiple of this."""

_BY_TOKEN = "ser_ros_by_token"


@contextmanager
def fused_attention(module: nn.Module) -> Iterator[None]:
    """While it is entered, attention inside `module` is traced as MultiHeadAttention."""
    found = (getattr(part, "config", None) for part in module.modules())
    configs = [config for config in found if isinstance(config, PretrainedConfig)]
    before = [config._attn_implementation for config in configs]
    AttentionInterface.register(_BY_TOKEN, _by_token)
    try:
        for config in configs:
            config._attn_implementation = _BY_TOKEN
        with _ScaledDotProduct():
            yield
    finally:
        for config, name in zip(configs, before, strict=True):
            config._attn_implementation = name


def _by_token(_module, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, **_) -> tuple:
    """What transformers' towers call: its own shapes the result once more, which keeps transpositions."""
    mixed = F.scaled_dot_product_attention(query, key, value, attn_mask=mask)
    return mixed.transpose(1, 2), None  # [B, T, H, E], attention weights


class _ScaledDotProduct(TorchFunctionMode):
    """Traces `scaled_dot_product_attention` as MultiHeadAttention."""

    def __torch_function__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        if func is not F.scaled_dot_product_attention:
            return func(*args, **kwargs)
        query, key, value = args
        return MultiHeadAttention.apply(query, key, value, kwargs.get("attn_mask"), int(query.shape[1]))


class MultiHeadAttention(torch.autograd.Function):
    """Heads [B, H, T, E] over [B, H, S, E], with a boolean mask [B, 1, 1, S] or none, and the usual scale."""

    @staticmethod
    def forward(ctx, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None, heads: int) -> Tensor:
        return F.scaled_dot_product_attention(query, key, value, mask)

    @staticmethod
    def symbolic(g, query, key, value, mask, heads):
        def constant(number: float | list[int]):
            return g.op("Constant", value_t=torch.tensor(number))

        def by_token(x):
            """[B, H, T, E] -> [B, T, H * E]; the optimiser drops this with the model's own transposition."""
            return g.op("Reshape", g.op("Transpose", x, perm_i=[0, 2, 1, 3]), constant([0, 0, -1]))

        inputs = [by_token(query), by_token(key), by_token(value)]
        if not symbolic_helper._is_none(mask):
            hidden = torch.finfo(torch.float32).min
            bias = g.op("Where", mask, constant(0.0), constant(hidden))  # [B, 1, 1, S]
            tokens = g.op("Slice", g.op("Shape", query), constant([2]), constant([3]))
            one = constant([1])
            bias = g.op("Expand", bias, g.op("Concat", one, one, tokens, one, axis_i=0))  # [B, 1, T, S]
            nothing = _nothing(g)
            inputs += [nothing, nothing, bias]  # no bias of the projections, no padding mask
        mixed = g.op("com.microsoft::MultiHeadAttention", *inputs, num_heads_i=heads)
        mixed.setType(torch._C.TensorType.get().with_dtype(torch.float32))  # the tracer cannot know it
        by_head = g.op("Reshape", mixed, constant([0, 0, heads, -1]))
        return g.op("Transpose", by_head, perm_i=[0, 2, 1, 3])


class GroupQueryAttention(torch.autograd.Function):
    """Causal attention of new tokens over a cache and themselves; for tracing only, it computes nothing.

    Takes `packed` [B, T, 3 * D], scaled query, key and value of each new token side by side; the cache `key`
    and `value` [B, H, C, E]; `last` [B] int32, the slot of each row's last token; `total` [] int32, the slots
    in use after this; and the heads H. Returns [B, T, D] and the cache with the new tokens in it: the same
    memory where the caller binds it as input and output.
    """

    @staticmethod
    def forward(ctx, packed: Tensor, key: Tensor, value: Tensor, last, total, heads: int):
        return packed[..., : packed.shape[2] // 3].clone(), key.clone(), value.clone()

    @staticmethod
    def symbolic(g, packed, key, value, last, total, heads):
        nothing = _nothing(g)
        # ONNX Runtime has a kernel for one query that reads the keys as they lie, but only for this scale.
        outputs = g.op(
            "com.microsoft::GroupQueryAttention",
            packed, nothing, nothing, key, value, last, total,
            num_heads_i=heads, kv_num_heads_i=heads, scale_f=1.0, outputs=3,
        )  # fmt: skip
        for output in outputs:
            output.setType(torch._C.TensorType.get().with_dtype(torch.float32))
        return outputs


def _nothing(g):
    """An input that is left out."""
    nothing = g.op("prim::Constant")
    nothing.setType(torch._C.NoneType.get())
    return nothing
