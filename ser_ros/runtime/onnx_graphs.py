"""The four graphs of a model: names, shapes and the modules they are traced from.

| Graph | Inputs | Outputs |
|---|---|---|
| tower | pixels [B, 3, S, S] | layer_I [B, N, Dv] for each hidden state I of the buffer |
| connector | features [B, N, C] | vision [B, M, D] |
| deeplens | features [B, N, C], caption [B, T, D], lengths [B]; the last two if it reads the caption | vision [B, N, D] |
| language | embeds [B, T, D], positions [B, T], bias [B, 1, T, P + T], wanted [B, W], key_I and value_I [B, H, P, E] | logits [B, W, V], new_key_I and new_value_I [B, H, P + T, E] |
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ser_ros.model.ser_model import SerModel


@dataclass
class Graph:
    """One part to trace: `inputs` are examples, `dynamic` names the axes that may change."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: list[str]
    dynamic: dict[str, dict[int, str]]


def graphs(model: SerModel) -> Iterator[Graph]:
    """The parts of a model in float32 on the CPU."""
    config = model.config
    side, patches, width = config.image.size, config.patches, config.language.input_width
    names = [f"layer_{index}" for index in model.vision.wanted]
    yield Graph(
        "tower",
        Tower(model),
        {"pixels": torch.zeros(2, 3, side, side)},
        names,
        {name: {0: "images"} for name in ["pixels", *names]},
    )
    channels = len(config.connector.layers) * config.vision_width
    yield Graph(
        "connector",
        model.connector,
        {"features": torch.zeros(2, patches, channels)},
        ["vision"],
        {"features": {0: "images"}, "vision": {0: "images"}},
    )
    if model.deeplens is not None and config.deeplens is not None:
        inputs = {"features": torch.zeros(2, patches, len(config.deeplens.layers) * config.vision_width)}
        dynamic = {"features": {0: "images"}, "vision": {0: "images"}}
        if config.deeplens.caption:
            inputs |= {"caption": torch.zeros(2, 5, width), "lengths": torch.tensor([5, 3])}
            dynamic |= {"caption": {0: "images", 1: "tokens"}, "lengths": {0: "images"}}
        yield Graph("deeplens", model.deeplens, inputs, ["vision"], dynamic)
    yield _language(model)


def _language(model: SerModel) -> Graph:
    decoder = model.language.decoder
    layers, heads = len(decoder.layers), decoder.config.num_attention_heads
    past, new = 3, 2
    inputs = {
        "embeds": torch.zeros(2, new, model.config.language.input_width),
        "positions": torch.arange(past, past + new).expand(2, -1).contiguous(),
        "bias": torch.zeros(2, 1, new, past + new),
        "wanted": torch.zeros(2, 1, dtype=torch.int64),
    }
    dynamic = {
        "embeds": {0: "rows", 1: "tokens"},
        "positions": {0: "rows", 1: "tokens"},
        "bias": {0: "rows", 2: "tokens", 3: "total"},
        "wanted": {0: "rows", 1: "outputs"},
        "logits": {0: "rows", 1: "outputs"},
    }
    for name in cache_names(layers):
        inputs[name] = torch.zeros(2, heads, past, decoder.config.hidden_size // heads)
        dynamic[name] = {0: "rows", 2: "past"}
        dynamic[f"new_{name}"] = {0: "rows", 2: "total"}
    outputs = ["logits", *(f"new_{name}" for name in cache_names(layers))]
    return Graph("language", Language(model), inputs, outputs, dynamic)


def cache_names(layers: int) -> list[str]:
    """Names of the cached keys and values of all layers."""
    return [f"{kind}_{layer}" for layer in range(layers) for kind in ("key", "value")]


class Tower(nn.Module):
    """All vision towers; hidden states of the buffer in ascending order."""

    def __init__(self, model: SerModel):
        super().__init__()
        self.vision = model.vision

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        layers = self.vision(pixels).layers
        return tuple(layers[index] for index in self.vision.wanted)


class Language(nn.Module):
    """OPT's decoder over explicit keys, values and attention bias, and logits where they are wanted."""

    def __init__(self, model: SerModel):
        super().__init__()
        self.language = model.language

    def forward(
        self, embeds: Tensor, positions: Tensor, bias: Tensor, wanted: Tensor, *cached: Tensor
    ) -> tuple[Tensor, ...]:
        decoder = self.language.decoder
        x = embeds if decoder.project_in is None else decoder.project_in(embeds)
        x = x + decoder.embed_positions(None, position_ids=positions)
        names = cache_names(len(decoder.layers))
        cache = ExplicitCache(dict(zip(names, cached, strict=True)))
        for layer in decoder.layers:
            x = layer(x, attention_mask=bias, past_key_values=cache)
        # Only where logits are wanted: the norm and the output words are per position.
        x = x.gather(1, wanted[:, :, None].expand(-1, -1, x.shape[2]))
        if decoder.final_layer_norm is not None:
            x = decoder.final_layer_norm(x)
        if decoder.project_out is not None:
            x = decoder.project_out(x)
        return (self.language.next_logits(x), *(cache.total[name] for name in names))


class ExplicitCache:
    """Keys and values given as tensors; what a decoder layer of transformers calls is `update`."""

    def __init__(self, past: dict[str, Tensor]):
        self.past = past
        self.total: dict[str, Tensor] = {}

    def update(self, keys: Tensor, values: Tensor, layer: int, *_, **__) -> tuple[Tensor, Tensor]:
        for kind, new in (("key", keys), ("value", values)):
            name = f"{kind}_{layer}"
            self.total[name] = torch.cat([self.past[name], new], dim=2)
        return self.total[f"key_{layer}"], self.total[f"value_{layer}"]
