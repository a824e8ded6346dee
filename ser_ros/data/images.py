"""The pictures of a dataset: which of them are missing, and one of them as it is meant to be seen."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.model.images import load_image

__all__ = ["load_image", "missing_images"]


def missing_images(folder: Path, images: Iterable[str]) -> list[str]:
    """The pictures that are not below `folder`, sorted; each directory is listed only once.

    Args:
        folder: image folder of the dataset.
        images: paths relative to it; repeated paths are fine.

    Raises:
        UserError: the folder itself does not exist.
    """
    if not folder.is_dir():
        raise UserError(f"the image folder {folder} does not exist")
    by_directory: dict[str, set[str]] = {}
    for image in set(images):
        directory, name = os.path.split(image)
        by_directory.setdefault(directory, set()).add(name)
    missing: list[str] = []
    for directory, names in by_directory.items():
        place = folder / directory
        present = set(os.listdir(place)) if place.is_dir() else set()
        missing.extend(os.path.join(directory, name) for name in names - present)
    return sorted(missing)
