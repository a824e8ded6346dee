"""The four graphs of a model: names, shapes and the modules they are traced from.

| Graph | Inputs | Outputs |
|---|---|---|
| tower | pixels [B, 3, S, S] | layer_I [B, N, Dv] for each hidden state I of the buffer |
| connector | features [B, N, C] | vision [B, M, D] |
| deeplens | features [B, N, C]; caption [B, T, D] and lengths [B] if it reads the caption | vision [B, N, D] |
| deeplens, fused | features [B, N, C]; caption [B, T, D] if it reads the caption, all T of it | vision [B, N, D] |
| language | embeds [B, T, D], positions [B, T], bias [B, 1, T, P + R + T], wanted [B, W], prompt_key_I [B, H, E, P], prompt_value_I [B, H, P, E], key_I [B, H, E, R], value_I [B, H, R, E] | logits [B, W, V], new_key_I [B, H, E, R + T], new_value_I [B, H, R + T, E] |
| language, fused | embeds [B, T, D], positions [B, T], last [B] int32, total [] int32, wanted [B, W], key_I and value_I [B, H, C, E] | logits [B, W, V], new_key_I and new_value_I [B, H, C, E] |
"""  # noqa: E501 - a table

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from ser_ros.model.ser_model import SerModel
from ser_ros.runtime.onnx_attention import HEAD_WIDTHS
from ser_ros.runtime.onnx_language import FusedLanguage, Language, cache_names

_DYNAMIC = {
    "embeds": {0: "rows", 1: "tokens"},
    "positions": {0: "rows", 1: "tokens"},
    "wanted": {0: "rows", 1: "outputs"},
    "logits": {0: "rows", 1: "outputs"},
}
"""Free axes that both forms of the language model have."""


@dataclass
class Graph:
    """One part to trace: `inputs` are examples, `dynamic` names the axes that may change."""

    name: str
    module: nn.Module
    inputs: dict[str, Tensor]
    outputs: list[str]
    dynamic: dict[str, dict[int, str]]


def graphs(model: SerModel, fused: bool) -> Iterator[Graph]:
    """The parts of a model in float32 on the CPU; `fused` takes ONNX Runtime's own attention."""
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
            inputs["caption"] = torch.zeros(2, 5, width)
            dynamic["caption"] = {0: "images", 1: "tokens"}
            if not fused:  # MultiHeadAttention is faster without a mask
                inputs["lengths"] = torch.tensor([5, 3])
                dynamic["lengths"] = {0: "images"}
        yield Graph("deeplens", model.deeplens, inputs, ["vision"], dynamic)
    attention = model.language.decoder.layers[0].self_attn
    fits = attention.head_dim % HEAD_WIDTHS == 0
    yield _fused_language(model) if fused and fits else _language(model)


def _language(model: SerModel) -> Graph:
    decoder = model.language.decoder
    layers, heads = len(decoder.layers), decoder.config.num_attention_heads
    prompt, caption, new = 3, 1, 2
    inputs = {
        "embeds": torch.zeros(2, new, model.config.language.input_width),
        "positions": torch.arange(prompt + caption, prompt + caption + new).expand(2, -1).contiguous(),
        "bias": torch.zeros(2, 1, new, prompt + caption + new),
        "wanted": torch.zeros(2, 1, dtype=torch.int64),
    }
    dynamic = {**_DYNAMIC, "bias": {0: "rows", 2: "tokens", 3: "total"}}
    width = decoder.config.hidden_size // heads
    for part, slots, name in (("prompt", prompt, "prompt_"), ("caption", caption, "")):
        for entry in cache_names(layers):
            by_key = entry.startswith("key")
            shape = (width, slots) if by_key else (slots, width)
            inputs[name + entry] = torch.zeros(2, heads, *shape)
            dynamic[name + entry] = {0: "rows", 3 if by_key else 2: part}
            dynamic[f"new_{entry}"] = {0: "rows", 3 if by_key else 2: "longer"}
    outputs = ["logits", *(f"new_{name}" for name in cache_names(layers))]
    return Graph("language", Language(model.language), inputs, outputs, dynamic)


def _fused_language(model: SerModel) -> Graph:
    attention = model.language.decoder.layers[0].self_attn
    names = cache_names(len(model.language.decoder.layers))
    slots, used, new = 8, 3, 2
    inputs = {
        "embeds": torch.zeros(2, new, model.config.language.input_width),
        "positions": torch.arange(used, used + new).expand(2, -1).contiguous(),
        "last": torch.tensor([used + new - 1] * 2, dtype=torch.int32),
        "total": torch.tensor(used + new, dtype=torch.int32),
        "wanted": torch.zeros(2, 1, dtype=torch.int64),
    }
    dynamic = {**_DYNAMIC, "last": {0: "rows"}}
    for name in names:
        inputs[name] = torch.zeros(2, attention.num_heads, slots, attention.head_dim)
        dynamic[name] = dynamic[f"new_{name}"] = {0: "rows", 2: "slots"}
    outputs = ["logits", *(f"new_{name}" for name in names)]
    return Graph("language", FusedLanguage(model.language), inputs, outputs, dynamic)


class Tower(nn.Module):
    """All vision towers; hidden states of the buffer in ascending order."""

    def __init__(self, model: SerModel):
        super().__init__()
        self.vision = model.vision

    def forward(self, pixels: Tensor) -> tuple[Tensor, ...]:
        layers = self.vision(pixels).layers
        return tuple(layers[index] for index in self.vision.wanted)
