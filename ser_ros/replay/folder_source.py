"""A folder of images as a recording."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.model.images import load_image
from ser_ros.replay.source import Frame

IMAGE_SUFFIXES = {".jpg", ".jpeg", ".png", ".bmp", ".webp", ".tif", ".tiff"}


def image_files(folder: Path) -> list[Path]:
    """Images of `folder`, numbers in their names in numeric order (2.jpg before 10.jpg)."""

    def key(path: Path) -> list[tuple[int, int, str]]:
        parts = re.split(r"(\d+)", path.name)
        return [(1, int(p), "") if p.isdigit() else (0, 0, p) for p in parts]

    return sorted((p for p in folder.iterdir() if p.suffix.lower() in IMAGE_SUFFIXES), key=key)


class FolderSource:
    """Images in the order of their names, stamped by name where it is a time, else one second apart."""

    def __init__(self, folder: Path):
        self.camera = folder.name
        self.files = image_files(folder)
        self.count = len(self.files)
        self.warnings: list[str] = []

    def frames(self) -> Iterator[Frame]:
        """One frame an image; an unreadable one carries its error."""
        for index, path in enumerate(self.files):
            image, error = None, ""
            try:
                image = load_image(path)
            except UserError as problem:
                error = str(problem)
            yield Frame(index, stamp_of_name(path.stem, index), self.camera, "", image, error)


def stamp_of_name(stem: str, index: int) -> int:
    """Nanoseconds of a name that is a time, as EuRoC (1403636579763555584) or TUM (1305031102.1753) write it.

    Any other name is placed at `index` seconds.
    """
    if stem.isdigit() and len(stem) == 19:
        return int(stem)
    if re.fullmatch(r"\d{10}\.\d+", stem):
        seconds, _, fraction = stem.partition(".")
        return int(seconds) * 10**9 + int(fraction[:9].ljust(9, "0"))
    return index * 10**9
