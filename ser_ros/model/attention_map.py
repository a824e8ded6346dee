"""Where the language model looked while it wrote a word (paper Figure 5, H.3)."""

from __future__ import annotations

import math
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

import numpy as np
import torch
from PIL import Image, ImageDraw
from torch import Tensor

from ser_ros.errors import UserError
from ser_ros.model.config import IMAGE_TOKEN, ImageConfig
from ser_ros.model.decoding.session import Written
from ser_ros.model.processor import square_box
from ser_ros.model.ser_model import SerModel

_COLOURS = np.array([[0, 0, 80], [0, 60, 255], [0, 220, 200], [250, 220, 0], [255, 30, 0]], float)
"""Heat from nothing to most."""


@dataclass(frozen=True)
class Look:
    """One glance: its caption, and the attention over the patch grid [g, g] that sums to 1.

    `attention` is None where the caption does not have the word.
    """

    caption: str
    attention: np.ndarray | None


@torch.inference_mode()
def look(
    model: SerModel,
    image: np.ndarray,
    word: str,
    *,
    style: str = "default",
    max_tokens: int = 77,
    beams: int = 1,
) -> tuple[Look, Look | None]:
    """Attention to `word` in the first and, where the model has one, in the second glance.

    Args:
        model: the network, on torch.
        image: RGB [H, W, 3] uint8.
        word: a word or phrase of a caption, upper and lower case alike.
        style, max_tokens, beams: as in `describe`.

    Raises:
        UserError: neither caption has the word, or the connector leaves no patch grid.
    """
    written, features = model.glance([image], style=style, max_tokens=max_tokens, beams=beams)
    tokens = model.tokenizer
    assert tokens is not None  # glance needs it too
    first = _look(model, tokens.glance_prompt(style), model.first_tokens(features), written[0], word)
    second = None
    if model.deeplens is not None:
        initial = written[0].ids
        refined = model.refine(features, written, style=style, max_tokens=max_tokens, beams=beams)[0]
        vision = model.second_tokens(features, torch.tensor([initial], dtype=torch.long))
        second = _look(model, tokens.refine_prompt(initial, style), vision, refined, word)
    if first.attention is None and (second is None or second.attention is None):
        captions = " / ".join(repr(glance.caption) for glance in (first, second) if glance)
        raise UserError(f"the caption has no {word!r}: {captions}")
    return first, second


def _look(model: SerModel, prompt: list[int], vision: Tensor, written: Written, word: str) -> Look:
    assert model.tokenizer is not None
    side = math.isqrt(vision.shape[1])
    if side * side != vision.shape[1] or vision.shape[1] != model.config.patches:
        raise UserError(
            f"connector {model.config.connector.kind!r} or towers.merge_after leaves no patch grid "
            "to draw attention on"
        )
    caption = model.tokenizer.decode(written.ids)
    places = word_tokens(
        [model.tokenizer.decode_part(written.ids[:n]) for n in range(len(written.ids) + 1)], word
    )
    if not places:
        return Look(caption, None)
    embeds = model.merge(torch.tensor([prompt + written.ids]), vision)
    start, shift = prompt.index(IMAGE_TOKEN), len(prompt) - 1 + vision.shape[1]
    # A token is produced at the position before it.
    rows = [shift + place - 1 for place in places]
    seen = _attentions(model, embeds)[:, rows, start : start + vision.shape[1]].mean(dim=(0, 1))
    return Look(caption, (seen / seen.sum()).reshape(side, side).float().cpu().numpy())


def _attentions(model: SerModel, embeds: Tensor) -> Tensor:
    """Mean over the heads of each layer, [layers, T, T]."""
    decoder = model.language.decoder
    kept = decoder.config._attn_implementation
    # Only the eager implementation has the weights.
    decoder.set_attn_implementation("eager")
    try:
        layers = decoder(inputs_embeds=embeds, output_attentions=True, use_cache=False).attentions
    finally:
        decoder.set_attn_implementation(kept)
    return torch.stack([layer[0].float().mean(dim=0) for layer in layers])


def word_tokens(prefixes: Sequence[str], word: str) -> list[int]:
    """Tokens that write the first occurrence of `word` as whole words.

    Args:
        prefixes: text of the first 0, 1, 2, ... tokens.
        word: a word or phrase.

    Returns:
        Indices of tokens; empty where the word is not there.
    """
    text, wanted = prefixes[-1].lower(), word.strip().lower()
    at = text.find(wanted) if wanted else -1
    while at >= 0:
        end = at + len(wanted)
        if not (at and text[at - 1].isalnum()) and not text[end : end + 1].isalnum():
            spans = pairwise(prefixes)
            return [i for i, (a, b) in enumerate(spans) if len(a) < end and len(b) > at]
        at = text.find(wanted, at + 1)
    return []


def overlay(image: np.ndarray, attention: np.ndarray, config: ImageConfig) -> Image.Image:
    """The image with its attention as heat, in the image's own size.

    Args:
        image: RGB [H, W, 3] uint8.
        attention: [g, g] over the square that the tower saw.
        config: how the image became that square.
    """
    height, width = image.shape[:2]
    left, top, right, bottom = square_box(height, width, config.fit)
    heat = Image.fromarray((attention / max(attention.max(), 1e-12)).astype(np.float32))
    heat = heat.resize((round(right - left), round(bottom - top)), Image.Resampling.BICUBIC)
    canvas = Image.new("F", (width, height), 0.0)
    canvas.paste(heat, (round(left), round(top)))
    level = np.clip(np.asarray(canvas), 0, 1)[..., None]  # [H, W, 1]
    place = level[..., 0] * (len(_COLOURS) - 1)
    colour = np.stack([np.interp(place, range(len(_COLOURS)), _COLOURS[:, c]) for c in range(3)], axis=-1)
    mixed = image * (1 - 0.65 * np.sqrt(level)) + colour * 0.65 * np.sqrt(level)
    return Image.fromarray(np.rint(mixed).astype(np.uint8))


def draw(image: np.ndarray, looks: Sequence[Look], config: ImageConfig) -> Image.Image:
    """Glances side by side, each over its caption; a glance without the word shows the plain image."""
    shown = Image.fromarray(image)
    shown.thumbnail((640, 640))
    small = np.asarray(shown)
    panels = [
        shown if glance.attention is None else overlay(small, glance.attention, config) for glance in looks
    ]
    columns = max(20, shown.width // 7)
    texts = [textwrap.fill(glance.caption, columns) for glance in looks]
    footer = 14 * max(text.count("\n") + 1 for text in texts) + 10
    sheet = Image.new("RGB", ((shown.width + 8) * len(looks) - 8, shown.height + footer), "white")
    pen = ImageDraw.Draw(sheet)
    for index, (panel, text) in enumerate(zip(panels, texts, strict=True)):
        x = index * (shown.width + 8)
        sheet.paste(panel, (x, 0))
        pen.text((x + 4, shown.height + 4), text, fill="black")
    return sheet
