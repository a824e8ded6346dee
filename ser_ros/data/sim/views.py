"""Where a robot looks from: cameras 0.5 to 1.2 m above the floor that have something to tell."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np

from ser_ros.data.sim.layout import Room, Thing
from ser_ros.data.sim.render import FOV, Camera

_CLEARANCE = 0.22  # of the camera to walls and furniture, metres


def cameras(room: Room, rng: np.random.Generator, count: int) -> Iterator[Camera]:
    """Up to `count` cameras; each looks roughly at another thing, from a place where a robot can stand."""
    novel = [t for t in room.things if t.colour in t.kind.novel_colours()]
    for turn in range(count):
        pool = novel if room.novel and novel and turn % 3 < 2 else room.things
        weights = np.array([t.kind.salience for t in pool])
        thing = pool[int(rng.choice(len(pool), p=weights / weights.sum()))]
        camera = _towards(thing, room, rng)
        if camera is not None:
            yield camera


def _towards(thing: Thing, room: Room, rng: np.random.Generator) -> Camera | None:
    points = thing.corners()
    middle = (points.min(axis=0) + points.max(axis=0)) / 2
    extent = float((points.max(axis=0) - points.min(axis=0)).max())
    blocked = [t.rect() for t in room.things if t.heights()[1] > 0.12 and t.heights()[0] < 1.25]
    (cx, cy), (w, d) = room.centre, room.size
    for _ in range(40):
        share = rng.uniform(0.28, 0.62)
        distance = float(np.clip(extent / (2 * np.tan(np.radians(FOV / 2)) * share), 0.75, 3.8))
        angle = rng.uniform(0, 2 * np.pi)
        x, y = middle[0] + distance * np.cos(angle), middle[1] + distance * np.sin(angle)
        if abs(x - cx) > w / 2 - _CLEARANCE or abs(y - cy) > d / 2 - _CLEARANCE:
            continue
        if any(
            x0 - _CLEARANCE < x < x1 + _CLEARANCE and y0 - _CLEARANCE < y < y1 + _CLEARANCE
            for x0, y0, x1, y1 in blocked
        ):
            continue
        z = rng.uniform(0.5, 1.2)
        aim = middle + rng.normal(0, 0.12 * distance * 0.5, 3)
        yaw = np.degrees(np.arctan2(aim[1] - y, aim[0] - x)) + rng.normal(0, 6)
        pitch = np.degrees(np.arctan2(aim[2] - z, np.hypot(aim[0] - x, aim[1] - y)))
        return Camera((float(x), float(y), float(z)), float(yaw), float(np.clip(pitch, -28, 12)))
    return None
