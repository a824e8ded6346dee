"""Small pictures of the frames: written while captioning, later embedded in pages."""

from __future__ import annotations

import base64
import io
import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np

WIDTH = 320  # pixels
LEAST_WIDTH = 96  # pixels; what a page with very many frames shrinks them to
BUDGET = 6_500_000  # bytes of base64 in one page, which so stays under 10 MB


def jpeg(image: np.ndarray, width: int, quality: int = 70) -> bytes:
    """A JPEG of `width` pixels, for looking at; image [H, W, 3] uint8."""
    from PIL import Image

    height = max(1, round(image.shape[0] * width / image.shape[1]))
    data = io.BytesIO()
    small = Image.fromarray(image).resize((width, height), Image.Resampling.BILINEAR)
    small.save(data, "JPEG", quality=quality)
    return data.getvalue()


def save_thumbnail(image: np.ndarray, path: Path) -> None:
    """Write the small picture of a frame; image [H, W, 3] uint8."""
    path.write_bytes(jpeg(image, WIDTH))


def data_urls(paths: Mapping[int, Path]) -> dict[int, str]:
    """Data URLs of the thumbnails that exist; smaller ones, then fewer, when they would pass the budget.

    Args:
        paths: thumbnail by frame index.
    """
    from PIL import Image

    present = {index: path for index, path in paths.items() if path.is_file()}
    total = sum(path.stat().st_size for path in present.values()) * 4 / 3
    shrink = min(1.0, (BUDGET / max(total, 1)) ** 0.5)
    urls = {}
    for index, path in present.items():
        data = path.read_bytes()
        if shrink < 1.0:
            with Image.open(io.BytesIO(data)) as picture:
                width = max(LEAST_WIDTH, int(picture.width * shrink))
                data = jpeg(np.asarray(picture.convert("RGB")), width, quality=60)
        urls[index] = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    step = math.ceil(sum(map(len, urls.values())) / BUDGET)
    return dict(list(urls.items())[:: max(1, step)])
