"""Render a split: pictures, COCO captions of both styles, and the true graph of each picture.

Layout of a split folder: `images/SCENE_VIEW.jpg`, `records/SCENE.json` (all that is known of a
scene's pictures; written last, so a killed run resumes without a broken picture), and, at the
end, `captions.json` (COCO, each annotation with its style) and `graphs.jsonl`.
"""

from __future__ import annotations

import io
import json
import multiprocessing
import os
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ser_ros.data.sim import captions, views
from ser_ros.data.sim.layout import Room, Thing, furnish
from ser_ros.data.sim.render import Camera, Eye, expose
from ser_ros.data.sim.rooms import ROOM_TYPES
from ser_ros.data.sim.truth import Truth, observe, words_of
from ser_ros.data.sim.world import LARGEST, build
from ser_ros.errors import UserError, cannot_write

SPLITS = ("train", "val", "test", "test_novel")
VIEWS = 8  # pictures of one scene at most
GRID = 16  # side of the map of what is where


@dataclass(frozen=True)
class RenderOptions:
    """What to render.

    Attributes:
        split: one of `SPLITS`; each has scenes of its own.
        count: pictures.
        size: side of the square pictures, pixels, 16 to 640.
        seed: of the whole home, at least 0; another seed gives other scenes in every split.
        workers: processes.
        references: captions of each style and picture in captions.json, 1 to 5.
    """

    split: str = "train"
    count: int = 1000
    size: int = 192
    seed: int = 0
    workers: int = 2
    references: int = 5


def render(out: Path, options: RenderOptions) -> dict:
    """Render a split into `out`, or what is missing of it; returns its summary.

    Raises:
        UserError: an option is out of range, `out` holds another render or cannot be written, or there is
            no GL.
    """
    if options.split not in SPLITS:
        raise UserError(f"there is no split {options.split!r}: choose one of {', '.join(SPLITS)}")
    if options.count < 1 or options.workers < 1 or not 1 <= options.references <= 5:
        raise UserError("--count and --workers must be at least 1, --references 1 to 5")
    check_size_and_seed(options.size, options.seed)
    try:
        (out / "images").mkdir(parents=True, exist_ok=True)
        (out / "records").mkdir(exist_ok=True)
    except OSError as error:
        raise cannot_write(out, error) from error
    _same_options(out, options)
    records = _all_records(out, options)
    return _finish(out, options, records)


def check_size_and_seed(size: int, seed: int) -> None:
    """Raise UserError for pictures that the truth cannot tell about or GL cannot hold, or no seed."""
    if not GRID <= size <= LARGEST or seed < 0:
        raise UserError(f"--size must be {GRID} to {LARGEST} and --seed at least 0")


def _same_options(out: Path, options: RenderOptions) -> None:
    """Refuse to mix two renders in one folder."""
    mine = json.dumps({"split": options.split, "size": options.size, "seed": options.seed})
    path = out / "options.json"
    if not path.exists():
        write_atomically(path, mine.encode())
    elif (theirs := path.read_text(errors="replace")) != mine:
        raise UserError(f"{out} holds another render ({theirs.strip()}): choose another --out")


