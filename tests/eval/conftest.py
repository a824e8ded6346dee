"""A small benchmark: real photos' captions where the labelled data is, written files everywhere."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace

import pytest

CAPTIONS = {
    1: ["A red chair next to a table.", "A chair by the wooden table.", "There is a red chair."],
    2: ["Two dogs run on the grass.", "A pair of dogs playing in a field."],
    3: ["A man's t.v. is on.", "The man watches television on a couch."],
}
SAID = {1: "A red chair beside a table.", 2: "A cat on the grass.", 3: "A man watching t.v. on a sofa."}


def write(path: Path, content: object) -> Path:
    path.write_text(json.dumps(content))
    return path


@pytest.fixture
def files(tmp_path: Path) -> SimpleNamespace:
    """references.json, predictions.json and a perfect predictions file."""
    images = [{"id": i, "file_name": f"{i}.png"} for i in CAPTIONS]
    annotations = [{"image_id": i, "id": 0, "caption": c} for i, texts in CAPTIONS.items() for c in texts]
    return SimpleNamespace(
        references=write(tmp_path / "references.json", {"images": images, "annotations": annotations}),
        predictions=write(
            tmp_path / "predictions.json", [{"image_id": str(i), "caption": c} for i, c in SAID.items()]
        ),
        perfect=write(
            tmp_path / "perfect.json", [{"image_id": i, "caption": t[0]} for i, t in CAPTIONS.items()]
        ),
        folder=tmp_path,
    )
