"""Positions of tokens in a prompt whose vision tokens were merged (no torch import)."""

from __future__ import annotations

import numpy as np


def spread_positions(slots: np.ndarray, image: np.ndarray, tokens: int, stride: int) -> np.ndarray:
    """Give each vision token the middle of the places of the patches it stands for.

    A language model trained on all patches learned where the image begins and ends, and writes nonsense when
    the text after it moves to other positions (docs/model.md).

    Args:
        slots: places in the row, counted from 0, [B, T] int64.
        image: the place of the first vision token of each row, [B] int64.
        tokens: vision tokens of a row.
        stride: patches that one vision token stands for; 1 changes nothing.

    Returns:
        [B, T] int64.
    """
    inside = slots - image[:, None]
    vision = image[:, None] + inside * stride + stride // 2
    return np.where(inside < 0, slots, np.where(inside < tokens, vision, slots + tokens * (stride - 1)))
