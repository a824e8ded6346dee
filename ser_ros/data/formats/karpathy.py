"""Karpathy's `dataset_coco.json`: MS COCO with the train / restval / val / test split."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_ros.data.entries import Entry, entries, load_json
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError

# The captioning literature trains on train + restval: 113,287 pictures (paper Table 14).
SPLITS = {"train": ("train", "restval"), "val": ("val",), "test": ("test",)}


def read(path: Path, split: str = "train") -> Iterator[Sample]:
    """Every caption of one split, in the order of the file.

    Args:
        path: `dataset_coco.json`.
        split: "train" (train + restval), "val" or "test".

    Raises:
        UserError: names the file, the entry and the field that is wrong.
    """
    if split not in SPLITS:
        raise UserError(f"split '{split}' is unknown; dataset_coco.json has {', '.join(SPLITS)}")
    content = Entry(path, "the file", load_json(path))
    found = 0
    seen: dict[str, str] = {}
    for image in entries(path, content.get("images", list), "Karpathy dataset_coco.json", "images"):
        if image.text("split") not in SPLITS[split]:
            continue
        found += 1
        filename = image.text("filename")
        folder = image.get("filepath", str, default="")
        image_id = image.id("cocoid", default=image.value.get("imgid", filename))
        if seen.setdefault(image_id, filename) != filename:
            raise image.wrong("cocoid", f"another than that of {seen[image_id]}", image_id)
        for number, sentence in enumerate(image.get("sentences", list)):
            yield Sample(
                image=f"{folder}/{filename}" if folder else filename,
                caption=image.child("sentences", number, sentence).text("raw"),
                image_id=image_id,
                number=number,
            )
    if not found:
        raise UserError(f"{path} has no picture of split '{split}'")
