"""DeepLens: the second glance's connector (paper section 5, C.1, Figure 11).

Input 1 is the initial caption as the language model's token embeddings, input 2 several hidden states of
the vision tower side by side. Both come to one width, are fused, and leave as as many language model
inputs as there are patches.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ser_ros.errors import UserError
from ser_ros.model.config import DeepLensConfig
from ser_ros.model.transformer import Block


class DeepLens(nn.Module):
    """Fuse the initial caption with multi-layer features; 55 M parameters at the paper's size."""

    def __init__(self, config: DeepLensConfig, vision_width: int, language_width: int):
        super().__init__()
        if config.structure not in ("joint", "cross", "mlp"):
            raise UserError(f"no DeepLens structure {config.structure!r}; there are joint, cross and mlp")
        if config.structure == "mlp" and config.caption:
            raise UserError("the DeepLens structure 'mlp' reads no caption; set deeplens.caption to false")
        self.config = config
        w = config.width
        self.enter = nn.Linear(len(config.layers) * vision_width, w)
        self.enter_norm = nn.LayerNorm(w)
        if config.caption:
            self.caption_enter = nn.Linear(language_width, w)
            # Always visible, so that an empty caption leaves something to attend to.
            self.caption_start = nn.Parameter(torch.randn(1, 1, w) * 0.02)
            self.caption_position = nn.Embedding(config.max_caption, w)
            self.caption_norm = nn.LayerNorm(w)
        cross = config.structure == "cross" and config.caption
        blocks = (
            [nn.Sequential(nn.GELU(), nn.Linear(w, w)) for _ in range(config.depth)]
            if config.structure == "mlp"
            else [Block(w, config.heads, config.ffn, cross=cross) for _ in range(config.depth)]
        )
        self.blocks = nn.ModuleList(blocks)
        self.leave = nn.Linear(w, language_width)

    def forward(
        self, features: Tensor, caption: Tensor | None = None, lengths: Tensor | None = None
    ) -> Tensor:
        """Look again at the features, led by the caption.

        Args:
            features: hidden states side by side, [B, N, len(layers) * Dv].
            caption: token embeddings of the initial captions, right-padded [B, T, D]; None where the
                caption input is switched off.
            lengths: tokens of each caption, [B]; 0 is an empty caption; None means all T.

        Returns:
            Language model inputs [B, N, D].
        """
        patches = self.enter_norm(self.enter(features))  # [B, N, W]
        words, seen = self._caption(caption, lengths) if self.config.caption else (None, None)
        n = patches.shape[1]
        if words is not None and self.config.structure == "joint":
            x = torch.cat([patches, words], dim=1)  # [B, N + 1 + T, W]
            mask = None if seen is None else torch.cat([seen.new_ones(x.shape[0], n), seen], dim=1)
            for block in self.blocks:
                x = block(x, mask)
            patches = x[:, :n]
        elif words is not None:
            for block in self.blocks:
                patches = block(patches, context=words, context_mask=seen)
        else:
            for block in self.blocks:
                patches = block(patches)
        return self.leave(patches)

    def _caption(self, caption: Tensor | None, lengths: Tensor | None) -> tuple[Tensor, Tensor | None]:
        """Caption at the inner width behind its start token [B, 1 + T, W], and the mask [B, 1 + T]."""
        if caption is None:
            raise ValueError("this DeepLens needs the initial caption")
        positions = torch.arange(caption.shape[1], device=caption.device)
        words = self.caption_enter(caption) + self.caption_position(positions)
        start = self.caption_start.expand(words.shape[0], -1, -1)
        words = self.caption_norm(torch.cat([start, words], dim=1))
        if lengths is None:
            return words, None
        slots = torch.arange(words.shape[1], device=caption.device)
        return words, slots[None, :] <= lengths[:, None].to(caption.device)
