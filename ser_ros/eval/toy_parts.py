"""Vision towers and language models of the classes that the recipes name, a few thousand weights each.

They are made from a configuration, with random weights, and saved as transformers folders under the last
part of their hub name: a recipe that starts from `facebook/dinov2-large` starts from `dinov2-large` here.
The towers have 24 layers as the real ones do, so that layers 13, 18 and 23 exist.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ser_ros.data.vocabulary import train_bpe

WIDTH, LAYERS, HEADS, PATCH = 32, 24, 2, 16
VOCABULARY = 800


def save_parts(folder: Path, captions: Sequence[str], side: int) -> None:
    """Write the parts that are not there yet.

    Args:
        folder: where each part gets a folder.
        captions: what the tokenizer learns its words from.
        side: of the pictures in pixels.
    """
    import torch
    from transformers import (
        CLIPVisionConfig,
        CLIPVisionModel,
        Dinov2Config,
        Dinov2Model,
        LlamaConfig,
        LlamaForCausalLM,
        OPTConfig,
        OPTForCausalLM,
        PreTrainedTokenizerFast,
        SiglipVisionConfig,
        SiglipVisionModel,
    )  # fmt: skip

    torch.manual_seed(0)
    tower = {
        "hidden_size": WIDTH, "num_hidden_layers": LAYERS, "num_attention_heads": HEADS,
        "image_size": side, "patch_size": PATCH,
    }  # fmt: skip
    towers: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "clip-vit-large-patch14-336": (CLIPVisionModel, CLIPVisionConfig, {"intermediate_size": 2 * WIDTH}),
        "siglip2-large-patch16-384": (
            SiglipVisionModel, SiglipVisionConfig, {"intermediate_size": 2 * WIDTH},
        ),
        # As the real one, it was made for larger pictures than CLIP.
        "dinov2-large": (Dinov2Model, Dinov2Config, {"mlp_ratio": 2, "image_size": side + PATCH}),
    }  # fmt: skip
    for name, (model, config, more) in towers.items():
        if not (folder / name / "model.safetensors").is_file():
            model(config(**tower | more)).save_pretrained(folder / name)
    tokenizer = train_bpe(captions, VOCABULARY)
    sizes = {
        "vocab_size": tokenizer.get_vocab_size(), "hidden_size": WIDTH, "num_hidden_layers": 1,
        "num_attention_heads": HEADS, "max_position_embeddings": 512,
    }  # fmt: skip
    opt: dict[str, Any] = {
        "ffn_dim": 2 * WIDTH,
        "word_embed_proj_dim": WIDTH,
        "dropout": 0.0,
        "init_std": 0.1,
    }
    languages: dict[str, tuple[Any, Any, dict[str, Any]]] = {
        "opt-125m": (OPTForCausalLM, OPTConfig, opt),
        "opt-1.3b": (OPTForCausalLM, OPTConfig, opt),
        "Llama-2-7b-hf": (
            LlamaForCausalLM,
            LlamaConfig,
            {"intermediate_size": 2 * WIDTH, "initializer_range": 0.1},
        ),
    }
    for name, (model, config, more) in languages.items():
        if not (folder / name / "model.safetensors").is_file():
            fast = PreTrainedTokenizerFast(tokenizer_object=tokenizer, bos_token="<s>", eos_token="</s>")
            fast.save_pretrained(folder / name)
            model(config(**sizes, **more)).save_pretrained(folder / name)
