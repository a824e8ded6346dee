"""Data1: what the model itself says of a picture, once a style, whatever the number of its ground truths."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image

from ser_ros.cli import main
from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import DEFAULT_MODEL, load_captioner


def test_two_shards_caption_each_picture_once(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    names = [f"{n}.png" for n in range(4)]
    for name in names:
        Image.fromarray(rng.integers(0, 255, (64, 64, 3), np.uint8)).save(tmp_path / name)
    truth = {
        "images": [{"id": n, "file_name": name} for n, name in enumerate(names)],
        "annotations": [
            {"id": 2 * n + k, "image_id": n, "caption": f"caption {k} of {name}"}
            for n, name in enumerate(names)
            for k in range(2)
        ],
    }
    (tmp_path / "captions.json").write_text(json.dumps(truth))
    command = ["pseudo", "--data", str(tmp_path / "captions.json"), "--images", str(tmp_path)]
    command += ["--generator", "model", "--model", str(DEFAULT_MODEL), "--dtype", "fp32"]
    said: dict[str, set[str]] = {}
    for part in ("1/2", "2/2"):
        assert main([*command, "--out", str(tmp_path / "own.jsonl"), "--shard", part]) == 0
        path = tmp_path / f"own.{part.replace('/', '-of-')}.jsonl"
        rows = [json.loads(line) for line in path.read_text().splitlines()]
        assert len(rows) == 4
        assert len({row["image"] for row in rows}) == 2
        for row in rows:
            said.setdefault(row["image"], set()).update(row["pseudo"])
    captioner = load_captioner(backend="torch", dtype="fp32")
    pictures = [np.asarray(Image.open(tmp_path / name)) for name in names]
    wanted = captioner.describe(pictures, CaptionOptions(refinements=0, max_tokens=128))
    captioner.close()
    assert said == {name: {d.initial} for name, d in zip(names, wanted, strict=True)}
