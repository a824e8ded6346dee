"""Data1 of Table 12: the stage 1 model's own captions as initial captions; and Data2: other pictures'."""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from ser_ros.data.pseudo.store import PseudoRecord
from ser_ros.data.sample import Sample
from ser_ros.model.images import load_image


def own_captions(
    samples: Sequence[Sample],
    images: Path,
    model: str,
    *,
    batch: int = 16,
    beams: int = 1,
    device: str = "auto",
    dtype: str = "auto",
) -> Iterator[PseudoRecord]:
    """Caption each picture once per style at the first glance; every ground truth of it gets that caption.

    Args:
        samples: ground truths.
        images: image folder.
        model: checkpoint folder of stage 1.
        batch: pictures captioned at once.
        beams: beam width.
        device: "auto", "cpu" or "cuda".
        dtype: "auto", "fp32", "bf16" or "fp16"; "auto" is fp32 on a CPU.
    """
    from ser_ros.runtime.captioner import CaptionOptions
    from ser_ros.runtime.load import load_captioner

    groups: dict[tuple[str, str], list[Sample]] = {}
    for sample in samples:
        groups.setdefault((sample.style, sample.image), []).append(sample)
    name = f"model:{Path(model).name if not Path(model).parent.name else '/'.join(Path(model).parts[-2:])}"
    captioner = load_captioner(model, backend="torch", device=device, dtype=dtype)
    try:
        for style in sorted({style for style, _ in groups}):
            options = CaptionOptions(style=style, refinements=0, beams=beams, max_tokens=128)
            pictures = [image for s, image in groups if s == style]
            for start in range(0, len(pictures), batch):
                chunk = pictures[start : start + batch]
                found = captioner.describe([load_image(images / image) for image in chunk], options)
                for image, description in zip(chunk, found, strict=True):
                    for sample in groups[style, image]:
                        record = PseudoRecord.of(sample, name)
                        record.pseudo = [description.initial]
                        yield record
    finally:
        captioner.close()


def other_captions(
    samples: Sequence[Sample], of: Sequence[Sample], per_caption: int, seed: int
) -> Iterator[PseudoRecord]:
    """Captions of other pictures: the "very different" ones of Data2, which teach a model to ignore them.

    Args:
        samples: all ground truths to choose from.
        of: those that get a record.
        per_caption: how many each gets.
        seed: the same seed and caption give the same choice.
    """
    for sample in of:
        rng = random.Random(f"{seed}/{sample.key}")
        others: list[str] = []
        for _ in range(50 * per_caption):
            other = rng.choice(samples)
            if other.image != sample.image and other.style == sample.style and other.caption not in others:
                others.append(other.caption)
            if len(others) == per_caption:
                break
        record = PseudoRecord.of(sample, "other")
        record.pseudo = others
        record.status = "ok" if others else "failed"
        yield record
