"""Even out the channels that 8-bit products read, without pictures and without changing the model.

All channels of a product's input share one 8-bit scale, so one large channel coarsens all others. A factor
for each channel moves into the weights that read it where float32 stays equal and no operator is added:
between LayerNorm and its products, between values and the output of attention (attention mixes tokens, not
channels), and across ReLU. The factors are those of SmoothQuant (Xiao et al. 2023) at its strength of a half,
with sizes predicted from the weights instead of measured (as in Nagel et al. 2019, "Data-free quantization").
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ser_ros.model.ser_model import SerModel
from ser_ros.model.transformer import Attention

_REACH = 3.0
"""Standard deviations that a channel is taken to reach from its mean."""


@torch.no_grad()
def equalise(model: SerModel) -> None:
    """Rescale, in place, channels of CLIP and SigLIP towers, DeepLens, connector and an OPT language model.

    A LayerNorm whose output also flows on as a residual (blocks with the norm behind) stays as it is.
    """
    for tower in model.vision.towers:
        if tower.config.kind in ("clip", "siglip"):
            for layer in tower.layers:
                _clip_layer(layer)
    for layer in model.language.decoder.layers:
        _opt_layer(layer)
    for module in model.modules():
        if isinstance(module, Attention):
            _even_linear(module.value, module.out, None)


def _clip_layer(layer: nn.Module) -> None:
    attention = layer.self_attn
    _even_norm(layer.layer_norm1, [attention.q_proj, attention.k_proj, attention.v_proj])
    _even_linear(attention.v_proj, attention.out_proj, layer.layer_norm1)
    _even_norm(layer.layer_norm2, [layer.mlp.fc1])


def _opt_layer(layer: nn.Module) -> None:
    attention, norm, final = layer.self_attn, layer.self_attn_layer_norm, layer.final_layer_norm
    # Without weights of its own a LayerNorm has nothing to move, and its output is of unit size.
    before = layer.do_layer_norm_before and norm.elementwise_affine
    if before:
        _even_norm(norm, [attention.q_proj, attention.k_proj, attention.v_proj])
        _even_norm(final, [layer.fc1])
    _even_linear(attention.v_proj, attention.out_proj, norm if before else None)
    if isinstance(layer.activation_fn, nn.ReLU):
        _even_linear(layer.fc1, layer.fc2, final if before else None)


def _even_norm(norm: nn.LayerNorm, readers: Sequence[nn.Linear]) -> None:
    """Between a LayerNorm and all that reads it."""
    factors = _factors(norm.bias.abs() + _REACH * norm.weight.abs(), readers)
    norm.weight /= factors
    norm.bias /= factors
    for reader in readers:
        reader.weight *= factors


def _even_linear(first: nn.Linear, second: nn.Linear, norm: nn.LayerNorm | None) -> None:
    """Between two products, where nothing between them mixes channels.

    `norm` feeds the first product; None stands for an input of unit size.
    """
    weight = first.weight if norm is None else first.weight * norm.weight
    size = _REACH * weight.norm(dim=1)
    if first.bias is not None:
        mean = first.bias if norm is None else first.bias + first.weight @ norm.bias
        size = size + mean.abs()
    factors = _factors(size, [second])
    first.weight /= factors[:, None]
    if first.bias is not None:
        first.bias /= factors
    second.weight *= factors


def _factors(size: Tensor, readers: Sequence[nn.Linear]) -> Tensor:
    """What to divide each channel [K] of predicted `size` by, and to multiply its weights with.

    At least 1: a channel that hardly weighs may be large all the same, and is never made larger.
    """
    weights = torch.stack([reader.weight.abs().amax(dim=0) for reader in readers]).amax(dim=0)
    tiny = torch.finfo(size.dtype).tiny
    ratio = (size / size.median().clamp(min=tiny)) * (weights.median() / weights.clamp(min=tiny))
    # A channel that nothing reads has no weight to scale; an unbounded factor would overflow.
    return torch.where(weights > 0, ratio, torch.ones_like(ratio)).sqrt().clamp(1.0, 1e3)
