"""Images to a prediction file: resumable, in shards, with every glance kept.

OUT.json is the prediction file: the caption after all refinements. OUT.lines/I-of-N.jsonl is the work of one
shard, I from 1 to N: one line an image, first a line with the recipe; a run that was killed goes on after its
last whole line. When all shards are complete, whichever run ends last writes OUT.json, and OUT.initial.json
with the captions of the first glance.
"""

from __future__ import annotations

import errno
import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_ros.data.bulk import run_local, run_ray
from ser_ros.data.shard import Shard
from ser_ros.errors import UNWRITABLE_DISK, UserError, cannot_write
from ser_ros.lock import locked
from ser_ros.train.yaml_file import build, read_yaml

if TYPE_CHECKING:
    from ser_ros.runtime.captioner import Captioner


@dataclass(frozen=True)
class PredictRecipe:
    """What to caption and how; the only place of these defaults.

    Attributes:
        model: checkpoint folder; "" is the shipped model.
        references: COCO or Karpathy file, or list of {file_name, image_id}, that names the images.
        images: folder that the file names are relative to.
        out: prediction file to write.
        limit: first images only; 0 is all.
        style: prompt of the checkpoint.
        refinements: second glances, 0 to 4; 0 is the single-pass specialist.
        max_tokens: most new tokens in one caption.
        beams: beam width (the paper evaluates with 3).
        batch: images at once.
        backend: auto, torch or onnx.
        device: auto, cpu, cuda, ...
        dtype: auto, bf16, fp16 or fp32.
    """

    model: str = ""
    references: str = ""
    images: str = ""
    out: str = "predictions.json"
    limit: int = 0
    style: str = "default"
    refinements: int = 1
    max_tokens: int = 77
    beams: int = 3
    batch: int = 8
    backend: str = "auto"
    device: str = "auto"
    dtype: str = "auto"


Jobs = Sequence[tuple[str, str]]
"""(image id, file name) of each image."""

EVERYTHING = Shard()
# What may change between two runs of one prediction file.
_FREE = {"batch", "device", "out"}


def load_predict_recipe(path: Path, changes: Sequence[str] = ()) -> PredictRecipe:
    """The recipe of a YAML file, with changes KEY=VALUE on top.

    Raises:
        UserError: what `read_yaml` and `build` refuse, or a value out of its range.
    """
    recipe = build(PredictRecipe, read_yaml(path, changes), str(path))
    for key in ("references", "images", "out"):
        if not getattr(recipe, key):
            raise UserError(f"{path}: {key} is missing")
    if recipe.batch < 1 or recipe.limit < 0:
        raise UserError(f"{path}: batch must be at least 1 and limit at least 0")
    if not Path(recipe.out).name or Path(recipe.out).is_dir():
        raise UserError(f"{path}: out is {recipe.out!r}, a folder; name the prediction file to write")
    return recipe


def predict(recipe: PredictRecipe, shard: Shard = EVERYTHING, ray_workers: int = 0) -> dict[str, Any]:
    """Caption this shard's images that have no caption yet.

    Args:
        recipe: what to do.
        shard: the part to do; images are dealt out one by one.
        ray_workers: work on Ray Data, with so many CPUs where it must start a Ray of its own; 0 works in
            this process.

    Returns:
        images, done_before, seconds, out (None while other shards are missing).

    Raises:
        UserError: missing images, another recipe in the folder, or anything the captioner refuses.
    """
    from ser_ros.eval.captions_files import read_images

    names = read_images(Path(recipe.references))
    jobs = list(names.items())[: recipe.limit or None]
    mine = shard.take(jobs)
    folder = Path(recipe.images)
    absent = [name for _, name in mine if not (folder / name).is_file()]
    if absent:
        raise UserError(f"{folder / absent[0]} does not exist ({len(absent)} of {len(mine)} images missing)")
    lines = Path(recipe.out).with_suffix(".lines") / f"{shard.index}-of-{shard.count}.jsonl"
    # A second process would caption the same images into the same file.
    busy = f"another process captions into {lines}; wait until it ends, or choose another out"
    with locked(lines, busy):
        return _predict(recipe, shard, ray_workers, lines, jobs, mine)


