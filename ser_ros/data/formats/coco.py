"""COCO caption annotations (`captions_train2017.json`); the simulated home writes the same format.

{"images": [{"id", "file_name"}], "annotations": [{"id", "image_id", "caption", "style"?}]}
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_ros.data.entries import Entry, entries, load_json
from ser_ros.data.sample import CaptionCounter, Sample


def read(path: Path, split: str = "train") -> Iterator[Sample]:
    """Every annotation, grouped by picture in the order of `images`.

    Args:
        path: the annotation file.
        split: unused; COCO keeps one file per split.

    Raises:
        UserError: names the file, the entry and the field that is wrong, also for an annotation
            of a picture that `images` does not list.
    """
    content = Entry(path, "the file", load_json(path))
    names: dict[str, str] = {}
    for image in entries(path, content.get("images", list), "COCO caption", "images"):
        image_id, name = image.id("id"), image.text("file_name")
        if names.setdefault(image_id, name) != name:
            raise image.wrong("id", f"another than that of {names[image_id]}", image.value["id"])
    captions: dict[str, list[tuple[str, str]]] = {image_id: [] for image_id in names}
    for annotation in entries(path, content.get("annotations", list), "COCO caption", "annotations"):
        image_id = annotation.id("image_id")
        if image_id not in captions:
            raise annotation.wrong("image_id", "the id of an entry of 'images'", image_id)
        style = annotation.get("style", str, default="default")
        captions[image_id].append((annotation.text("caption"), style))
    counter = CaptionCounter()
    for image_id, file_name in names.items():
        for caption, style in captions[image_id]:
            yield Sample(
                image=file_name,
                caption=caption,
                image_id=image_id,
                number=counter.next(image_id),
                style=style,
            )
