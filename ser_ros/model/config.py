"""Every size, layer index, prompt and processor value of a model: `config.json` of a checkpoint.

The defaults are the paper's full size: CLIP ViT-L/14-336, the four-layer MLP connector, a DeepLens of
about 50 M parameters and OPT-125M. No torch import here.
"""

from __future__ import annotations

import dataclasses
import json
import math
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError
from ser_ros.model.config_check import check
from ser_ros.model.config_json import build

IMAGE_TOKEN = -200
"""Stands in token ids for the vision tokens; never an id of a vocabulary."""

IGNORE = -100
"""Label of a position without loss."""


@dataclass(frozen=True)
class ImageConfig:
    """How an image becomes the tower's input.

    Attributes:
        size: side of the square input in pixels.
        mean: RGB mean on the 0-1 scale; also the colour of the padding.
        std: RGB standard deviation on the 0-1 scale.
        fit: "pad" to a square with the mean colour (the paper), "stretch" to a square, or "crop" the
            middle square.
    """

    size: int = 336
    mean: tuple[float, float, float] = (0.48145466, 0.4578275, 0.40821073)
    std: tuple[float, float, float] = (0.26862954, 0.26130258, 0.27577711)
    fit: str = "pad"


def _clip_large() -> dict[str, Any]:
    return {
        "hidden_size": 1024,
        "intermediate_size": 4096,
        "num_hidden_layers": 24,
        "num_attention_heads": 16,
        "image_size": 336,
        "patch_size": 14,
        "hidden_act": "quick_gelu",
    }


@dataclass(frozen=True)
class TowerConfig:
    """One frozen vision encoder.

    Attributes:
        kind: "clip", "siglip", "siglip2" or "dinov2" (paper Table 8).
        sizes: arguments of the transformers config class of that kind.
        mean, std: normalisation this tower was trained with, where it differs from the image's (second
            tower of CLIP + DINOv2); None keeps the image's.
        stem: channels of a convolutional stem in place of a CLIP tower's patch projection, for towers
            trained from scratch (`ser_ros.model.conv_stem`); () has none, like every published tower.
        merge_after: hidden state index at which each two patches beside each other become their mean, which
            halves the tokens of the layers above and of both glances (docs/model.md); None merges nothing.
    """

    kind: str = "clip"
    sizes: dict[str, Any] = field(default_factory=_clip_large)
    mean: tuple[float, float, float] | None = None
    std: tuple[float, float, float] | None = None
    stem: tuple[int, ...] = ()
    merge_after: int | None = None

    @property
    def stride(self) -> int:
        """Patches that one token of the buffer stands for."""
        return 1 if self.merge_after is None else 2

    @property
    def width(self) -> int:
        return int(self.sizes["hidden_size"])

    @property
    def patches(self) -> int:
        """Patch tokens of one image in the buffer."""
        return self.side**2 // self.stride

    @property
    def pixels(self) -> int:
        """Side of the square that it takes."""
        if self.kind == "siglip2":  # counts its patches instead
            return self.side * int(self.sizes["patch_size"])
        return int(self.sizes["image_size"])

    @property
    def side(self) -> int:
        """Patches in a row of the image."""
        if self.kind == "siglip2":
            return math.isqrt(int(self.sizes["num_patches"]))
        return self.pixels // int(self.sizes["patch_size"])


@dataclass(frozen=True)
class ConnectorConfig:
    """The first glance's way from vision features to the language model (paper Table 10 I).

    Attributes:
        kind: an MLP such as `mlp4x_bott4x_gelu` or `mlp2x_gelu`, or a name in
            `ser_ros.model.connectors.CONNECTORS`.
        layers: hidden states it reads, concatenated on channels; 0 is the embedding, so 23 is
            `hidden_states[-2]` of a 24-layer tower.
        hidden: width of the inner layers (of an MLP, those of its bottleneck).
        depth: Transformer layers, for the kinds that have some.
        heads: attention heads, for the kinds that have some.
        queries: learned queries, for the resampling kinds.
    """

    kind: str = "mlp4x_bott4x_gelu"
    layers: tuple[int, ...] = (23,)
    hidden: int = 3072
    depth: int = 2
    heads: int = 12
    queries: int = 64


@dataclass(frozen=True)
class DeepLensConfig:
    """The second glance's connector (paper section 5 and C.1).

    Attributes:
        layers: hidden states of the tower, concatenated on channels (input 2); a single layer switches
            the multi-layer input off.
        caption: feed the initial caption as token embeddings (input 1).
        structure: "joint": caption and patches in one sequence; "cross": patches attend to the caption
            by cross-attention; "mlp": no Transformer, patches only (paper Table 10 II).
        width, depth, heads, ffn: of its BERT-style encoder layers.
        max_caption: most tokens of an initial caption.
    """

    layers: tuple[int, ...] = (13, 18, 23)
    caption: bool = True
    structure: str = "joint"
    width: int = 1024
    depth: int = 4
    heads: int = 16
    ffn: int = 4096
    max_caption: int = 512


def _opt_125m() -> dict[str, Any]:
    return {
        "vocab_size": 50272,
        "hidden_size": 768,
        "word_embed_proj_dim": 768,
        "num_hidden_layers": 12,
        "num_attention_heads": 12,
        "ffn_dim": 3072,
        "max_position_embeddings": 2048,
        "do_layer_norm_before": True,
    }


