"""Rows to tensors: prompt, answer and picture of one row, and the padding of a batch."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import Dataset

from ser_ros.errors import UserError
from ser_ros.model.config import IGNORE, IMAGE_TOKEN, SerConfig
from ser_ros.model.images import load_image
from ser_ros.model.processor import preprocess
from ser_ros.model.tokenizer import CaptionTokenizer
from ser_ros.train.features import FeatureStore
from ser_ros.train.rows import Row

log = logging.getLogger(__name__)


@dataclass
class Encoded:
    """One row as token ids.

    Attributes:
        ids: prompt with one IMAGE_TOKEN, then the answer.
        labels: IGNORE over the prompt, then the answer's ids.
        initial: ids of the initial caption for DeepLens; None for a first glance.
    """

    ids: list[int]
    labels: list[int]
    initial: list[int] | None


def encode(row: Row, tokenizer: CaptionTokenizer, max_length: int) -> Encoded:
    """Token ids of a row, the answer cut so that all positions, vision included, fit `max_length`.

    Raises:
        UserError: `max_length` leaves no room for a caption.
    """
    config: SerConfig = tokenizer.config
    style = row.style if row.style != "plain" or "plain" in config.prompts else "default"
    initial = None
    if row.initial is not None:
        limit = config.deeplens.max_caption if config.deeplens else 0
        initial = tokenizer.caption_ids(row.initial, style)[:limit]
    if initial is None or not row.in_prompt:
        prompt = tokenizer.glance_prompt(style)
    else:
        prompt = tokenizer.refine_prompt(initial, style)
    vision = config.patches * config.stride(config.patches)
    room = min(max_length, config.language.max_positions) - (len(prompt) - 1 + vision)
    if room < 1:
        raise UserError(
            f"max_length {max_length} leaves no room for a caption after {vision} positions of vision and "
            f"a prompt of {len(prompt)}; raise it (the language model has {config.language.max_positions})"
        )
    answer = tokenizer.answer_ids(row.caption, style)[:room]
    return Encoded([*prompt, *answer], [IGNORE] * len(prompt) + answer, initial)


class CaptionDataset(Dataset):
    """Rows of one stage as tensors."""

    def __init__(
        self,
        rows: Sequence[Row],
        tokenizer: CaptionTokenizer,
        *,
        max_length: int = 2048,
        features: FeatureStore | None = None,
        skip_broken: bool = False,
    ) -> None:
        """`features` replaces pictures by their cached tower features; `skip_broken` takes the next
        row where a picture cannot be decoded, else that is a UserError."""
        self.rows = rows
        self.tokenizer = tokenizer
        self.max_length = max_length
        self.features = features
        self.skip_broken = skip_broken

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> dict[str, Any]:
        """{"ids", "labels", "initial", and "pixels" [3, S, S] float32 or "features" [L, N, D] fp16}."""
        row, picture = first_readable(self.rows, index, self._picture, self.skip_broken)
        encoded = encode(row, self.tokenizer, self.max_length)
        return {"ids": encoded.ids, "labels": encoded.labels, "initial": encoded.initial, **picture}

    def _picture(self, row: Row) -> dict[str, np.ndarray]:
        if self.features is not None:
            return {"features": self.features.read(row.image)}
        return {"pixels": preprocess([load_image(row.image)], self.tokenizer.config.image)[0]}


def first_readable(
    rows: Sequence[Any], index: int, read: Callable[[Any], Any], skip_broken: bool
) -> tuple[Any, Any]:
    """`rows[index]` and what `read` makes of it; with `skip_broken` the next row whose picture can be read.

    Raises:
        UserError: the picture cannot be decoded, or none of all can.
    """
    for offset in range(len(rows)):
        row = rows[(index + offset) % len(rows)]
        try:
            return row, read(row)
        except UserError as error:
            if not skip_broken:
                raise
            log.warning("%s; another row takes its place", error)
    raise UserError("no picture of this stage can be decoded")


def collate(items: Sequence[dict[str, Any]]) -> dict[str, Tensor]:
    """Pad a batch on the right.

    Returns:
        input_ids and labels [B, T]; initial_ids [B, C] and initial_lengths [B], -1 marking a first
        glance, only where the batch has a second one; pixel_values [B, 3, S, S] or
        features [B, L, N, D] fp16.
    """
    batch = {
        "input_ids": _pad([item["ids"] for item in items], 0),
        "labels": _pad([item["labels"] for item in items], IGNORE),
    }
    initials = [item["initial"] for item in items]
    if any(initial is not None for initial in initials):
        batch["initial_ids"] = _pad([initial or [] for initial in initials], 0)
        batch["initial_lengths"] = torch.tensor([-1 if i is None else len(i) for i in initials])
    source, target = ("features", "features") if "features" in items[0] else ("pixels", "pixel_values")
    batch[target] = torch.from_numpy(np.stack([item[source] for item in items]))
    return batch


def _pad(rows: Sequence[Sequence[int]], value: int) -> Tensor:
    # The model finds the picture by the one IMAGE_TOKEN of a row, so padding must be another id.
    assert value != IMAGE_TOKEN
    length = max(1, *(len(row) for row in rows)) if rows else 1
    return torch.tensor([[*row, *[value] * (length - len(row))] for row in rows])
