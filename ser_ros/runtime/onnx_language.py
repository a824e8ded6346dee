"""The language model as a graph: OPT's decoder over a cache that the caller keeps, logits where wanted.

Keys and values of the first forward (the prompt) and of the later ones (the caption) are two caches. A later
forward reads the prompt's as they are and returns only the caption's longer, so a step copies a few tokens
instead of some six hundred. Cached keys are transposed, as a step multiplies by them.
"""

from __future__ import annotations

import torch
from torch import Tensor, nn

from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.onnx_attention import CachedAttention


def cache_names(layers: int) -> list[str]:
    """Names of the cached keys and values of all layers."""
    return [f"{kind}_{layer}" for layer in range(layers) for kind in ("key", "value")]


class Language(nn.Module):
    """OPT's decoder over explicit keys, values and attention bias.

    Inputs and outputs are those of the graph `language` (`ser_ros.runtime.onnx_graphs`). `fused` takes the
    attention of ONNX Runtime's own operators.
    """

    def __init__(self, model: SerModel, fused: bool):
        super().__init__()
        self.language = model.language
        self.fused = fused

    def forward(
        self, embeds: Tensor, positions: Tensor, bias: Tensor, wanted: Tensor, *cached: Tensor
    ) -> tuple[Tensor, ...]:
        decoder = self.language.decoder
        count = len(decoder.layers)
        prompt, caption = cached[: 2 * count], cached[2 * count :]
        x = embeds if decoder.project_in is None else decoder.project_in(embeds)
        x = x + decoder.embed_positions(None, position_ids=positions)
        longer: list[Tensor] = []
        for index, layer in enumerate(decoder.layers):
            # Of the last layer only the keys and values of the other places are needed.
            rows = wanted if index == count - 1 else None
            at = slice(2 * index, 2 * index + 2)
            x, *kept = self._layer(layer, x, rows, bias, *prompt[at], *caption[at])
            longer += kept
        if decoder.final_layer_norm is not None:
            x = decoder.final_layer_norm(x)
        if decoder.project_out is not None:
            x = decoder.project_out(x)
        return (self.language.next_logits(x), *longer)

    def _layer(
        self,
        layer: nn.Module,
        x: Tensor,
        rows: Tensor | None,
        bias: Tensor,
        prompt_key: Tensor,
        prompt_value: Tensor,
        key: Tensor,
        value: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer of OPT at the places `rows` of `x` [B, T, D]; with the caption's longer key and value."""
        attention, first = layer.self_attn, layer.do_layer_norm_before
        normal = layer.self_attn_layer_norm(x) if first else x
        k, v = attention.k_proj(normal), attention.v_proj(normal)  # [B, T, D]
        if rows is not None:
            x, normal = at_rows(x, rows), at_rows(normal, rows)
            bias = bias.gather(2, rows[:, None, :, None].expand(-1, -1, -1, bias.shape[3]))
        heads = (attention.num_heads, attention.head_dim)
        key = torch.cat([key, k.unflatten(-1, heads).permute(0, 2, 3, 1)], dim=3)  # [B, H, E, R + T]
        value = torch.cat([value, v.unflatten(-1, heads).transpose(1, 2)], dim=2)  # [B, H, R + T, E]
        attend = CachedAttention.apply if self.fused else CachedAttention.portable
        query, scale = attention.q_proj(normal), attention.scaling
        mixed = attend(query, k, v, prompt_key, prompt_value, key, value, bias, heads[0], scale)  # [B, W, D]
        x = x + attention.out_proj(mixed)
        x = x if first else layer.self_attn_layer_norm(x)
        inner = layer.final_layer_norm(x) if first else x
        x = x + layer.fc2(layer.activation_fn(layer.fc1(inner)))
        return (x if first else layer.final_layer_norm(x)), key, value


def at_rows(x: Tensor, rows: Tensor) -> Tensor:
    """The places `rows` [B, W] of `x` [B, T, D]: [B, W, D]."""
    return x.gather(1, rows[:, :, None].expand(-1, -1, x.shape[2]))
