"""The first connectors of paper Table 10 (I): vision features [B, N, C] -> language model inputs [B, M, D].

| Table 10 | kind |
|---|---|
| (a) | `mlp4x_bott4x_gelu`, the default, and other depths; `mlp2x_gelu` and `linear` are LLaVA's |
| (b) | the same with several `layers` |
| (c) | `cross_attention`: the language model attends to these tokens in added layers |
| (d) | `qformer` |
| (e) | `perceiver` |
| (f) | `bert` |
"""

from __future__ import annotations

import re
from collections.abc import Callable

import torch
from torch import Tensor, nn

from ser_ros.errors import UserError
from ser_ros.model.config import ConnectorConfig
from ser_ros.model.transformer import Attention, Block

CONNECTORS: dict[str, Callable[[ConnectorConfig, int, int], nn.Module]] = {}
"""Kind -> (configuration, vision channels, language width) -> module."""


def build_connector(config: ConnectorConfig, channels: int, width: int, decoder_layers: int) -> nn.Module:
    """The connector of `config` from `channels` vision channels to the language model's `width`.

    `decoder_layers` is the depth of the language model, which cross-attention adds a layer to each of.

    Raises:
        UserError: `config.kind` is none of the connectors.
    """
    if config.kind == "cross_attention":
        return CrossAttentionConnector(config, channels, width, decoder_layers)
    mlp = re.fullmatch(r"mlp([2-9])x(_bott\d+x)?_gelu", config.kind)
    if mlp:
        return _mlp(int(mlp[1]), mlp[2] is not None, config, channels, width)
    if config.kind not in CONNECTORS:
        kinds = ", ".join(["mlp4x_bott4x_gelu", "mlp2x_gelu", *CONNECTORS, "cross_attention"])
        raise UserError(f"no connector of kind {config.kind!r}; there are {kinds}")
    return CONNECTORS[config.kind](config, channels, width)


def _linear(config: ConnectorConfig, channels: int, width: int) -> nn.Module:
    return nn.Linear(channels, width)


def _mlp(depth: int, bottleneck: bool, config: ConnectorConfig, channels: int, width: int) -> nn.Module:
    """Linear layers, GELU between them; a bottleneck has none before the last, as in the authors' code."""
    inner = config.hidden if bottleneck else width
    modules: list[nn.Module] = [nn.Linear(channels, inner)]
    for number in range(1, depth):
        last = number == depth - 1
        if not (bottleneck and last):
            modules.append(nn.GELU())
        modules.append(nn.Linear(inner, width if last else inner))
    return nn.Sequential(*modules)


class Resampler(nn.Module):
    """Learned queries that read the patches; the language model sees `queries` tokens instead of N.

    Q-Former style (BLIP-2): the queries attend to each other, then to the patches. Perceiver style
    (Flamingo): they attend to patches and queries together, with no self-attention of their own.
    """

    def __init__(self, config: ConnectorConfig, channels: int, width: int, *, perceiver: bool):
        super().__init__()
        h = config.hidden
        self.perceiver = perceiver
        self.queries = nn.Parameter(torch.randn(config.queries, h) * 0.02)
        self.enter = nn.Linear(channels, h)
        self.enter_norm = nn.LayerNorm(h)
        layer = PerceiverLayer if perceiver else Block
        extra = {} if perceiver else {"cross": True}
        self.blocks = nn.ModuleList(layer(h, config.heads, 4 * h, **extra) for _ in range(config.depth))
        self.leave = nn.Linear(h, width)

    def forward(self, features: Tensor) -> Tensor:
        """[B, N, C] -> [B, queries, D]."""
        patches = self.enter_norm(self.enter(features))
        x = self.queries.expand(features.shape[0], -1, -1)
        for block in self.blocks:
            x = block(x, patches) if self.perceiver else block(x, context=patches)
        return self.leave(x)


class PerceiverLayer(nn.Module):
    """Cross-attention of the queries over patches and queries, then feed-forward; norms before."""

    def __init__(self, width: int, heads: int, ffn: int):
        super().__init__()
        self.query_norm, self.patch_norm, self.ffn_norm = (nn.LayerNorm(width) for _ in range(3))
        self.attention = Attention(width, heads)
        self.ffn = nn.Sequential(nn.Linear(width, ffn), nn.GELU(), nn.Linear(ffn, width))

    def forward(self, x: Tensor, patches: Tensor) -> Tensor:
        queries = self.query_norm(x)
        x = x + self.attention(queries, torch.cat([self.patch_norm(patches), queries], dim=1))
        return x + self.ffn(self.ffn_norm(x))


class BertConnector(nn.Module):
    """BERT-style layers over all patch tokens: DeepLens without its new inputs."""

    def __init__(self, config: ConnectorConfig, channels: int, width: int):
        super().__init__()
        h = config.hidden
        self.enter = nn.Linear(channels, h)
        self.enter_norm = nn.LayerNorm(h)
        self.blocks = nn.ModuleList(Block(h, config.heads, 4 * h) for _ in range(config.depth))
        self.leave = nn.Linear(h, width)

    def forward(self, features: Tensor) -> Tensor:
        """[B, N, C] -> [B, N, D]."""
        x = self.enter_norm(self.enter(features))
        for block in self.blocks:
            x = block(x)
        return self.leave(x)


class CrossLook(nn.Module):
    """One added layer of the language model: hidden states attend to the vision tokens, behind a gate.

    The gate begins shut (Flamingo), so an added layer leaves a trained language model as it was.
    """

    def __init__(self, width: int, heads: int):
        super().__init__()
        self.norm = nn.LayerNorm(width)
        self.attention = Attention(width, heads)
        self.gate = nn.Parameter(torch.zeros(1))

    def forward(self, hidden: Tensor, vision: Tensor) -> Tensor:
        """[B, T, D] over [B, M, D] -> [B, T, D]."""
        return hidden + self.gate.tanh() * self.attention(self.norm(hidden), vision)


class CrossAttentionConnector(nn.Module):
    """Vision as memory for cross-attention, not as input tokens; `looks` work inside the decoder."""

    def __init__(self, config: ConnectorConfig, channels: int, width: int, decoder_layers: int):
        super().__init__()
        self.enter = nn.Linear(channels, width)
        self.enter_norm = nn.LayerNorm(width)
        self.looks = nn.ModuleList(CrossLook(width, config.heads) for _ in range(decoder_layers))

    def forward(self, features: Tensor) -> Tensor:
        """[B, N, C] -> [B, N, D]."""
        return self.enter_norm(self.enter(features))


CONNECTORS.update(
    {
        "linear": _linear,
        "qformer": lambda c, channels, width: Resampler(c, channels, width, perceiver=False),
        "perceiver": lambda c, channels, width: Resampler(c, channels, width, perceiver=True),
        "bert": BertConnector,
    }
)
