"""A convolutional stem in place of a tower's patch projection, for towers trained from scratch."""

from __future__ import annotations

from torch import Tensor, nn

FIRST = 4  # side of the first, non-overlapping patches in pixels


class ConvStem(nn.Module):
    """Pixels to patch tokens by convolutions instead of one linear projection.

    A vision transformer learns edges and textures from a linear patch projection slowly; a few
    convolutions in its place need far fewer pictures (Xiao et al., "Early convolutions help
    transformers see better", NeurIPS 2021). The published towers of the paper have none.
    """

    def __init__(self, channels: tuple[int, ...], width: int):
        """`channels` of the maps after 4x4 patches and after each halving; `width` of the tokens."""
        super().__init__()
        self.enter = nn.Conv2d(3, channels[0], FIRST, FIRST)
        self.residual = nn.ModuleList(Residual(c) for c in channels)
        self.halve = nn.ModuleList(
            nn.Conv2d(a, b, 3, 2, 1) for a, b in zip(channels, (*channels[1:], width), strict=True)
        )

    @property
    def weight(self) -> Tensor:
        """transformers asks the projection that this stands for about its dtype."""
        return self.enter.weight

    def forward(self, pixels: Tensor) -> Tensor:
        """pixels [B, 3, S, S] -> tokens [B, width, S / P, S / P] with P = 4 * 2 ** len(channels)."""
        x = self.enter(pixels)
        for residual, halve in zip(self.residual, self.halve, strict=True):
            x = halve(residual(x))
        return x


class Residual(nn.Module):
    """Two 3x3 convolutions around which the input flows on."""

    def __init__(self, channels: int):
        super().__init__()
        self.norm = nn.GroupNorm(1, channels)
        self.first = nn.Conv2d(channels, channels, 3, 1, 1)
        self.second = nn.Conv2d(channels, channels, 3, 1, 1)
        self.act = nn.ReLU()

    def forward(self, x: Tensor) -> Tensor:
        """[B, C, H, W] -> [B, C, H, W]."""
        return self.act(x + self.second(self.act(self.first(self.norm(x)))))


def patch_side(channels: tuple[int, ...]) -> int:
    """Pixels of a side that one token of a stem with these channels stands for."""
    return FIRST * 2 ** len(channels)