@dataclass(frozen=True)
class LoraConfig:
    """Low-rank adapters on the language model (paper Table 5, LLaMA-2).

    Attributes:
        rank: rank of the update.
        alpha: scale numerator; the update is scaled by alpha / rank.
        dropout: on the adapter's input while training, 0-1.
        targets: names of the linear layers that get one.
    """

    rank: int = 128
    alpha: int = 256
    dropout: float = 0.05
    targets: tuple[str, ...] = ("q_proj", "k_proj", "v_proj", "o_proj", "gate_proj", "up_proj", "down_proj")


@dataclass(frozen=True)
class LanguageConfig:
    """The language model.

    Attributes:
        kind: "opt" or "llama".
        sizes: arguments of the transformers config class of that kind.
        bos: id that starts the prompt (OPT: `</s>`, id 2); None for no such token.
        eos: id that ends the caption (OPT: the same).
        lora: adapters, or None to train all weights.
    """

    kind: str = "opt"
    sizes: dict[str, Any] = field(default_factory=_opt_125m)
    bos: int | None = 2
    eos: int = 2
    lora: LoraConfig | None = None

    @property
    def input_width(self) -> int:
        """Width of a token embedding, which is what a connector must produce."""
        return int(self.sizes.get("word_embed_proj_dim") or self.sizes["hidden_size"])

    @property
    def max_positions(self) -> int:
        """Most tokens of prompt, vision and caption together."""
        return int(self.sizes["max_position_embeddings"])


@dataclass(frozen=True)
class Prompt:
    """The texts around one caption; `<image>` stands for the vision tokens.

    Attributes:
        glance: prompt of the first glance.
        refine: prompt of the second; `{initial}` stands for the tokens of the initial caption and may be
            left out; None where this style has no second glance.
        answer: the text to learn or to write, `{caption}` in it; the end token follows if `ends`.
        ends: whether the end token follows the answer.
    """

    glance: str = "USER: <image>What is in the photo? ASSISTANT:"
    refine: str | None = "USER: <image>First glance:{initial} What is in the photo? ASSISTANT:"
    answer: str = " {caption}"
    ends: bool = True


def _prompts() -> dict[str, Prompt]:
    return {
        "default": Prompt(),
        "plain": Prompt(glance="<image>", refine=None, answer="{caption}\n", ends=False),
    }


@dataclass(frozen=True)
class SerConfig:
    """A whole model; see each part. `prompts` maps a style to its texts, the first is the default."""

    image: ImageConfig = field(default_factory=ImageConfig)
    towers: tuple[TowerConfig, ...] = field(default_factory=lambda: (TowerConfig(),))
    connector: ConnectorConfig = field(default_factory=ConnectorConfig)
    deeplens: DeepLensConfig | None = field(default_factory=DeepLensConfig)
    language: LanguageConfig = field(default_factory=LanguageConfig)
    prompts: dict[str, Prompt] = field(default_factory=_prompts)

    @property
    def vision_width(self) -> int:
        """Channels of one hidden state: all towers side by side."""
        return sum(tower.width for tower in self.towers)

    @property
    def patches(self) -> int:
        """Patch tokens of one image in the buffer."""
        return self.towers[0].patches

    def stride(self, vision_tokens: int) -> int:
        """Positions of the language model that one of so many vision tokens takes."""
        return self.towers[0].stride if vision_tokens == self.patches else 1

    @property
    def buffer_layers(self) -> tuple[int, ...]:
        """Hidden states the feature buffer must hold for both glances, ascending."""
        second = self.deeplens.layers if self.deeplens else ()
        return tuple(sorted({*self.connector.layers, *second}))

    def prompt(self, style: str) -> Prompt:
        """The prompt of a style; "default" is the first.

        Raises:
            UserError: the model has no such style.
        """
        if style == "default" and self.prompts:
            style = next(iter(self.prompts))
        if style not in self.prompts:
            raise UserError(f"the model has no style {style!r}; it has {', '.join(self.prompts)}")
        return self.prompts[style]

    def to_json(self) -> str:
        """The text of `config.json`."""
        return json.dumps(dataclasses.asdict(self), indent=2) + "\n"

    @classmethod
    def from_json(cls, text: str, name: str = "config.json") -> SerConfig:
        """Read `config.json`; `name` is how errors call it.

        Raises:
            UserError: not JSON, or a key that this version does not know, or a value of the wrong kind.
        """
        try:
            raw = json.loads(text)
        except json.JSONDecodeError as error:
            raise UserError(f"{name} is not JSON ({error}); take the model folder anew") from None
        config = build(cls, raw, name)
        try:
            config.check(name)
        except (KeyError, TypeError, ValueError, ZeroDivisionError) as error:
            raise UserError(f"{name}: a size is missing or no positive number ({error})") from None
        return config

    @classmethod
    def load(cls, folder: str | Path) -> SerConfig:
        """Read `config.json` in a checkpoint folder.

        Raises:
            UserError: the file is missing or no configuration of this version.
        """
        path = Path(folder) / "config.json"
        try:
            return cls.from_json(path.read_text(encoding="utf-8"), str(path))
        except (OSError, UnicodeDecodeError) as error:
            raise UserError(f"cannot read {path} ({error}); give a model folder") from None

    def check(self, name: str = "config") -> None:
        """Raise UserError, with `name` before it, where parts do not fit together."""
        check(self, name)