def _all_records(out: Path, options: RenderOptions) -> list[dict]:
    """Records of the first scenes that together hold `count` pictures."""
    records: list[dict] = []
    bar = tqdm(total=options.count, unit="picture", desc=options.split, mininterval=1.0)
    context = multiprocessing.get_context("spawn")
    first = 0
    with context.Pool(options.workers) if options.workers > 1 else _Serial() as pool:
        while (missing := options.count - len(records)) > 0:
            step = min(options.workers * 8, max(options.workers, missing // VIEWS))
            jobs = [(out, options, scene) for scene in range(first, first + step)]
            for found in pool.imap(_scene, jobs):
                bar.update(min(len(found), options.count - bar.n))
                records += found
            first += step
    bar.close()
    return records[: options.count]


class _Serial:
    """A pool of no processes."""

    imap = staticmethod(map)

    def __enter__(self) -> _Serial:
        return self

    def __exit__(self, *_: object) -> None:
        return None


def _scene(job: tuple[Path, RenderOptions, int]) -> list[dict]:
    out, options, scene = job
    path = out / "records" / f"{scene:06d}.json"
    if (kept := _kept(out, path)) is not None:
        return kept
    records = []
    for view, (record, picture) in enumerate(scene_pictures(options, scene)):
        name = f"{scene:06d}_{view}.jpg"
        write_atomically(out / "images" / name, jpeg(picture))
        records.append({"file_name": name, "scene": scene, **record})
    write_atomically(path, json.dumps(records).encode())
    return records


def _kept(out: Path, path: Path) -> list[dict] | None:
    """The records of a scene whose pictures are all there; None where it must be rendered (again)."""
    try:
        records = json.loads(path.read_text())
        whole = all((out / "images" / record["file_name"]).stat().st_size for record in records)
    except (OSError, ValueError, KeyError, TypeError):  # not there, or cut short by a power cut or by hand
        return None
    return records if whole else None


def scene_pictures(options: RenderOptions, scene: int) -> Iterator[tuple[dict, np.ndarray]]:
    """(record, picture [S, S, 3] uint8) of one scene; a pure function of the seed, split and scene."""
    rng = np.random.default_rng([options.seed, SPLITS.index(options.split), scene])
    room = furnish(rng, list(ROOM_TYPES)[scene % len(ROOM_TYPES)], novel=options.split == "test_novel")
    eye = Eye(build([room], rng), options.size)
    try:
        found = 0
        for camera in views.cameras(room, rng, 3 * VIEWS):
            identities = eye.identities(camera)
            truth = observe(room.things, camera, identities, room.type.name, room.floor)
            if not _worth_telling(truth, room, options.split, rng):
                continue
            yield _record(truth, room.things, camera, identities, rng), expose(eye.picture(camera), rng)
            found += 1
            if found == VIEWS:
                break
    finally:
        eye.close()


def _worth_telling(truth: Truth, room: Room, split: str, rng: np.random.Generator) -> bool:
    """Two or more things to name, none that fills the picture; in test_novel an unseen combination."""
    if len(truth.objects) < 2 or max(o.share for o in truth.objects) > 0.5:
        return False
    if captions.best_relation(truth) is None and rng.random() < 0.7:
        return False
    if split != "test_novel":
        return True
    shown = [room.things[m] for o in truth.objects for m in o.members]
    return any(t.colour in t.kind.novel_colours() for t in shown)


def _record(
    truth: Truth, things: list[Thing], camera: Camera, identities: np.ndarray, rng: np.random.Generator
) -> dict:
    cell = identities.shape[0] // GRID
    blocks = identities[: cell * GRID, : cell * GRID].reshape(GRID, cell, GRID, cell).swapaxes(1, 2)
    winners = [np.bincount(b.ravel() + 1).argmax() - 1 for b in blocks.reshape(GRID * GRID, -1)]
    shown = sorted({int(w) for w in winners if w >= 0})
    return {
        **truth.to_dict(),
        "captions": captions.write(truth, rng),
        "camera": asdict(camera),
        "things": [[things[i].kind.noun, things[i].colour, words_of(things[i])] for i in shown],
        "grid": [shown.index(int(w)) if w >= 0 else -1 for w in winners],
    }


def _finish(out: Path, options: RenderOptions, records: list[dict]) -> dict:
    images = [
        {"id": i, "file_name": r["file_name"], "width": options.size, "height": options.size}
        for i, r in enumerate(records)
    ]
    annotations = [
        {"id": number, "image_id": i, "style": style, "caption": text}
        for number, (i, style, text) in enumerate(
            (i, style, text)
            for i, r in enumerate(records)
            for style, texts in r["captions"].items()
            for text in texts[: options.references]
        )
    ]
    info = {"description": f"ser_ros simulated home, split {options.split}, seed {options.seed}"}
    coco = {"info": info, "images": images, "annotations": annotations}
    write_atomically(out / "captions.json", json.dumps(coco).encode())
    keys = ("file_name", "room", "floor", "objects", "relations", "allowed", "camera")
    lines = [json.dumps({"image_id": i, **{k: r[k] for k in keys}}) for i, r in enumerate(records)]
    write_atomically(out / "graphs.jsonl", "\n".join(lines).encode() + b"\n")
    nouns = {o["noun"] for r in records for o in r["objects"]}
    return {
        "split": options.split, "pictures": len(records), "scenes": len({r["scene"] for r in records}),
        "kinds": len(nouns), "captions": len(annotations), "folder": str(out),
    }  # fmt: skip


def jpeg(picture: np.ndarray, quality: int = 90) -> bytes:
    """`picture` [H, W, 3] uint8 as a JPEG file."""
    from PIL import Image

    buffer = io.BytesIO()
    Image.fromarray(picture).save(buffer, "JPEG", quality=quality)
    return buffer.getvalue()


def write_atomically(path: Path, data: bytes) -> None:
    """Write `data` so that a reader or a killed run sees the whole file or none.

    Raises:
        UserError: the file cannot be written.
    """
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        try:
            temporary.write_bytes(data)
            temporary.replace(path)
        finally:
            temporary.unlink(missing_ok=True)
    except OSError as error:
        raise cannot_write(path, error, "what is rendered is kept, run it again to go on") from error
