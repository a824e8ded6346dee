"""`ser_ros.model.processor.preprocess` in torch, on any device, bit for bit.

Pillow resizes 8-bit pictures in integers (its Resample.c), so the same sums give the same picture. It sums
along rows first where both sides shrink alike; which side comes first elsewhere depends on its version, so
only squares are resized here.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache

import numpy as np
import torch
from torch import Tensor

from ser_ros.model.config import ImageConfig
from ser_ros.model.processor import check_image, square_box
from ser_ros.model.processor import preprocess as preprocess_by_pillow

_LONGEST = 4096
"""Longer sides are left to Pillow's strips: their square would take gigabytes on the device."""

_BITS = 22
"""Pillow's fixed point: weights of a sum in units of 2 ** -22."""


class Preprocessor:
    """Square, resize and normalise pictures of one size."""

    def __init__(self, height: int, width: int, config: ImageConfig, device: torch.device):
        self._height, self._width = height, width
        self._left, self._top, right, _ = (int(edge) for edge in square_box(height, width, "pad"))
        self._side = right - self._left
        self._taps = taps(self._side, config.size, device)
        colour = np.array([int(channel * 255) for channel in config.mean], np.uint8)
        self._colour = torch.from_numpy(colour).to(device)[:, None, None]
        self._mean, self._std = (
            torch.tensor(values, device=device)[:, None, None] for values in (config.mean, config.std)
        )

    def __call__(self, image: Tensor) -> tuple[Tensor]:
        """An RGB picture on the device, [H, W, 3] uint8 -> [1, 3, S, S] float32."""
        planes = image.permute(2, 0, 1)
        if self._height != self._width:
            canvas = self._colour.repeat(1, self._side, self._side)
            canvas[:, -self._top :, -self._left :][:, : self._height, : self._width] = planes
            planes = canvas
        pixels = resize(planes, *self._taps).float()
        return (pixels.mul_(1 / 255).sub_(self._mean).div_(self._std)[None],)


preprocessor = lru_cache(maxsize=16)(Preprocessor)
"""The Preprocessor of a size; the latest are kept, as a camera's pictures have one size."""


def preprocess(images: Sequence[np.ndarray], config: ImageConfig, device: torch.device) -> Tensor:
    """Square, resize and normalise RGB images ([H, W, 3] uint8): [B, 3, S, S] float32 on the device.

    Raises:
        UserError: an image of another shape or type.
    """
    for image in images:
        check_image(image)
    if not all(fits_device(image.shape, config) for image in images):
        return torch.from_numpy(preprocess_by_pillow(images, config)).to(device)
    pixels: list[Tensor] = []
    for image in images:
        square = preprocessor(*image.shape[:2], config, device)
        pixels += square(torch.from_numpy(np.array(image)).to(device))
    return torch.cat(pixels)


def fits_device(shape: tuple[int, ...], config: ImageConfig) -> bool:
    """Whether pictures of a shape [H, W, 3] are squared and resized on the device."""
    return config.fit == "pad" and max(shape[:2]) <= _LONGEST


def resize(planes: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Pillow's bicubic resize of a square: [C, S, S] uint8 -> [C, n, n] int32 of 0 to 255.

    Args:
        planes: the picture.
        places: which pixels make each of n, [K, n].
        weights: how much each counts, [K, n] int32, in units of 2 ** -22.
    """
    return _weighted(_weighted(planes, places, weights).mT, places, weights).mT


def _weighted(planes: Tensor, places: Tensor, weights: Tensor) -> Tensor:
    """Sums over the last axis: [C, A, B] with K places and weights for each of n outputs -> [C, A, n]."""
    total = torch.full((*planes.shape[:2], places.shape[1]), 1 << (_BITS - 1), device=planes.device)
    total = total.int()
    for place, weight in zip(places, weights, strict=True):
        total.addcmul_(planes.index_select(2, place).int(), weight)
    return (total >> _BITS).clamp_(0, 255)


def taps(size: int, wanted: int, device: torch.device) -> tuple[Tensor, Tensor]:
    """Which pixels make each of `wanted` pixels out of `size`, and their weights; see `resize`."""
    scale = size / wanted
    stretch = max(scale, 1.0)
    support = 2.0 * stretch
    centre = (np.arange(wanted) + 0.5) * scale
    first = np.maximum((centre - support + 0.5).astype(np.int64), 0)
    end = np.minimum((centre + support + 0.5).astype(np.int64), size)
    places = first + np.arange(int(np.ceil(support)) * 2 + 1)[:, None]  # [K, wanted]
    weights = _bicubic((places - centre + 0.5) * (1 / stretch)) * (places < end)
    weights /= weights.sum(axis=0)
    fixed = np.trunc(weights * (1 << _BITS) + np.where(weights < 0, -0.5, 0.5)).astype(np.int32)
    return (
        torch.from_numpy(np.minimum(places, size - 1)).to(device),
        torch.from_numpy(fixed).to(device),
    )


def _bicubic(x: np.ndarray) -> np.ndarray:
    """Keys' kernel with a = -0.5."""
    x = np.abs(x)
    near = (1.5 * x - 2.5) * x * x + 1
    far = (((x - 5) * x + 8) * x - 4) * -0.5
    return np.where(x < 1, near, np.where(x < 2, far, 0.0))
