"""Skip an image when nothing changed since the last one that was captioned.

A 16x16 thumbnail in colour costs far less than the vision tower. The gate compares it with the
one of the last *captioned* image, so a slow change adds up until it is seen.
"""

from __future__ import annotations

import numpy as np

GRID = 16  # cells a side
_SAMPLES = 8  # pixels a side that are averaged in one cell
_STRONGEST = 12  # cells that decide: a small object covers few of them (5 % of 256)


def thumbnail(picture: np.ndarray) -> np.ndarray:
    """Mean colour of each cell.

    Args:
        picture: [H, W, 3] uint8, any size.

    Returns:
        [GRID, GRID, 3] float32 in 0..255.
    """
    height, width = picture.shape[:2]
    side = GRID * _SAMPLES
    # nearest samples: averaging all of a 4K image would cost more than it tells
    rows = (np.arange(side) * height + height // 2) // side
    columns = (np.arange(side) * width + width // 2) // side
    # At camera rate this is most of what a skipped image costs: two `take` and sums of whole rows need a
    # fifth of the time of one index with both and a mean over two axes.
    samples = picture.take(rows, axis=0).take(columns, axis=1)  # [side, side, 3]
    sums = samples.reshape(GRID, _SAMPLES, side * 3).sum(axis=1, dtype=np.uint16)
    sums = sums.reshape(GRID, GRID, _SAMPLES, 3).sum(axis=2, dtype=np.uint16)  # at most 64 * 255
    return sums / np.float32(_SAMPLES**2)


def change(before: np.ndarray, after: np.ndarray) -> float:
    """How much two thumbnails differ where they differ most, in 0..1.

    A shift of all cells by the same amount (automatic exposure, white balance) does not count.
    """
    difference = after - before
    difference -= np.median(difference, axis=(0, 1))
    cells = np.abs(difference).max(axis=2).ravel()
    return float(np.partition(cells, -_STRONGEST)[-_STRONGEST:].mean()) / 255.0


class KeyframeGate:
    """Remembers the thumbnail of the last captioned image of each camera; for one thread."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[np.ndarray, float]] = {}

    def is_keyframe(
        self, camera: str, picture: np.ndarray, now: float, threshold: float, longest: float
    ) -> bool:
        """Whether to caption `picture`; if so it becomes the image to compare with.

        Args:
            camera: name of its camera.
            picture: [H, W, 3] uint8.
            now: seconds, of the clock that `longest` counts in.
            threshold: smallest change that counts, 0..1; 0 makes every image a keyframe.
            longest: seconds after which an image is captioned though nothing changed; 0 is never.
        """
        if threshold <= 0:
            self._last.pop(camera, None)
            return True
        seen = thumbnail(picture)
        last = self._last.get(camera)
        if last is not None:
            thumb, when = last
            overdue = longest > 0 and now - when >= longest
            if not overdue and now >= when and change(thumb, seen) < threshold:
                return False
        self._last[camera] = (seen, now)
        return True

    def forget(self, camera: str) -> None:
        """The image that passed was not captioned after all: the next one is a keyframe."""
        self._last.pop(camera, None)

    def reset(self) -> None:
        """Forget all cameras (the clock jumped back)."""
        self._last.clear()
