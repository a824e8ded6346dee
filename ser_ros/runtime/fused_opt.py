"""OPT's decoder over a fixed cache in two thirds of the kernels that transformers' modules launch.

At one token a kernel costs what its launch costs. Query, key and value are one product here, keys and values
go into the cache in one write, and the attention scales its scores itself. The sums are the same.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ser_ros.model.kv_cache import FixedCache
from ser_ros.model.language_model import LanguageModel


class FusedOpt:
    """The layers of a LanguageModel, whose three projections become views of one weight."""

    def __init__(self, language: LanguageModel):
        self._decoder = language.decoder
        self.projections = [_join(layer.self_attn) for layer in language.decoder.layers]

    @staticmethod
    def fits(language: LanguageModel) -> bool:
        """Whether the model is an OPT as all sizes but 350M are, without adapters."""
        return (
            language.config.kind == "opt"
            and language.config.lora is None
            and not language.by_cross_attention
            and language.decoder.config.do_layer_norm_before
            and language.decoder.config.enable_bias
            and language.decoder.config.activation_function == "relu"
            and language.decoder.project_in is None
        )

    def __call__(self, embeds: Tensor, bias: Tensor, positions: Tensor, cache: FixedCache) -> Tensor:
        """Hidden states [1, T, D] of embeddings [1, T, D] at positions [1, T]; scores' bias [1, 1, T, S]."""
        x = embeds + self._decoder.embed_positions(None, position_ids=positions)
        for layer, stored, (weight, offset) in zip(
            self._decoder.layers, cache.layers, self.projections, strict=True
        ):
            attention = layer.self_attn
            mixed = F.linear(layer.self_attn_layer_norm(x), weight, offset)  # [1, T, 3D]
            heads = mixed.unflatten(-1, (3, attention.num_heads, -1)).permute(
                2, 0, 3, 1, 4
            )  # [3, 1, H, T, E]
            keys, values = stored.write(heads[1:])
            seen = F.scaled_dot_product_attention(heads[0], keys, values, bias, scale=attention.scaling)
            x = x + attention.out_proj(seen.transpose(1, 2).flatten(2))
            x = x + layer.fc2(F.relu(layer.fc1(layer.final_layer_norm(x))))
        return self._decoder.final_layer_norm(x)


def _join(attention: nn.Module) -> tuple[Tensor, Tensor]:
    """One weight [3D, D] and bias [3D] for query, key and value; the projections keep views of them."""
    parts = (attention.q_proj, attention.k_proj, attention.v_proj)
    weight = torch.cat([part.weight.data for part in parts])
    bias = torch.cat([part.bias.data for part in parts])
    for part, its_weight, its_bias in zip(parts, weight.chunk(3), bias.chunk(3), strict=True):
        part.weight.data, part.bias.data = its_weight, its_bias
    return weight, bias