def _predict(
    recipe: PredictRecipe, shard: Shard, ray_workers: int, lines: Path, jobs: Jobs, mine: Jobs
) -> dict[str, Any]:
    import time

    from tqdm import tqdm

    done = _resume(lines, recipe, shard.count)
    open_jobs = [{"image_id": image_id, "file_name": name} for image_id, name in mine if image_id not in done]
    if open_jobs and not ray_workers:
        _captioner(recipe)
    start = time.perf_counter()  # without loading the model
    caption = partial(_caption, recipe=asdict(recipe))
    made = (
        run_ray(open_jobs, caption, workers=ray_workers, batch=recipe.batch)
        if ray_workers and open_jobs
        else run_local(open_jobs, caption, batch=recipe.batch)
    )
    try:
        with lines.open("a", encoding="utf-8") as file, tqdm(total=len(open_jobs), unit="image") as bar:
            for entry in made:
                file.write(json.dumps(entry) + "\n")
                file.flush()
                bar.update()
        written = _join(Path(recipe.out), lines.parent, shard.count, [image_id for image_id, _ in jobs])
    except OSError as error:
        if error.errno not in (*UNWRITABLE_DISK, errno.EACCES):
            raise
        raise cannot_write(
            error.filename or lines, error, "the same command goes on where it stopped"
        ) from None
    finally:
        if _captioner.cache_info().currsize:
            _captioner(recipe).close()
            _captioner.cache_clear()
    return {
        "images": len(mine), "done_before": len(mine) - len(open_jobs),
        "seconds": round(time.perf_counter() - start, 3), "out": recipe.out if written else None,
    }  # fmt: skip


@lru_cache(1)
def _captioner(recipe: PredictRecipe) -> Captioner:
    from ser_ros.runtime.load import load_captioner

    return load_captioner(recipe.model, recipe.backend, recipe.device, recipe.dtype)


def _caption(items: list[dict[str, Any]], recipe: dict[str, Any]) -> list[dict[str, Any]]:
    """A batch of images as lines of the work file; also runs in the processes of Ray."""
    from ser_ros.data.images import load_image
    from ser_ros.runtime.captioner import CaptionOptions

    task = PredictRecipe(**recipe)
    options = CaptionOptions(task.style, task.refinements, task.max_tokens, task.beams)
    pictures = [load_image(Path(task.images) / item["file_name"]) for item in items]
    descriptions = _captioner(task).describe(pictures, options)
    return [
        {**item, "caption": said.refined or said.initial, "initial": said.initial}
        for item, said in zip(items, descriptions, strict=True)
    ]


def _resume(lines: Path, recipe: PredictRecipe, shards: int) -> set[str]:
    """Ids already captioned; a broken last line is cut off."""
    mine = {key: value for key, value in asdict(recipe).items() if key not in _FREE}
    try:
        whole = [line for line in lines.read_bytes().splitlines(keepends=True) if line.endswith(b"\n")]
        if len(whole) < 2:  # nothing is captioned: whatever recipe began here may have been a mistake
            whole = [json.dumps({"recipe": mine, "of": shards}).encode() + b"\n"]
            lines.write_bytes(whole[0])
        else:  # cut, not written anew: a full disk or a kill must cost no caption
            os.truncate(lines, sum(map(len, whole)))
    except OSError as error:
        raise cannot_write(lines, error) from None
    try:
        header, *entries = map(json.loads, whole)
        theirs, done = header["recipe"], {entry["image_id"] for entry in entries}
    except (ValueError, TypeError, KeyError):
        raise UserError(f"{lines} is damaged or no work of `ser_ros predict`; delete it") from None
    differs = [
        f"{key} {theirs.get(key)!r} instead of {mine[key]!r}" for key in mine if theirs.get(key) != mine[key]
    ]
    if differs:
        raise UserError(
            f"{lines} holds captions of another recipe ({', '.join(differs)}); choose another out "
            f"or delete {lines.parent}"
        )
    return done


def _join(out: Path, work: Path, shards: int, wanted: Sequence[str]) -> bool:
    entries: dict[str, dict[str, Any]] = {}
    for index in range(1, shards + 1):
        lines = work / f"{index}-of-{shards}.jsonl"
        if lines.exists():
            text = lines.read_text(encoding="utf-8")
            whole = [line for line in text.splitlines(keepends=True) if line.endswith("\n")]
            entries |= {e["image_id"]: e for e in map(json.loads, whole[1:])}
    if any(image_id not in entries for image_id in wanted):
        return False
    ordered = [entries[image_id] for image_id in wanted]
    for path, key in ((out, "caption"), (out.with_suffix(".initial.json"), "initial")):
        content = [
            {"image_id": _number(e["image_id"]), "caption": e[key], "file_name": e["file_name"]}
            for e in ordered
        ]
        path.write_text(json.dumps(content, indent=0) + "\n", encoding="utf-8")
    return True


def _number(image_id: str) -> int | str:
    return int(image_id) if image_id.isdecimal() and str(int(image_id)) == image_id else image_id
