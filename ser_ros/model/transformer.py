"""The BERT-style block (Devlin 2019) that DeepLens and some first connectors are built of."""

from __future__ import annotations

from torch import Tensor, nn
from torch.nn import functional as F

from ser_ros.errors import UserError


class Attention(nn.Module):
    """Multi-head attention of `x` over `context`.

    Raises:
        UserError: the heads cannot share the channels.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        if heads < 1 or width % heads:
            raise UserError(f"{heads} attention heads cannot share {width} channels; heads must divide them")
        self.heads = heads
        self.query, self.key, self.value = (nn.Linear(width, width) for _ in range(3))
        self.out = nn.Linear(width, width)

    def forward(self, x: Tensor, context: Tensor, mask: Tensor | None = None) -> Tensor:
        """`x` [B, T, D], `context` [B, S, D], `mask` [B, S] true where a token may be seen -> [B, T, D]."""
        q, k, v = (
            self._split(f(y)) for f, y in ((self.query, x), (self.key, context), (self.value, context))
        )
        seen = None if mask is None else mask[:, None, None, :]  # [B, 1, 1, S]
        mixed = F.scaled_dot_product_attention(q, k, v, attn_mask=seen)  # [B, H, T, D/H]
        return self.out(mixed.transpose(1, 2).flatten(2))

    def _split(self, x: Tensor) -> Tensor:
        return x.unflatten(-1, (self.heads, -1)).transpose(1, 2)  # [B, H, T, D/H]


class Block(nn.Module):
    """Self-attention, optional cross-attention, feed-forward; each with a residual and LayerNorm after it."""

    def __init__(self, width: int, heads: int, ffn: int, *, cross: bool = False):
        super().__init__()
        self.attention, self.attention_norm = Attention(width, heads), nn.LayerNorm(width)
        self.cross = Attention(width, heads) if cross else None
        self.cross_norm = nn.LayerNorm(width) if cross else None
        self.ffn = nn.Sequential(nn.Linear(width, ffn), nn.GELU(), nn.Linear(ffn, width))
        self.ffn_norm = nn.LayerNorm(width)

    def forward(
        self,
        x: Tensor,
        mask: Tensor | None = None,
        context: Tensor | None = None,
        context_mask: Tensor | None = None,
    ) -> Tensor:
        """`x` [B, T, D] with `mask` [B, T]; `context` [B, S, D] with `context_mask` [B, S] -> [B, T, D]."""
        x = self.attention_norm(x + self.attention(x, x, mask))
        if self.cross is not None and self.cross_norm is not None and context is not None:
            x = self.cross_norm(x + self.cross(x, context, context_mask))
        return self.ffn_norm(x + self.ffn(x))
