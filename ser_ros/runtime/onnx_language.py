"""The language model as a graph: OPT's decoder over a cache that the caller keeps, logits where wanted.

There are two forms, which only differ in how they keep keys and values.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from ser_ros.model.language_model import LanguageModel
from ser_ros.runtime.onnx_attention import GroupQueryAttention


def cache_names(layers: int) -> list[str]:
    """Names of the cached keys and values of all layers."""
    return [f"{kind}_{layer}" for layer in range(layers) for kind in ("key", "value")]


class _Decoder(nn.Module):
    """OPT without its attention: what stands before, between and after."""

    def __init__(self, language: LanguageModel):
        super().__init__()
        self.language = language

    def begin(self, embeds: Tensor, positions: Tensor) -> Tensor:
        """Inputs of the first layer: [B, T, D]."""
        decoder = self.language.decoder
        x = embeds if decoder.project_in is None else decoder.project_in(embeds)
        return x + decoder.embed_positions(None, position_ids=positions)

    def normal(self, layer: nn.Module, x: Tensor) -> Tensor:
        """What a layer's attention reads."""
        return layer.self_attn_layer_norm(x) if layer.do_layer_norm_before else x

    def finish_layer(self, layer: nn.Module, x: Tensor, mixed: Tensor) -> Tensor:
        """`x` [B, T, D] after attention gave `mixed` [B, T, D], and after the feed-forward part."""
        first = layer.do_layer_norm_before
        x = x + layer.self_attn.out_proj(mixed)
        x = x if first else layer.self_attn_layer_norm(x)
        inner = layer.final_layer_norm(x) if first else x
        x = x + layer.fc2(layer.activation_fn(layer.fc1(inner)))
        return x if first else layer.final_layer_norm(x)

    def logits(self, x: Tensor) -> Tensor:
        """[B, W, D] after the last layer -> [B, W, V]."""
        decoder = self.language.decoder
        if decoder.final_layer_norm is not None:
            x = decoder.final_layer_norm(x)
        if decoder.project_out is not None:
            x = decoder.project_out(x)
        return self.language.next_logits(x)


class Language(_Decoder):
    """In plain operators, which every execution provider has.

    Keys and values of the first forward (the prompt) and of the later ones (the caption) are two caches. A
    later forward reads the prompt's as they are and returns only the caption's longer, so a step copies a few
    tokens instead of some six hundred. Cached keys are transposed, as a step multiplies by them.
    """

    def forward(
        self, embeds: Tensor, positions: Tensor, bias: Tensor, wanted: Tensor, *cached: Tensor
    ) -> tuple[Tensor, ...]:
        layers = self.language.decoder.layers
        prompt, caption = cached[: 2 * len(layers)], cached[2 * len(layers) :]
        x = self.begin(embeds, positions)
        longer: list[Tensor] = []
        for index, layer in enumerate(layers):
            # Of the last layer only the keys and values of the other places are needed.
            rows = wanted if index == len(layers) - 1 else None
            at = slice(2 * index, 2 * index + 2)
            x, *kept = self._layer(layer, x, rows, bias, prompt[at], caption[at])
            longer += kept
        return (self.logits(x), *longer)

    def _layer(
        self,
        layer: nn.Module,
        x: Tensor,
        rows: Tensor | None,
        bias: Tensor,
        prompt: Sequence[Tensor],
        caption: Sequence[Tensor],
    ) -> tuple[Tensor, Tensor, Tensor]:
        """One layer at the places `rows` of `x` [B, T, D]; with the caption's longer key and value."""
        attention, normal = layer.self_attn, self.normal(layer, x)
        k, v = attention.k_proj(normal), attention.v_proj(normal)  # [B, T, D]
        if rows is not None:
            x, normal = at_rows(x, rows), at_rows(normal, rows)
            bias = bias.gather(2, rows[:, None, :, None].expand(-1, -1, -1, bias.shape[3]))
        heads = (attention.num_heads, attention.head_dim)
        key = torch.cat([caption[0], k.unflatten(-1, heads).permute(0, 2, 3, 1)], dim=3)  # [B, H, E, R + T]
        value = torch.cat([caption[1], v.unflatten(-1, heads).transpose(1, 2)], dim=2)  # [B, H, R + T, E]
        q = attention.q_proj(normal).unflatten(-1, heads).transpose(1, 2) * attention.scaling  # [B, H, W, E]
        scores = q @ torch.cat([prompt[0], key], dim=3) + bias  # [B, H, W, P + R + T]
        mixed = scores.softmax(-1) @ torch.cat([prompt[1], value], dim=2)  # [B, H, W, E]
        return self.finish_layer(layer, x, mixed.transpose(1, 2).flatten(2)), key, value


class FusedLanguage(_Decoder):
    """With ONNX Runtime's GroupQueryAttention, which writes keys and values into one cache in place."""

    def __init__(self, language: LanguageModel):
        super().__init__(language)
        self.packed = nn.ModuleList(_packed(layer.self_attn) for layer in language.decoder.layers)

    def forward(
        self, embeds: Tensor, positions: Tensor, last: Tensor, total: Tensor, wanted: Tensor, *cached: Tensor
    ) -> tuple[Tensor, ...]:
        layers = self.language.decoder.layers
        x = self.begin(embeds, positions)
        written: list[Tensor] = []
        for index, layer in enumerate(layers):
            attention, cache = layer.self_attn, cached[2 * index : 2 * index + 2]
            packed = self.packed[index](self.normal(layer, x))  # [B, T, 3 * D]
            mixed, *kept = GroupQueryAttention.apply(packed, *cache, last, total, attention.num_heads)
            if index == len(layers) - 1:
                x, mixed = at_rows(x, wanted), at_rows(mixed, wanted)
            x = self.finish_layer(layer, x, mixed)
            written += kept
        return (self.logits(x), *written)


def _packed(attention: nn.Module) -> nn.Linear:
    """The projections of scaled query, key and value as one."""
    q, k, v = attention.q_proj, attention.k_proj, attention.v_proj
    packed = nn.Linear(q.in_features, 3 * q.out_features, bias=q.bias is not None)
    packed.weight = nn.Parameter(torch.cat([q.weight * attention.scaling, k.weight, v.weight]))
    if packed.bias is not None:
        packed.bias = nn.Parameter(torch.cat([q.bias * attention.scaling, k.bias, v.bias]))
    return packed


def at_rows(x: Tensor, rows: Tensor) -> Tensor:
    """The places `rows` [B, W] of `x` [B, T, D]: [B, W, D]."""
    return x.gather(1, rows[:, :, None].expand(-1, -1, x.shape[2]))
