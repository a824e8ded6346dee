"""The frozen vision encoder, and the buffer of its hidden states that both glances read (paper section 5)."""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from transformers import (
    CLIPVisionConfig,
    CLIPVisionModel,
    Dinov2Config,
    Dinov2Model,
    Siglip2VisionConfig,
    Siglip2VisionModel,
    SiglipVisionConfig,
    SiglipVisionModel,
)

from ser_ros.errors import UserError
from ser_ros.model.config import ImageConfig, SerConfig, TowerConfig
from ser_ros.model.conv_stem import ConvStem, patch_side


@dataclass
class FeatureBuffer:
    """Patch tokens of the hidden states that both glances need, computed once per image.

    Attributes:
        layers: hidden state index -> [B, N, Dv]; the CLS token is dropped.
    """

    layers: dict[int, Tensor]

    def channels(self, layers: tuple[int, ...]) -> Tensor:
        """Hidden states side by side on channels: [B, N, len(layers) * Dv]."""
        return torch.cat([self.layers[layer] for layer in layers], dim=-1)

    def rows(self, index: Tensor | slice) -> FeatureBuffer:
        """The buffer of some of its images."""
        return FeatureBuffer({layer: states[index] for layer, states in self.layers.items()})

    def to(self, *args, **kwargs) -> FeatureBuffer:
        """The buffer on another device or in another dtype, as `Tensor.to`."""
        return FeatureBuffer({layer: states.to(*args, **kwargs) for layer, states in self.layers.items()})


class VisionTower(nn.Module):
    """Embeddings and the first Transformer layers of one encoder; layers above `top` are not built."""

    def __init__(self, config: TowerConfig, image: ImageConfig, top: int):
        super().__init__()
        self.config = config
        self.pre_norm: nn.Module = nn.Identity()
        self.class_tokens = 0
        sizes = {**config.sizes, "num_hidden_layers": top}
        if config.stem and config.kind != "clip":
            raise UserError(f"only a clip tower takes a stem; towers.kind is {config.kind!r}")
        if config.kind == "clip":
            clip = _inner(CLIPVisionModel(CLIPVisionConfig(**sizes)))
            self.embeddings, self.pre_norm, self.layers = (
                clip.embeddings,
                clip.pre_layrnorm,
                clip.encoder.layers,
            )
            if config.stem:
                self.embeddings.patch_embedding = _stem(config)
            self.class_tokens = 1
        elif config.kind == "siglip":
            siglip = _inner(SiglipVisionModel(SiglipVisionConfig(**sizes, vision_use_head=False)))
            self.embeddings, self.layers = siglip.embeddings, siglip.encoder.layers
        elif config.kind == "siglip2":
            siglip2 = _inner(Siglip2VisionModel(Siglip2VisionConfig(**sizes, vision_use_head=False)))
            self.embeddings, self.layers = siglip2.embeddings, siglip2.encoder.layers
        elif config.kind == "dinov2":
            dino = Dinov2Model(Dinov2Config(**sizes, use_mask_token=False))
            self.embeddings, self.layers = dino.embeddings, dino.encoder.layer
            self.class_tokens = 1
        else:
            raise UserError(
                f"no vision tower of kind {config.kind!r}; there are clip, siglip, siglip2 and dinov2"
            )
        # Pixels come normalised for the first tower; scale and shift bring them to this one's statistics.
        self.scale, self.shift = _renormalise(image, config)

    def forward(self, pixels: Tensor, wanted: tuple[int, ...]) -> dict[int, Tensor]:
        """Hidden states of the wanted indices (0 is the embedding), stopping at the highest.

        Args:
            pixels: [B, 3, S, S], normalised with the image's mean and std.
            wanted: hidden state indices, at most `top`.

        Returns:
            index -> patch tokens [B, N, width].
        """
        if self.scale is not None:
            pixels = pixels * pixels.new_tensor(self.scale).view(3, 1, 1) + pixels.new_tensor(
                self.shift
            ).view(3, 1, 1)
        if self.config.kind == "siglip2":
            hidden = self.embeddings(*self._patchify(pixels))
        else:
            hidden = self.embeddings(pixels)
        hidden = self.pre_norm(hidden)  # [B, class_tokens + N, width]
        states = {}
        for index in range(max(wanted) + 1):
            if index:
                layer = self.layers[index - 1]
                hidden = layer(hidden) if self.config.kind == "dinov2" else layer(hidden, None)
            if index == self.config.merge_after:
                hidden = self._merge_pairs(hidden)
            if index in wanted:
                states[index] = hidden
        return {index: state[:, self.class_tokens :] for index, state in states.items()}

    def _merge_pairs(self, hidden: Tensor) -> Tensor:
        """Mean of each two patches beside each other: [B, C + N, W] -> [B, C + N / 2, W], C class tokens.

        Pooling neighbours takes no parameters (DeCo, Yao et al. 2024); doing it inside the tower makes the
        layers above cheaper too, as in ToMe (Bolya et al. 2023).
        """
        patches = hidden[:, self.class_tokens :].unflatten(1, (-1, self.config.stride)).mean(2)
        return torch.cat([hidden[:, : self.class_tokens], patches], dim=1)

    def _patchify(self, pixels: Tensor) -> tuple[Tensor, Tensor]:
        """SigLIP2 takes flat patches (row, column, channel order inside one) and the grid's shape."""
        size = int(self.config.sizes["patch_size"])
        patches = pixels.unfold(2, size, size).unfold(3, size, size)  # [B, 3, g, g, p, p]
        grid = torch.tensor([patches.shape[2:4]] * len(pixels), device=pixels.device)
        return patches.permute(0, 2, 3, 4, 5, 1).flatten(3).flatten(1, 2), grid  # [B, g*g, p*p*3], [B, 2]


class VisionTowers(nn.Module):
    """All towers of a model over one image, their channels side by side (Table 8, CLIP + DINOv2)."""

    def __init__(self, config: SerConfig):
        super().__init__()
        self.wanted = config.buffer_layers
        self.towers = nn.ModuleList(
            VisionTower(tower, config.image, max(self.wanted)) for tower in config.towers
        )

    def forward(self, pixels: Tensor, wanted: tuple[int, ...] | None = None) -> FeatureBuffer:
        """Fill the buffer: `pixels` [B, 3, S, S] -> hidden states of `wanted` (default: of both glances)."""
        wanted = wanted or self.wanted
        states = [tower(pixels, wanted) for tower in self.towers]
        return FeatureBuffer({i: torch.cat([s[i] for s in states], dim=-1) for i in wanted})


def _stem(config: TowerConfig) -> ConvStem:
    patch = int(config.sizes["patch_size"])
    if patch != patch_side(config.stem):
        raise UserError(
            f"a stem of {len(config.stem)} channel numbers makes patches of {patch_side(config.stem)} "
            f"pixels, but towers.sizes.patch_size is {patch}"
        )
    return ConvStem(config.stem, config.width)


def _inner(model: nn.Module) -> nn.Module:
    """The tower itself: older transformers 5, all that Python 3.10 has, wrap it once more."""
    return getattr(model, "vision_model", model)


def _renormalise(
    image: ImageConfig, tower: TowerConfig
) -> tuple[tuple[float, ...] | None, tuple[float, ...] | None]:
    if tower.mean is None or tower.std is None:
        return None, None
    scale = tuple(ours / theirs for ours, theirs in zip(image.std, tower.std, strict=True))
    shift = tuple((a - b) / s for a, b, s in zip(image.mean, tower.mean, tower.std, strict=True))
    return scale, shift
