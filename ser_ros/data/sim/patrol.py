"""A recording of a robot that drives through the home, with the truth of every picture beside it.

The folder holds `bag/` (rosbag2, MCAP) and `ground_truth.json`. Needs rosbags, no ROS.
"""

from __future__ import annotations

import json
import math
import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from tqdm import tqdm

from ser_ros.data.sim import captions, house
from ser_ros.data.sim.dataset import check_size_and_seed, jpeg
from ser_ros.data.sim.layout import Room, Thing
from ser_ros.data.sim.patrol_bag import CAMERA_FORWARD, CAMERA_HEIGHT, CAMERA_PITCH, START_NS, write_bag
from ser_ros.data.sim.render import Camera, Eye
from ser_ros.data.sim.truth import observe, size_of, words_of
from ser_ros.data.sim.world import build
from ser_ros.errors import UserError, cannot_write


@dataclass(frozen=True)
class PatrolOptions:
    """What to record.

    Attributes:
        seconds: length of the drive, at least 5.
        rate: pictures a second, above 0 to 30.
        size: side of the square pictures, pixels, 16 to 640.
        seed: of the home, at least 0.
    """

    seconds: float = 60.0
    rate: float = 3.0
    size: int = 384
    seed: int = 0


def record(out: Path, options: PatrolOptions) -> dict:
    """Drive and record into the new folder `out`; returns its summary.

    Raises:
        UserError: `out` exists or cannot be written, an option is out of range, or rosbags is missing.
    """
    if out.is_file() or (out.is_dir() and any(out.iterdir())):
        raise UserError(f"{out} exists already: choose a new folder for the recording")
    if not 5 <= options.seconds < math.inf or not 0 < options.rate <= 30:
        raise UserError("--seconds must be at least 5 and --rate above 0 and at most 30")
    check_size_and_seed(options.size, options.seed)
    try:
        return _record(out.resolve(), options)
    except OSError as error:
        raise cannot_write(out, error) from error


def _record(out: Path, options: PatrolOptions) -> dict:
    """Write beside `out` and move it there when it is whole."""
    rng = np.random.default_rng([options.seed, 7])
    rooms = house.home(rng)
    frames: list[dict] = []
    partial = out.with_name(f".{out.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    pictures = _pictures(rooms, rng, options, frames)
    try:
        write_bag(partial / "bag", pictures, options.seconds, options.rate, options.size)
        objects = _objects([t for r in rooms for t in r.things])
        truth = {
            "seed": options.seed,
            "rooms": [_room(r) for r in rooms],
            "objects": objects,
            "frames": frames,
        }
        (partial / "ground_truth.json").write_text(json.dumps(truth))
        partial.replace(out)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    size = sum(f.stat().st_size for f in out.rglob("*") if f.is_file())
    return {"recording": str(out / "bag"), "pictures": len(frames), "seconds": options.seconds,
            "objects": len(objects), "megabytes": round(size / 1e6, 2)}  # fmt: skip


def _pictures(
    rooms: list[Room], rng: np.random.Generator, options: PatrolOptions, frames: list[dict]
) -> Iterator[bytes]:
    world = build(rooms, rng, walls=house.walls(rooms))
    eye = Eye(world, options.size)
    try:
        poses = house.path(options.seconds, options.rate)
        for number, pose in enumerate(tqdm(poses, unit="picture", desc="patrol")):
            yaw = np.radians(pose.yaw)
            x, y = pose.x + CAMERA_FORWARD * np.cos(yaw), pose.y + CAMERA_FORWARD * np.sin(yaw)
            camera = Camera((float(x), float(y), CAMERA_HEIGHT), pose.yaw, CAMERA_PITCH)
            room = house.room_at(rooms, pose.x, pose.y)
            truth = observe(world.things, camera, eye.identities(camera), room.type.name, room.floor)
            stamp = START_NS + round(number * 1e9 / options.rate)
            frames.append(
                {
                    "stamp": stamp,
                    "pose": {"frame_id": "map", "x": pose.x, "y": pose.y, "yaw_degrees": pose.yaw},
                    **truth.to_dict(),
                    "captions": captions.write(truth, rng)
                    if truth.objects
                    else {"default": [], "detailed": []},
                }
            )
            picture = eye.picture(camera)
            grain = rng.normal(0.0, 1.2, picture.shape)
            yield jpeg(np.clip(picture + grain, 0, 255).astype(np.uint8), quality=82)
    finally:
        eye.close()


def _room(room: Room) -> dict:
    (cx, cy), (w, d) = room.centre, room.size
    return {"name": room.type.name, "x": [cx - w / 2, cx + w / 2], "y": [cy - d / 2, cy + d / 2]}


def _objects(things: list[Thing]) -> list[dict]:
    """Every thing of the home with its place in the frame "map"; host is an index into this list."""
    found = []
    for index, thing in enumerate(things):
        points = thing.corners()
        middle = (points.min(axis=0) + points.max(axis=0)) / 2
        found.append(
            {
                "id": index, "noun": thing.kind.noun, "attributes": words_of(thing), "colour": thing.colour,
                "size": size_of(thing), "room": thing.room, "position": [round(float(v), 3) for v in middle],
                "relation": thing.relation, "host": thing.host,
            }
        )  # fmt: skip
    return found
