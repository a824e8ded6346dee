"""Dataset formats by name; `read_samples` is the one way in."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

from ser_ros.data.formats import coco, dci, grand, karpathy, llava
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError

# name in a recipe: reader(path, split)
FORMATS: dict[str, Callable[[Path, str], Iterator[Sample]]] = {
    "coco": coco.read,
    "dci": dci.read,
    "grand": grand.read,
    "karpathy": karpathy.read,
    "llava": llava.read,
    "sharegpt4v": llava.read,
}


def read_samples(kind: str, path: Path, split: str = "train") -> list[Sample]:
    """All samples of one dataset file or folder.

    Args:
        kind: a key of `FORMATS`.
        path: annotation file, or folder for "dci" and "grand".
        split: "train", "val" ("valid" for DCI) or "test", where the format has splits.

    Raises:
        UserError: unknown format, anything wrong in the files, or no captioned picture in them.
    """
    if kind not in FORMATS:
        raise UserError(f"dataset format '{kind}' is unknown; choose one of {', '.join(FORMATS)}")
    samples = list(FORMATS[kind](path, split))
    if not samples:
        raise UserError(f"{path} holds no picture with a caption; is it the right file for format '{kind}'?")
    return samples
