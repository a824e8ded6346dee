"""GLaMM's GranD: automatically made captions with grounded phrases, one JSON object per picture.

    {"sa_1.jpg": {"objects": [...], "captions": [short, long], "dense_caption"?: {"caption"},
                  "short_captions"?: [{"caption"}], ...}}

The paper trains on one caption of about 45 words per picture. The release keeps it as
`dense_caption`; files of the annotation pipeline (level 3) have only `captions`, whose last is
the longest.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_ros.data.entries import Entry, load_json
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError


def read(path: Path, split: str = "train") -> Iterator[Sample]:
    """The one detailed caption of every picture.

    Args:
        path: a folder of GranD annotation files, or one such file.
        split: unused; GranD has no splits.

    Raises:
        UserError: names the file, the picture and the field that is wrong.
    """
    files = sorted(path.glob("*.json")) if path.is_dir() else [path]
    if not files:
        raise UserError(f"{path} holds no GranD annotation (*.json)")
    for file in files:
        content = load_json(file)
        if not isinstance(content, dict) or not content:
            raise UserError(f"{file} is no GranD file: an object {{picture: annotation}} is needed")
        for image, annotation in content.items():
            caption = _caption(Entry(file, f"picture {image}", annotation))
            yield Sample(image=image, caption=caption, image_id=Path(image).stem)


def _caption(entry: Entry) -> str:
    dense = entry.get("dense_caption", dict, default=None)
    if dense is not None:
        return Entry(entry.path, f"{entry.name}, dense_caption", dense).text("caption")
    captions = entry.get("captions", list)
    if not captions:
        raise entry.missing("dense_caption.caption' or 'captions[0]")
    for number, caption in enumerate(captions):
        if not isinstance(caption, str) or not caption.strip():
            raise entry.wrong(f"captions[{number}]", "text that is not blank", caption)
    return max(captions, key=len).strip()
