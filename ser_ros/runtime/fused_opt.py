"""OPT's decoder over a fixed cache in fewer kernels than transformers' modules launch.

At one token a kernel costs what its launch costs. Query, key and value are one product here, keys and values
go into the cache in one write, and the attention scales its scores itself. Where Triton works, norms,
products, activations and residual sums of one token are four kernels a layer (`row_linear`). The sums are the
same.
"""

from __future__ import annotations

import importlib.util
import logging
from collections.abc import Callable

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from ser_ros.model.kv_cache import FixedCache
from ser_ros.model.language_model import LanguageModel

_log = logging.getLogger(__name__)


class FusedOpt:
    """The layers of a LanguageModel, whose three projections become views of one weight."""

    def __init__(self, language: LanguageModel):
        self._decoder = language.decoder
        self._projections = [_join(layer.self_attn) for layer in language.decoder.layers]
        self._one_row = one_row_linear(language.decoder.layers[0])

    @staticmethod
    def fits(language: LanguageModel) -> bool:
        """Whether the model is an OPT as all sizes but 350M are, without adapters."""
        return (
            language.config.kind == "opt"
            and language.config.lora is None
            and not language.by_cross_attention
            and language.decoder.config.do_layer_norm_before
            and language.decoder.config.enable_bias
            and language.decoder.config.layer_norm_elementwise_affine
            and language.decoder.final_layer_norm is not None
            and language.decoder.config.activation_function == "relu"
            and language.decoder.project_in is None
        )

    def __call__(self, embeds: Tensor, bias: Tensor, positions: Tensor, cache: FixedCache) -> Tensor:
        """Hidden states [1, T, D] of embeddings [1, T, D] at positions [1, T]; scores' bias [1, 1, T, S]."""
        x = embeds + self._decoder.embed_positions(None, position_ids=positions)
        linear = self._one_row if x.shape[1] == 1 else linear_by_torch
        for layer, stored, projection in zip(
            self._decoder.layers, cache.layers, self._projections, strict=True
        ):
            attention, out, fc1, fc2 = layer.self_attn, layer.self_attn.out_proj, layer.fc1, layer.fc2
            mixed = linear(x, *projection, norm=layer.self_attn_layer_norm)  # [1, T, 3D]
            heads = mixed.unflatten(-1, (3, attention.num_heads, -1)).permute(
                2, 0, 3, 1, 4
            )  # [3, 1, H, T, E]
            keys, values = stored.write(heads[1:])
            seen = F.scaled_dot_product_attention(heads[0], keys, values, bias, scale=attention.scaling)
            x = linear(seen.transpose(1, 2).flatten(2), out.weight, out.bias, residual=x)
            inner = linear(x, fc1.weight, fc1.bias, norm=layer.final_layer_norm, relu=True)
            x = linear(inner, fc2.weight, fc2.bias, residual=x)
        return self._decoder.final_layer_norm(x)


def linear_by_torch(
    x: Tensor,
    weight: Tensor,
    bias: Tensor,
    *,
    norm: nn.LayerNorm | None = None,
    relu: bool = False,
    residual: Tensor | None = None,
) -> Tensor:
    """`residual + act(norm(x) @ weight.T + bias)` of any number of rows, as `row_linear` of one."""
    y = F.linear(x if norm is None else norm(x), weight, bias)
    y = F.relu(y) if relu else y
    return y if residual is None else residual + y


def one_row_linear(layer: nn.Module) -> Callable[..., Tensor]:
    """`row_linear` where Triton works for a decoder layer like this one, else `linear_by_torch`."""
    weight, bias = layer.fc1.weight, layer.fc1.bias
    if weight.device.type != "cuda" or importlib.util.find_spec("triton") is None:
        return linear_by_torch
    from ser_ros.runtime.row_linear import row_linear

    try:
        row_linear(weight[:1], weight, bias, norm=layer.final_layer_norm, relu=True, residual=bias[None])
    except Exception as error:  # no C compiler, no Python headers, an old GPU: Triton raises what it meets
        _log.warning("Triton does not work here, a step takes its time in torch: %s", error)
        return linear_by_torch
    return row_linear


def _join(attention: nn.Module) -> tuple[Tensor, Tensor]:
    """One weight [3D, D] and bias [3D] for query, key and value; the projections keep views of them."""
    parts = (attention.q_proj, attention.k_proj, attention.v_proj)
    weight = torch.cat([part.weight.data for part in parts])
    bias = torch.cat([part.bias.data for part in parts])
    for part, its_weight, its_bias in zip(parts, weight.chunk(3), bias.chunk(3), strict=True):
        part.weight.data, part.bias.data = its_weight, its_bias
    return weight, bias
