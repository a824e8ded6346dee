"""What a recipe's datasets hold, before a machine spends days on them: counts, gaps, samples as HTML."""

from __future__ import annotations

import base64
import io
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ser_ros.data.images import missing_images
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError

TOLERANCE = 0.02  # Table 14 rounds to thousands


@dataclass
class SourceCheck:
    """One dataset of one stage.

    Attributes:
        stage: "pretrain", "stage1", "stage2", "reconstruct" or "validation".
        path: annotation file or folder.
        format: reader.
        images: distinct pictures.
        captions: ground-truth captions.
        initials: initial captions for stage 2.
        unpaired: ground truths without any.
        missing: pictures that are not on disk.
        broken: pictures that cannot be decoded, of those that were opened.
        words: mean words of a caption.
        repeated: captions that stand more than once at one picture.
        problems: sentences; empty where all is well.
    """

    stage: str
    path: str
    format: str
    images: int = 0
    captions: int = 0
    initials: int = 0
    unpaired: int = 0
    missing: list[str] = field(default_factory=list)
    broken: list[str] = field(default_factory=list)
    words: float = 0.0
    repeated: int = 0
    problems: list[str] = field(default_factory=list)
    examples: list[dict[str, Any]] = field(default_factory=list)

    def to_dict(self) -> dict[str, Any]:
        """Plain JSON types, without the example pictures."""
        return {key: value for key, value in asdict(self).items() if key != "examples"}


def check_source(
    stage: str,
    source: Any,
    root: Path,
    samples: list[Sample],
    initials: dict[str, list[str]],
    *,
    shown: int = 12,
    decode: int = 200,
) -> SourceCheck:
    """Everything that can be known of a dataset without training on it.

    Args:
        stage: name for the report.
        source: the recipe's `Source`.
        root: folder its paths are relative to.
        samples: what its reader gives.
        initials: initial captions by ground truth key, for stage 2.
        shown: example pictures.
        decode: pictures opened, evenly over all; 0 opens every one.
    """
    found = SourceCheck(stage, source.path, source.format)
    pictures = list(dict.fromkeys(sample.image for sample in samples))
    truths = {sample.key: sample for sample in samples}
    found.images, found.captions = len(pictures), len(truths)
    found.words = round(sum(len(s.caption.split()) for s in truths.values()) / max(1, len(truths)), 1)
    found.repeated = len(truths) - len({(s.image, s.caption) for s in truths.values()})
    folder = root / source.images
    try:
        found.missing = missing_images(folder, pictures)
    except UserError as error:
        found.problems.append(str(error))
        found.missing = pictures
    if found.missing:
        found.problems.append(f"{len(found.missing)} pictures are missing, first {found.missing[0]}")
    for name, expected, counted in (
        ("pictures", source.expect_images, found.images),
        ("captions", source.expect_captions, found.captions),
    ):
        if expected and abs(counted - expected) > TOLERANCE * expected:
            found.problems.append(f"{counted:,} {name}, expected about {expected:,}")
    if stage == "stage2":
        found.initials = sum(len(initials.get(key, ())) for key in truths)
        found.unpaired = sum(not initials.get(key) for key in truths)
        if found.unpaired:
            found.problems.append(f"{found.unpaired:,} ground truths have no initial caption")
    present = [picture for picture in pictures if picture not in set(found.missing)]
    found.broken = _broken(folder, present[:: max(1, len(present) // decode)] if decode else present)
    if found.broken:
        found.problems.append(f"{len(found.broken)} pictures cannot be decoded, first {found.broken[0]}")
    good = [picture for picture in present if picture not in set(found.broken)]
    chosen = good[:: max(1, len(good) // shown)][:shown] if shown else []
    found.examples = [_example(folder, picture, truths.values(), initials) for picture in chosen]
    return found


def _broken(folder: Path, pictures: list[str]) -> list[str]:
    from ser_ros.model.images import load_image

    broken = []
    for picture in pictures:
        try:
            load_image(folder / picture)
        except UserError:
            broken.append(picture)
    return broken


def _example(folder: Path, picture: str, truths: Any, initials: dict[str, list[str]]) -> dict[str, Any]:
    from PIL import Image

    from ser_ros.model.images import load_image

    image = Image.fromarray(load_image(folder / picture))
    image.thumbnail((240, 240))
    data = io.BytesIO()
    image.save(data, "JPEG", quality=80)
    captions = [sample for sample in truths if sample.image == picture]
    return {
        "picture": picture,
        "jpeg": base64.b64encode(data.getvalue()).decode(),
        "captions": [(s.style, s.caption, initials.get(s.key, [])[:3]) for s in captions[:10]],
    }


def page(title: str, checks: list[SourceCheck]) -> str:
    """One self-contained HTML page with the counts, the problems and the sample pictures."""
    from jinja2 import Environment, PackageLoader

    templates = Environment(loader=PackageLoader("ser_ros.data"), autoescape=True)
    return templates.get_template("data_check.html.j2").render(title=title, checks=checks)
