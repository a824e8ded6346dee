"""The decoder of the reconstruction probe: MAE's decoder over unmasked tower features (paper H.4)."""

from __future__ import annotations

import torch
from torch import Tensor, nn


def sincos_positions(grid: int, width: int) -> Tensor:
    """Fixed 2-D sine-cosine positions [grid * grid, width], row by row; half for y, half for x."""
    if width % 4:
        raise ValueError(f"width {width} is not a multiple of 4")
    rates = 1.0 / 10000 ** (torch.arange(width // 4, dtype=torch.float64) / (width // 4))
    angles = torch.arange(grid, dtype=torch.float64)[:, None] * rates  # [grid, width / 4]
    axis = torch.cat([angles.sin(), angles.cos()], dim=1)  # [grid, width / 2]
    y = axis[:, None, :].expand(grid, grid, -1)
    x = axis[None, :, :].expand(grid, grid, -1)
    return torch.cat([x, y], dim=2).reshape(grid * grid, width).float()


def patchify(pixels: Tensor, grid: int) -> Tensor:
    """Pixels [B, 3, S, S] as the decoder's targets [B, grid * grid, p * p * 3], S = grid * p."""
    b, c, s, _ = pixels.shape
    p = s // grid
    return pixels.reshape(b, c, grid, p, grid, p).permute(0, 2, 4, 3, 5, 1).reshape(b, grid * grid, p * p * c)


def unpatchify(patches: Tensor, grid: int) -> Tensor:
    """The inverse of `patchify`."""
    b, _, values = patches.shape
    p = round((values // 3) ** 0.5)
    return patches.reshape(b, grid, grid, p, p, 3).permute(0, 5, 1, 3, 2, 4).reshape(b, 3, grid * p, grid * p)


class MaeDecoder(nn.Module):
    """Linear entry, fixed positions, pre-norm Transformer blocks, linear exit to pixels."""

    def __init__(self, channels: int, patches: int, patch: int, width: int, depth: int, heads: int) -> None:
        """
        Args:
            channels: of the features of one patch, all layers side by side.
            patches: of one picture.
            patch: side of a patch in pixels.
            width, depth, heads: of the blocks.
        """
        super().__init__()
        self.grid = round(patches**0.5)
        self.enter = nn.Linear(channels, width)
        self.register_buffer("positions", sincos_positions(self.grid, width), persistent=False)
        block = nn.TransformerEncoderLayer(
            width, heads, 4 * width, dropout=0.0, activation="gelu", batch_first=True, norm_first=True
        )
        self.blocks = nn.TransformerEncoder(block, depth, nn.LayerNorm(width), enable_nested_tensor=False)
        self.leave = nn.Linear(width, patch * patch * 3)

    def forward(self, features: Tensor) -> Tensor:
        """Features [B, N, channels] -> patches [B, N, p * p * 3]."""
        return self.leave(self.blocks(self.enter(features) + self.positions))
