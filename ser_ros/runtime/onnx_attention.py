"""Attention by ONNX Runtime's own operators, for graphs that run there alone (those in 8 bits).

`scaled_dot_product_attention` of towers and connectors becomes `com.microsoft.MultiHeadAttention`. The
decoder's becomes `ser_ros.CachedAttention`, a function that its graph carries along (a model-local function
of ONNX): a long prompt goes to MultiHeadAttention in pieces, of which each sees only what lies before it, and
later tokens multiply with the prompt's cache where it lies.
"""

from __future__ import annotations

import onnx
import torch
from onnx import parser
from torch import Tensor
from torch.nn import functional as F
from torch.onnx import symbolic_helper
from torch.overrides import TorchFunctionMode

_PIECE = """
      start_{i} = Mul (step, {first})
      query_{i} = Slice (query, start_{i}, end_{i}, one)
      key_{i} = Slice (key, zero, end_{i}, one)
      value_{i} = Slice (value, zero, end_{i}, one)
      rows_{i} = Slice (bias, start_{i}, end_{i}, two)
      bias_{i} = Slice (rows_{i}, zero, end_{i}, three)
      mixed_{i} = com.microsoft.MultiHeadAttention <num_heads: int = @heads, scale: float = @scale>
        (query_{i}, key_{i}, value_{i}, , , bias_{i})"""

_CACHED_ATTENTION = """
<domain: "ser_ros", opset_import: ["" : 17, "com.microsoft" : 1]>
CachedAttention <heads, scale>
  (query, key, value, prompt_key, prompt_value, keys, values, bias) => (mixed)
{
  zero = Constant <value_ints = [0]> ()
  one = Constant <value_ints = [1]> ()
  two = Constant <value_ints = [2]> ()
  three = Constant <value_ints = [3]> ()
  four = Constant <value_ints = [4]> ()
  long = Constant <value_ints = [64]> ()
  cached = Shape <start = 3> (prompt_key)
  length = Shape <start = 1, end = 2> (key)
  asked = Shape <start = 1, end = 2> (query)
  nothing_cached = Equal (cached, zero)
  all_asked = Equal (asked, length)
  is_long = GreaterOrEqual (length, long)
  is_prompt = And (nothing_cached, all_asked)
  in_pieces = And (is_prompt, is_long)
  mixed = If (in_pieces) <
    then_branch = prompt () => (by_piece)
    {
      step = Div (length, four)
      end_0 = Identity (step)
      end_1 = Mul (step, two)
      end_2 = Mul (step, three)
      end_3 = Identity (length)
      PIECES
      by_piece = Concat <axis = 1> (mixed_0, mixed_1, mixed_2, mixed_3)
    },
    else_branch = caption () => (by_cache)
    {
      kept = Constant <value_ints = [0, 0]> ()
      rest = Constant <value_ints = [-1]> ()
      heads = Shape <start = 1, end = 2> (values)
      apart = Concat <axis = 0> (kept, heads, rest)
      together = Concat <axis = 0> (kept, rest)
      factor = Constant <value_float: float = @scale> ()
      scaled = Mul (query, factor)
      split = Reshape (scaled, apart)
      by_head = Transpose <perm = [0, 2, 1, 3]> (split)
      to_prompt = MatMul (by_head, prompt_key)
      to_caption = MatMul (by_head, keys)
      scores = Concat <axis = 3> (to_prompt, to_caption)
      seen = Add (scores, bias)
      shares = Softmax <axis = -1> (seen)
      total = Shape <start = 3> (shares)
      of_prompt = Slice (shares, zero, cached, three)
      of_caption = Slice (shares, cached, total, three)
      from_prompt = MatMul (of_prompt, prompt_value)
      from_caption = MatMul (of_caption, values)
      sum = Add (from_prompt, from_caption)
      by_token = Transpose <perm = [0, 2, 1, 3]> (sum)
      by_cache = Reshape (by_token, together)
    }
  >
}
""".replace(
    "PIECES",
    "".join(_PIECE.format(i=i, first=first) for i, first in enumerate(("zero", "one", "two", "three"))),
)
# Of a prompt of 600 tokens, four pieces take half the time of one, and more gain nothing (2 vCPU with AMX).


class FusedAttention(TorchFunctionMode):
    """While it is entered, `scaled_dot_product_attention` is traced as MultiHeadAttention."""

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
            nothing = g.op("prim::Constant")
            nothing.setType(torch._C.NoneType.get())
            inputs += [nothing, nothing, bias]  # no bias of the projections, no padding mask
        mixed = g.op("com.microsoft::MultiHeadAttention", *inputs, num_heads_i=heads)
        mixed.setType(torch._C.TensorType.get().with_dtype(torch.float32))  # the tracer cannot know it
        by_head = g.op("Reshape", mixed, constant([0, 0, heads, -1]))
        return g.op("Transpose", by_head, perm_i=[0, 2, 1, 3])


class CachedAttention(torch.autograd.Function):
    """Attention of new tokens over a prompt's cache, a caption's cache and themselves.

    Takes `query` [B, W, D] of all new tokens or of some; `key` and `value` of the new tokens [B, T, D]; the
    prompt's `prompt_key` [B, H, E, P] and `prompt_value` [B, H, P, E]; the caption's `keys` [B, H, E, R + T]
    and `values` [B, H, R + T, E] with the new tokens in them; `bias` [B, 1, W, P + R + T]; the heads H and
    the scale. Returns [B, W, D].
    """

    @staticmethod
    def portable(
        query: Tensor,
        _key: Tensor,
        _value: Tensor,
        prompt_key: Tensor,
        prompt_value: Tensor,
        keys: Tensor,
        values: Tensor,
        bias: Tensor,
        heads: int,
        scale: float,
    ) -> Tensor:
        """The same in plain operators, which every execution provider has."""
        q = query.unflatten(-1, (heads, -1)).transpose(1, 2)  # [B, H, W, E]
        scores = (q * scale) @ torch.cat([prompt_key, keys], dim=3) + bias  # [B, H, W, P + R + T]
        mixed = scores.softmax(-1) @ torch.cat([prompt_value, values], dim=2)  # [B, H, W, E]
        return mixed.transpose(1, 2).flatten(2)

    @staticmethod
    def forward(ctx, *inputs) -> Tensor:
        return CachedAttention.portable(*inputs)

    @staticmethod
    def symbolic(g, *inputs):
        *tensors, heads, scale = inputs
        mixed = g.op("ser_ros::CachedAttention", *tensors, heads_i=heads, scale_f=scale)
        return mixed.setType(torch._C.TensorType.get().with_dtype(torch.float32))


def add_functions(model: onnx.ModelProto) -> None:
    """Give a traced graph the function of ours, if it calls it."""
    if any(node.domain == "ser_ros" for node in model.graph.node):
        model.functions.append(parser.parse_function(_CACHED_ATTENTION))
        if "com.microsoft" not in {opset.domain for opset in model.opset_import}:
            model.opset_import.append(onnx.helper.make_opsetid("com.microsoft", 1))
