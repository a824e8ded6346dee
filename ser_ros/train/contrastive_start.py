"""The small model before anything is learned: vocabulary, sizes, text tower, model folder."""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path

import torch
from tokenizers import Tokenizer
from torch import Tensor, nn

from ser_ros.data.vocabulary import train_bpe
from ser_ros.errors import UserError
from ser_ros.model.config import (
    ConnectorConfig,
    DeepLensConfig,
    ImageConfig,
    LanguageConfig,
    Prompt,
    SerConfig,
    TowerConfig,
)
from ser_ros.model.ser_model import SerModel
from ser_ros.model.tokenizer import CaptionTokenizer
from ser_ros.model.transformer import Block
from ser_ros.train.contrastive_data import MEAN, STD


@dataclass(frozen=True)
class Sizes:
    """Sizes of the small model.

    Attributes:
        image: side of the picture in pixels, a multiple of `patch`.
        patch: side of a patch in pixels.
        stem: channels of the tower's convolutional stem; () projects patches linearly.
        width: of the tower, the text tower and the language model.
        tower_depth: layers of the vision tower; the first glance reads the last one.
        second_layers: hidden states that DeepLens reads.
        heads: attention heads everywhere.
        connector: inner width of the connector.
        deeplens_width, deeplens_depth: of DeepLens.
        language_depth: layers of the language model.
        text_depth: layers of the text tower.
        vocabulary: most tokens of the BPE vocabulary.
    """

    image: int = 192
    patch: int = 16
    stem: tuple[int, ...] = (64, 128)
    width: int = 192
    tower_depth: int = 3
    second_layers: tuple[int, ...] = (1, 2, 3)
    heads: int = 3
    connector: int = 384
    deeplens_width: int = 192
    deeplens_depth: int = 2
    language_depth: int = 3
    text_depth: int = 1
    vocabulary: int = 2000


def train_vocabulary(folder: Path, size: int) -> Tokenizer:
    """Byte-level BPE of the captions in a rendered split.

    Raises:
        UserError: the folder has no captions.json.
    """
    path = folder / "captions.json"
    if not path.is_file():
        raise UserError(f"{path} is missing: run `ser_ros sim render --out {folder}` first")
    captions = sorted({a["caption"] for a in json.loads(path.read_text())["annotations"]})
    return train_bpe(captions, size)


def fresh_model(sizes: Sizes, tokenizer: Tokenizer) -> SerModel:
    """A model of these sizes with random weights.

    Raises:
        UserError: `heads` is no divisor of a width, or `patch` none of `image`.
    """
    for whole, part in (("width", "heads"), ("deeplens_width", "heads"), ("image", "patch")):
        if getattr(sizes, whole) % getattr(sizes, part):
            raise UserError(
                f"sizes.{whole} is {getattr(sizes, whole)}, no multiple of sizes.{part}: "
                f"{getattr(sizes, part)}; change one of them"
            )
    tower = {
        "hidden_size": sizes.width,
        "intermediate_size": 4 * sizes.width,
        # One more than is read, as in the paper: the first glance takes the last but one.
        "num_hidden_layers": sizes.tower_depth + 1,
        "num_attention_heads": sizes.heads,
        "image_size": sizes.image,
        "patch_size": sizes.patch,
        "hidden_act": "gelu",
    }
    language = {
        "vocab_size": (tokenizer.get_vocab_size() + 7) // 8 * 8,
        "hidden_size": sizes.width,
        "word_embed_proj_dim": sizes.width,
        "num_hidden_layers": sizes.language_depth,
        "num_attention_heads": sizes.heads,
        "ffn_dim": 4 * sizes.width,
        "max_position_embeddings": 384,
        "do_layer_norm_before": True,
        "dropout": 0.0,
    }
    config = SerConfig(
        image=ImageConfig(size=sizes.image, mean=(MEAN,) * 3, std=(STD,) * 3),
        towers=(TowerConfig(sizes=tower, stem=tuple(sizes.stem)),),
        connector=ConnectorConfig(layers=(sizes.tower_depth,), hidden=sizes.connector),
        deeplens=DeepLensConfig(
            layers=tuple(sizes.second_layers),
            width=sizes.deeplens_width,
            depth=sizes.deeplens_depth,
            heads=sizes.heads,
            ffn=3 * sizes.deeplens_width,
            max_caption=128,
        ),
        language=LanguageConfig(sizes=language),
        prompts={
            "default": Prompt("<image> Caption:", "<image>{initial} Caption:"),
            "detailed": Prompt("<image> Details:", "<image>{initial} Details:"),
            "plain": Prompt(glance="<image>", refine=None, answer="{caption}\n", ends=False),
        },
    )
    return SerModel(config, CaptionTokenizer(tokenizer, config))


class TextTower(nn.Module):
    """Captions and words to unit vectors: token embeddings, a few blocks, the mean over the tokens."""

    def __init__(self, sizes: Sizes, vocabulary: int):
        super().__init__()
        self.tokens = nn.Embedding(vocabulary, sizes.width)
        self.positions = nn.Embedding(96, sizes.width)
        self.blocks = nn.ModuleList(
            Block(sizes.width, sizes.heads, 2 * sizes.width) for _ in range(sizes.text_depth)
        )
        self.leave = nn.Linear(sizes.width, sizes.width)

    def forward(self, ids: Tensor, lengths: Tensor) -> Tensor:
        """ids [B, T] with `lengths` [B] -> unit vectors [B, W]."""
        places = torch.arange(ids.shape[1], device=ids.device)
        mask = places[None] < lengths[:, None]
        x = self.tokens(ids) + self.positions(places)
        for block in self.blocks:
            x = block(x, mask)
        mean = (x * mask[..., None]).sum(1) / lengths[:, None]
        return nn.functional.normalize(self.leave(mean), dim=-1)
