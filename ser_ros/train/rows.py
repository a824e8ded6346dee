"""From the datasets of a stage to the rows it learns from."""

from __future__ import annotations

import glob
import json
import os
import random
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from ser_ros.data.formats import read_samples
from ser_ros.data.images import missing_images
from ser_ros.data.sample import Sample
from ser_ros.errors import UserError
from ser_ros.train.recipe import Recipe, Source, Stage


@dataclass(frozen=True, slots=True)
class Row:
    """One row of a stage.

    Attributes:
        image: path of the picture.
        caption: what the model learns to write.
        style: prompt of the checkpoint.
        initial: caption to be refined; None trains the first glance.
        in_prompt: whether `initial` also stands in the language model's prompt.
        key: names the ground-truth caption in its dataset.
    """

    image: str
    caption: str
    style: str = "default"
    initial: str | None = None
    in_prompt: bool = True
    key: str = ""


@dataclass
class SourceReport:
    """What was found in one source, for `sources.json` of the stage.

    Attributes:
        path: annotation file.
        images: distinct pictures.
        captions: ground-truth captions.
        rows: rows after pairing with pseudo-initial captions.
        missing: pictures that are not on disk.
        unpaired: ground-truth captions without any initial caption (stage 2).
    """

    path: str
    images: int = 0
    captions: int = 0
    rows: int = 0
    missing: list[str] = field(default_factory=list)
    unpaired: int = 0


def check_paths(recipe: Recipe, names: Iterable[str]) -> None:
    """Refuse a run whose last stage would not find its data before its first stage has spent days.

    Raises:
        UserError: names every file, folder and pattern of these stages and of the validation set that
            is not there.
    """
    root = Path(recipe.root).expanduser()
    absent: dict[str, str] = {}
    wanted = [(name, source) for name in names for source in recipe.stages[name].data]
    if wanted and recipe.validation is not None:
        wanted.append(("validation", recipe.validation))
    for name, source in wanted:
        for path in (source.path, source.images):
            if not os.path.exists(root / path):
                absent[str(root / path)] = name
        for pseudo in source.pseudo:
            if not glob.glob(str(root / pseudo.path), recursive=True):
                absent[str(root / pseudo.path)] = f"{name}, made by `ser_ros pseudo`"
    if absent:
        shown = "; ".join(f"{path} ({stage})" for path, stage in absent.items())
        raise UserError(f"the data of {recipe.name} is incomplete, there is no {shown}")


def read_source(source: Source, root: Path) -> list[Sample]:
    """The samples of a source, cut to `limit` pictures, with its style."""
    samples = read_samples(source.format, root / source.path, source.split)
    if source.limit:
        kept: set[str] = set()
        cut = []
        for sample in samples:
            if sample.image not in kept and len(kept) == source.limit:
                continue
            kept.add(sample.image)
            cut.append(sample)
        samples = cut
    if source.style:
        samples = [replace(sample, style=source.style) for sample in samples]
    return samples


def stage_rows(recipe: Recipe, name: str, stage: Stage) -> tuple[list[Row], list[SourceReport]]:
    """All rows of a stage, in the order of the files, and what each source held.

    Raises:
        UserError: unreadable files, missing pictures (unless the recipe skips them), or a stage 2
            without any initial caption.
    """
    rows: list[Row] = []
    reports = []
    root = Path(recipe.root).expanduser()
    for number, source in enumerate(stage.data):
        samples = read_source(source, root)
        report = SourceReport(source.path, len({s.image for s in samples}), len({s.key for s in samples}))
        folder = root / source.images
        report.missing = missing_images(folder, (s.image for s in samples))
        if report.missing and recipe.missing_images == "error":
            shown = ", ".join(report.missing[:3])
            raise UserError(
                f"{len(report.missing)} of {report.images} pictures of {source.path} are not in {folder} "
                f"(first: {shown}); complete the folder, or set missing_images: skip"
            )
        absent = set(report.missing)
        samples = [sample for sample in samples if sample.image not in absent]
        rng = random.Random(f"{recipe.seed}/{name}/{number}")
        if name == "stage2":
            made, report.unpaired = _refinements(samples, source, stage, root, rng)
        else:
            plain = name == "pretrain" and not source.style
            made = [(s, Row("", s.caption, "plain" if plain else s.style, key=s.key)) for s in samples]
        rows.extend(replace(row, image=str(folder / sample.image)) for sample, row in made)
        report.rows = len(made)
        reports.append(report)
    if not rows:
        raise UserError(f"stage {name} has no rows; check its data and pseudo files")
    return rows, reports


def initial_captions(samples: Sequence[Sample], source: Source, root: Path) -> dict[str, list[str]]:
    """The captions to be refined towards each ground truth, by its key: from the annotations
    themselves, from the pseudo files, and the ground truth itself where the source says so."""
    tables = [load_pseudo(_expand(root, pseudo.path), pseudo.per_caption) for pseudo in source.pseudo]
    found: dict[str, list[str]] = {}
    for sample in samples:
        if sample.pre_caption:
            found.setdefault(sample.key, []).append(sample.pre_caption)
    for sample in {sample.key: sample for sample in samples}.values():
        texts = found.setdefault(sample.key, [])
        for table in tables:
            texts.extend(table.get(sample.key, ()))
        if source.include_gt:
            texts.append(sample.caption)
    return found


def _refinements(
    samples: list[Sample], source: Source, stage: Stage, root: Path, rng: random.Random
) -> tuple[list[tuple[Sample, Row]], int]:
    """(sample, row) for each initial caption of each ground truth, and how many have none."""
    truths = {sample.key: sample for sample in samples}
    initials = initial_captions(samples, source, root)
    made = []
    for key, sample in truths.items():
        for initial in initials[key]:
            glance = rng.random() < stage.glance_rate
            in_prompt = rng.random() < stage.caption_in_prompt
            row = Row("", sample.caption, sample.style, None if glance else initial, in_prompt, key)
            made.append((sample, row))
    if truths and not made:
        raise UserError(
            f"stage 2 needs initial captions for {source.path}: name a file under 'pseudo' (ser_ros pseudo)"
        )
    return made, sum(not initials[key] for key in truths)


def _expand(root: Path, pattern: str) -> list[Path]:
    found = sorted(glob.glob(str(root / pattern), recursive=True))
    if not found:
        raise UserError(
            f"no file of pseudo-initial captions matches {root / pattern}; make it with `ser_ros pseudo`"
        )
    return [Path(path) for path in found]


def load_pseudo(paths: Iterable[Path], per_caption: int) -> dict[str, list[str]]:
    """Pseudo-initial captions by the key of their ground truth, at most `per_caption` each.

    Raises:
        UserError: a line that is not what `ser_ros pseudo` writes.
    """
    table: dict[str, list[str]] = {}
    for path in paths:
        with path.open(encoding="utf-8", errors="replace") as lines:  # a kill may cut a letter
            for number, line in enumerate(lines, start=1):
                try:
                    record = json.loads(line)
                    table[record["key"]] = [str(text) for text in record["pseudo"]][:per_caption]
                except (ValueError, KeyError, TypeError):
                    if not line.endswith("\n"):
                        break  # the last line of a run that was killed while writing
                    raise UserError(
                        f"{path}, line {number} is no line of `ser_ros pseudo` (needs 'key' and 'pseudo')"
                    ) from None
    return table
