"""Two-layer models of the real classes, small enough to build in a test."""

from __future__ import annotations

from dataclasses import replace

import torch
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from ser_ros.model.config import (
    ConnectorConfig,
    DeepLensConfig,
    ImageConfig,
    LanguageConfig,
    SerConfig,
    TowerConfig,
)
from ser_ros.model.ser_model import SerModel
from ser_ros.model.tokenizer import CaptionTokenizer

VOCABULARY = 400

CAPTIONS = [
    "a red chair stands next to a wooden table",
    "a cat relaxing on a brown chair",
    "two people ride bikes down the street",
    "USER: What is in the photo? ASSISTANT: First glance:",
    "a tall lamp behind a green sofa, and a blue rug in front of it.",
]


def toy_config(**changes) -> SerConfig:
    """CLIP 2 x 32 on 28 px (4 patches), 2-layer OPT of width 24, one-block DeepLens."""
    config = SerConfig(
        image=ImageConfig(size=28),
        towers=(
            TowerConfig(
                sizes={
                    "hidden_size": 32,
                    "intermediate_size": 48,
                    "num_hidden_layers": 3,
                    "num_attention_heads": 2,
                    "image_size": 28,
                    "patch_size": 14,
                }
            ),
        ),
        connector=ConnectorConfig(layers=(2,), hidden=40, depth=1, heads=2, queries=3),
        deeplens=DeepLensConfig(layers=(1, 2), width=16, depth=1, heads=2, ffn=32, max_caption=64),
        language=LanguageConfig(
            sizes={
                "vocab_size": VOCABULARY,
                "hidden_size": 24,
                "word_embed_proj_dim": 24,
                "num_hidden_layers": 2,
                "num_attention_heads": 2,
                "ffn_dim": 48,
                "max_position_embeddings": 256,
                "do_layer_norm_before": True,
                "dropout": 0.0,
            }
        ),
    )
    return replace(config, **changes)


def toy_tokenizer(config: SerConfig) -> CaptionTokenizer:
    """Byte-level BPE like OPT's, with `</s>` as id 2."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    trainer = trainers.BpeTrainer(
        vocab_size=VOCABULARY - 8,
        special_tokens=["<s>", "<pad>", "</s>", "<unk>"],
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(CAPTIONS, trainer)
    return CaptionTokenizer(tokenizer, config)


def toy_model(seed: int = 0, *, spread: float = 0.3, **changes) -> SerModel:
    """A random toy in evaluation mode; `spread` is the std of its matrices, for varied captions."""
    config = toy_config(**changes)
    torch.manual_seed(seed)
    model = SerModel(config, toy_tokenizer(config))
    with torch.no_grad():
        for weight in model.parameters():
            if weight.ndim > 1:
                weight.normal_(0, spread)
        # Random captions are made of words and end now and then, as those of a trained model do.
        words = model.language.decoder.embed_tokens.weight
        for token in range(len(words)):
            text = model.tokenizer.decode_part([token])
            words[token] *= 1.0 if len(text) > 2 and text[0] == " " and text[1:].isalpha() else 0.3
        words[config.language.eos] *= 6
    return model.eval()
