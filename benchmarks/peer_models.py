"""Other captioners of true sizes with random weights, and the authors' way of writing with our model."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
import torch

if TYPE_CHECKING:
    from ser_ros.model.ser_model import SerModel

Caption = Callable[[int], object]
"""Writes a caption of exactly so many tokens."""


def blip(width: int, layers: int, heads: int) -> Caption:
    from transformers import BlipConfig, BlipForConditionalGeneration

    vision = {
        "hidden_size": width, "intermediate_size": 4 * width, "num_hidden_layers": layers,
        "num_attention_heads": heads, "image_size": 384, "patch_size": 16,
    }  # fmt: skip
    config = BlipConfig(vision_config=vision, text_config={"vocab_size": 30524, "encoder_hidden_size": width})
    return writer(BlipForConditionalGeneration(config).eval(), pixel_values=pixels(384))


def git_base() -> Caption:
    from transformers import GitConfig, GitForCausalLM

    model = GitForCausalLM(GitConfig()).eval()  # its defaults are GIT-base's
    return writer(model, pixel_values=pixels(224), input_ids=torch.tensor([[101]]))


def smolvlm(tiles: int) -> Caption:
    """One tile, or 13: its processor cuts 640 x 480 into 4 x 3 and adds the whole picture."""
    from transformers import SmolVLMConfig, SmolVLMForConditionalGeneration

    config = SmolVLMConfig(
        vision_config={
            "hidden_size": 768, "intermediate_size": 3072, "num_hidden_layers": 12, "num_attention_heads": 12,
            "image_size": 512, "patch_size": 16,
        },
        text_config={
            "model_type": "llama", "hidden_size": 576, "intermediate_size": 1536, "num_hidden_layers": 30,
            "num_attention_heads": 9, "num_key_value_heads": 3, "vocab_size": 49280,
            "max_position_embeddings": 8192,
        },
        scale_factor=4,
        image_token_id=49190,
    )  # fmt: skip
    ids = torch.tensor([[*range(100, 110), *[49190] * (64 * tiles), *range(110, 120)]])
    pictures = pixels(512).expand(tiles, -1, -1, -1)[None].contiguous()  # [1, tiles, 3, 512, 512]
    return writer(SmolVLMForConditionalGeneration(config).eval(), pixel_values=pictures, input_ids=ids)


def florence_base() -> Caption:
    from transformers import Florence2Config, Florence2ForConditionalGeneration

    config = Florence2Config(
        vision_config={
            "embed_dim": [128, 256, 512, 1024], "num_heads": [4, 8, 16, 32], "num_groups": [4, 8, 16, 32],
            "depths": [1, 1, 9, 1], "projection_dim": 768,
        },
        text_config={
            "model_type": "bart", "vocab_size": 51328, "d_model": 768, "encoder_layers": 6,
            "decoder_layers": 6, "encoder_attention_heads": 12, "decoder_attention_heads": 12,
            "encoder_ffn_dim": 3072, "decoder_ffn_dim": 3072,
        },
        image_token_id=51289,
    )  # fmt: skip
    ids = torch.tensor([[*[51289] * 577, *range(100, 110)]])
    return writer(Florence2ForConditionalGeneration(config).eval(), pixel_values=pixels(768), input_ids=ids)


def llava_7b() -> Caption:
    from transformers import LlavaConfig, LlavaForConditionalGeneration

    config = LlavaConfig(image_token_index=31999)  # its defaults are LLaVA-1.5-7B's
    ids = torch.tensor([[1, *range(100, 110), *[config.image_token_index] * 576, *range(110, 125)]])
    return writer(LlavaForConditionalGeneration(config).eval(), pixel_values=pixels(336), input_ids=ids)


def writer(model: torch.nn.Module, **inputs: torch.Tensor) -> Caption:
    """Greedy captions of a model of transformers; the end token is barred."""

    def caption(tokens: int) -> None:
        with torch.inference_mode():
            model.generate(
                **inputs, do_sample=False, num_beams=1, min_new_tokens=tokens, max_new_tokens=tokens
            )

    return caption


def pixels(side: int) -> torch.Tensor:
    """Not zeros, which SmolVLM takes for padding and leaves out."""
    return torch.rand(1, 3, side, side)


def seconds(function: Callable, *arguments: object) -> float:
    """That a call takes, its work on a GPU included."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    start = time.perf_counter()
    function(*arguments)
    if torch.cuda.is_available():
        torch.cuda.synchronize()
    return time.perf_counter() - start


def authors(model: SerModel) -> Caption:
    """Both glances as published: tower, connector, DeepLens and prefill run once for each of three beams."""
    from ser_ros.model.describe import Clock

    beams = 3
    assert model.tokenizer is not None  # a model folder always has one
    words = model.tokenizer
    image = np.zeros((480, 640, 3), np.uint8)

    def caption(tokens: int) -> None:
        initial = list(range(10, 10 + tokens))
        features = model.encode([image] * beams, Clock())
        prompts = [words.glance_prompt()] * beams
        write(model.open_glance(features, prompts, 2 * beams, Clock()), tokens)
        prompts = [words.refine_prompt(initial)] * beams
        write(model.open_refine(features, prompts, [initial] * beams, 2 * beams, Clock()), tokens)

    def write(session, tokens: int) -> None:
        session.prefill(np.zeros((beams, 0), np.int64), np.zeros(beams, np.int64))
        for step in range(tokens):
            session.reorder(np.array([0, 0, 1]))  # beams rarely stay in their places
            session.extend(np.full((beams, 1), 10 + step), np.ones(beams, np.int64))

    return caption


def peer(name: str, device: str) -> Caption:
    """Build one of PEERS with its inputs where it will run: weights drawn on a GPU take no time."""
    torch.set_default_dtype(torch.bfloat16)
    try:
        with torch.device(device):
            return PEERS[name]()
    finally:
        torch.set_default_dtype(torch.float32)


PEERS: dict[str, Callable[[], Caption]] = {
    "blip-base": lambda: blip(768, 12, 12),
    "blip-large": lambda: blip(1024, 24, 16),
    "git-base": git_base,
    "smolvlm-256m": lambda: smolvlm(1),
    "smolvlm-256m-tiled": lambda: smolvlm(13),
    "florence-2-base": florence_base,
    "llava-1.5-7b": llava_7b,
}
