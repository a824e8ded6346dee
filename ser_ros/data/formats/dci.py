"""DCI, Densely Captioned Images: one JSON file per picture, ten summaries each.

The folder holds `splits.json` ({"train": [file names], ...}), `complete/` (annotations with
summaries) and `photos/`. The paper's ten captions are the summaries of the whole picture
(`summaries["base"]`).
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_ros.data.entries import Entry, load_json
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError


def read(path: Path, split: str = "train") -> Iterator[Sample]:
    """The base summaries of every picture of one split.

    Args:
        path: the DCI folder, or a folder that holds its annotation files only.
        split: "train", "valid" or "test" of `splits.json`; without that file all annotations.

    Raises:
        UserError: names the file and the field that is wrong.
    """
    if not path.is_dir():
        raise UserError(f"{path} is no folder; DCI is a folder with splits.json, complete/ and photos/")
    annotations = next((path / name for name in ("complete", "annotations") if (path / name).is_dir()), path)
    for name in _names(path, annotations, split):
        file = annotations / name
        entry = Entry(file, "the file", load_json(file))
        image = entry.text("image")
        summaries = Entry(file, "summaries", entry.get("summaries", dict)).get("base", list, str)
        for number, summary in enumerate([summaries] if isinstance(summaries, str) else summaries):
            if not isinstance(summary, str) or not summary.strip():
                raise entry.wrong(f"summaries.base[{number}]", "text that is not blank", summary)
            yield Sample(image=image, caption=summary.strip(), image_id=Path(image).stem, number=number)


def _names(folder: Path, annotations: Path, split: str) -> list[str]:
    splits = folder / "splits.json"
    if splits.is_file():
        listed = Entry(splits, "the file", load_json(splits))
        if split not in listed.value:
            raise UserError(f"{splits} has no split '{split}'; it has {', '.join(listed.value)}")
        for number, name in enumerate(names := listed.get(split, list)):
            if not isinstance(name, str):
                raise listed.wrong(f"{split}[{number}]", "the name of an annotation file", name)
        return names
    names = sorted(file.name for file in annotations.glob("*.json"))
    if not names:
        raise UserError(f"{annotations} holds no DCI annotation (*.json)")
    return names
