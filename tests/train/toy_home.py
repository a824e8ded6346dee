"""A toy dataset whose captions say what the picture shows: coloured shapes on a plain floor."""

from __future__ import annotations

import json
import random
from pathlib import Path

from PIL import Image, ImageDraw

COLOURS = {"red": (220, 30, 30), "green": (30, 180, 40), "blue": (40, 60, 220), "yellow": (230, 220, 40)}
SHAPES = ("box", "ball")
SIDES = ("left", "right")


def make_toy_home(folder: Path, count: int, seed: int = 0) -> Path:
    """Pictures of 28 px and COCO captions such as "a red ball on the left"; returns captions.json."""
    (folder / "images").mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    images, annotations = [], []
    for number in range(count):
        colour, shape, side = rng.choice(sorted(COLOURS)), rng.choice(SHAPES), rng.choice(SIDES)
        picture = Image.new("RGB", (28, 28), (120, 110, 100))
        at = (1, 8, 13, 20) if side == "left" else (15, 8, 27, 20)
        draw = ImageDraw.Draw(picture)
        (draw.rectangle if shape == "box" else draw.ellipse)(at, fill=COLOURS[colour])
        picture.save(folder / "images" / f"{number}.png")
        images.append({"id": number, "file_name": f"{number}.png"})
        caption = f"a {colour} {shape} on the {side}"
        annotations.append({"id": number, "image_id": number, "caption": caption})
    path = folder / "captions.json"
    path.write_text(json.dumps({"images": images, "annotations": annotations}))
    return path


def make_pseudo(captions: Path, out: Path, seed: int = 0) -> Path:
    """One wrong detail per caption, in the JSONL of `ser_ros pseudo`."""
    rng = random.Random(seed)
    lines = []
    for annotation in json.loads(captions.read_text())["annotations"]:
        words = annotation["caption"].split()
        slot, choices = rng.choice([(1, sorted(COLOURS)), (2, SHAPES), (5, SIDES)])
        words[slot] = rng.choice([word for word in choices if word != words[slot]])
        lines.append(json.dumps({"key": f"{annotation['image_id']}#0", "pseudo": [" ".join(words)]}))
    out.write_text("\n".join(lines) + "\n")
    return out
