"""A linear layer of one row as one Triton kernel, with the norm before it and the sum after it.

At one row torch launches a kernel each for norm, product, activation and sum, and each takes about as long as
reading the weights. Triton comes with torch on Linux.
"""

from __future__ import annotations

import triton
import triton.language as tl
from torch import Tensor, nn


def row_linear(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    norm: nn.LayerNorm | None = None,
    relu: bool = False,
    residual: Tensor | None = None,
) -> Tensor:
    """`residual + act(norm(x) @ weight.T + bias)` of one row.

    Args:
        x: [..., K] contiguous with one row.
        weight: [N, K] contiguous.
        bias: [N].
        norm: applied to `x` before.
        relu: whether negative results become 0.
        residual: [..., N] contiguous, added after.

    Returns:
        [..., N] in the dtype of `x`, rounded where torch rounds.
    """
    outputs, inputs = weight.shape
    out = x.new_empty(*x.shape[:-1], outputs)
    width = triton.next_power_of_2(inputs)
    rows = max(1, 4096 // width)
    _kernel[(triton.cdiv(outputs, rows),)](
        x,
        x if norm is None else norm.weight,
        x if norm is None else norm.bias,
        weight,
        bias,
        x if residual is None else residual,
        out,
        outputs,
        inputs,
        0.0 if norm is None else norm.eps,
        NORM=norm is not None,
        RELU=relu,
        ADD=residual is not None,
        ROWS=rows,
        WIDTH=width,
    )
    return out


@triton.jit
def _kernel(
    x,
    gain,
    shift,
    weight,
    bias,
    residual,
    out,
    outputs,
    inputs,
    eps,
    NORM: tl.constexpr,
    RELU: tl.constexpr,
    ADD: tl.constexpr,
    ROWS: tl.constexpr,
    WIDTH: tl.constexpr,
):
    """ROWS outputs; every program norms the whole input again, which costs less than another kernel."""
    k = tl.arange(0, WIDTH)
    inside = k < inputs
    n = tl.program_id(0) * ROWS + tl.arange(0, ROWS)
    there = n < outputs
    # Asked for first, as it takes longest.
    rows = tl.load(
        weight + n[:, None] * inputs + k[None, :], mask=there[:, None] & inside[None, :], other=0.0
    )  # [ROWS, WIDTH]
    row = tl.load(x + k, mask=inside, other=0.0).to(tl.float32)
    if NORM:
        away = tl.where(inside, row - tl.sum(row, 0) / inputs, 0.0)
        row = away * tl.rsqrt(tl.sum(away * away, 0) / inputs + eps)
        row = row * tl.load(gain + k, mask=inside, other=0.0).to(tl.float32)
        row = row + tl.load(shift + k, mask=inside, other=0.0).to(tl.float32)
        row = row.to(out.dtype.element_ty).to(tl.float32)
    y = tl.sum(rows.to(tl.float32) * row[None, :], 1)
    y = y + tl.load(bias + n, mask=there, other=0.0).to(tl.float32)
    if RELU:
        y = tl.maximum(y, 0.0)
    if ADD:
        y = y.to(out.dtype.element_ty).to(tl.float32)
        y = y + tl.load(residual + n, mask=there, other=0.0).to(tl.float32)
    tl.store(out + n, y.to(out.dtype.element_ty), mask=there)
