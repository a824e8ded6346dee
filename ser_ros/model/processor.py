"""From RGB images to the tower's input as CLIP's processor makes it, after LLaVA's padding (no torch)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from PIL import Image

from ser_ros.errors import UserError
from ser_ros.model.config import ImageConfig

_LONGEST = 16
"""Side lengths above this many times the other are cut before the resize, which would need much memory."""

_STRIP = 512
"""Rows that are padded and resized at a time."""


def preprocess(images: Sequence[np.ndarray], config: ImageConfig) -> np.ndarray:
    """Square, resize (bicubic, on 8 bits as CLIP's processor does) and normalise.

    Args:
        images: RGB images, each [H, W, 3] uint8; sizes may differ.
        config: size, mean, std and how the square is made.

    Returns:
        [B, 3, S, S] float32.

    Raises:
        UserError: an image of another shape or type.
    """
    pixels = np.stack([np.asarray(_square(image, config)) for image in images])  # [B, S, S, 3] uint8
    # Planes first, then in place: a tenth of the time of the same arithmetic on interleaved colours.
    planes = np.ascontiguousarray(pixels.transpose(0, 3, 1, 2)).astype(np.float32)  # [B, 3, S, S]
    planes *= np.float32(1 / 255)
    planes -= np.asarray(config.mean, np.float32)[:, None, None]
    planes /= np.asarray(config.std, np.float32)[:, None, None]
    return planes


def square_box(height: int, width: int, fit: str) -> tuple[float, float, float, float]:
    """Where the tower's square lies in the image: left, top, right, bottom in pixels (may reach outside)."""
    if fit == "stretch":
        return 0, 0, width, height
    side = max(height, width) if fit == "pad" else min(height, width)
    # LLaVA's padding and CLIP's crop both round the smaller margin down.
    left = -((side - width) // 2) if fit == "pad" else (width - side) // 2
    top = -((side - height) // 2) if fit == "pad" else (height - side) // 2
    return left, top, left + side, top + side


def check_image(image: np.ndarray) -> None:
    """Raise a UserError unless the image is RGB [H, W, 3] uint8."""
    if not isinstance(image, np.ndarray):
        kind = f"{type(image).__module__}.{type(image).__name__}"
        raise UserError(f"an image must be RGB [H, W, 3] uint8, this one is a {kind}, not an array")
    if image.ndim != 3 or image.shape[2] != 3 or image.dtype != np.uint8 or 0 in image.shape:
        raise UserError(
            f"an image must be RGB [H, W, 3] uint8, this one is {list(image.shape)} {image.dtype}"
        )


def _square(image: np.ndarray, config: ImageConfig) -> Image.Image:
    check_image(image)
    height, width = image.shape[:2]
    picture = Image.fromarray(np.ascontiguousarray(image))
    if config.fit == "pad" and height != width:
        return _padded(picture, config)
    if config.fit == "crop":
        return _middle(picture, config.size)
    if picture.size == (config.size, config.size):
        return picture
    return picture.resize((config.size, config.size), Image.Resampling.BICUBIC)


def _padded(picture: Image.Image, config: ImageConfig) -> Image.Image:
    """The picture in the middle of a square of the mean colour, resized.

    Pillow resizes a square row by row, then column by column, each to 8 bits. Rows of a few strips at a time
    give the same pixels, and a long picture never becomes a square of gigabytes.
    """
    left, top, right, _ = (int(edge) for edge in square_box(picture.height, picture.width, "pad"))
    side = right - left
    colour = tuple(int(channel * 255) for channel in config.mean)
    narrow = Image.new("RGB", (config.size, side), colour)
    for row in range(0, picture.height, _STRIP):
        rows = picture.crop((0, row, picture.width, min(row + _STRIP, picture.height)))
        strip = Image.new("RGB", (side, rows.height), colour)
        strip.paste(rows, (-left, 0))
        narrow.paste(strip.resize((config.size, rows.height), Image.Resampling.BICUBIC), (0, row - top))
    return narrow.resize((config.size, config.size), Image.Resampling.BICUBIC)


def _middle(picture: Image.Image, size: int) -> Image.Image:
    """CLIP's own way: resize by the shorter side, then cut the middle square out."""
    width, height = picture.size
    most = _LONGEST * min(width, height)
    if max(width, height) > most:
        left, top = max(width - most, 0) // 2, max(height - most, 0) // 2
        picture = picture.crop((left, top, width - left, height - top))
        width, height = picture.size
    short = min(width, height)
    picture = picture.resize((size * width // short, size * height // short), Image.Resampling.BICUBIC)
    left, top = (picture.width - size) // 2, (picture.height - size) // 2
    return picture.crop((left, top, left + size, top + size))
