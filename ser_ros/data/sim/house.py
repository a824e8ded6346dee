"""A home of four rooms along a hallway, and the path a robot drives through it."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from ser_ros.data.sim.layout import Rect, Room, furnish
from ser_ros.data.sim.world import HEIGHT

Box = tuple[float, float, float, float, float, float, tuple[float, float, float]]
_ROOMS = (  # name, centre, size, walls that furniture may use (0 north, 1 east, 2 south, 3 west)
    ("living room", (-2.25, 3.1), (4.3, 4.1), (0, 1, 3)),
    ("kitchen", (2.25, 3.1), (4.3, 4.1), (0, 1, 3)),
    ("office", (2.25, -3.1), (4.3, 4.1), (1, 2, 3)),
    ("bedroom", (-2.25, -3.1), (4.3, 4.1), (1, 2, 3)),
)
_HALL = (8.8, 1.9)
_DOOR_X, _DOOR_WIDTH, _DOOR_HEIGHT = 1.35, 1.1, 2.1
_WALL = 0.1


@dataclass(frozen=True)
class Pose2:
    """Where the robot is: metres and degrees (0 looks along +x)."""

    x: float
    y: float
    yaw: float


def home(rng: np.random.Generator) -> list[Room]:
    """Furnish every room; hosts are indices into the things of all rooms together."""
    hall_free = ((-4.3, -0.4, 4.3, 0.4), *(_doorway(x) for x in (-_DOOR_X, _DOOR_X)))
    rooms = [furnish(rng, "hallway", size=_HALL, keep_free=hall_free, walls=(1, 3))]
    for name, centre, size, walls in _ROOMS:
        rooms.append(furnish(rng, name, size=size, centre=centre, keep_free=_lanes(centre), walls=walls))
    offset = 0
    for room in rooms:
        for thing in room.things:
            thing.host = None if thing.host is None else thing.host + offset
        offset += len(room.things)
    return rooms


def _doorway(x: float) -> Rect:
    return x - _DOOR_WIDTH / 2, -_HALL[1] / 2, x + _DOOR_WIDTH / 2, _HALL[1] / 2


def _stop(centre: tuple[float, float]) -> tuple[float, float]:
    """Where the robot stops in a room to look around."""
    return float(np.sign(centre[0]) * _DOOR_X), float(np.sign(centre[1]) * 1.75)


def _lanes(centre: tuple[float, float]) -> tuple[Rect, ...]:
    x, y = _stop(centre)
    low, high = sorted((np.sign(y) * 0.9, y + np.sign(y) * 0.45))
    return ((x - 0.5, float(low), x + 0.5, float(high)),)


def walls(rooms: list[Room]) -> list[Box]:
    """Every wall of the home as boxes, with a doorway from the hallway into each room."""
    hall = rooms[0]
    boxes: list[Box] = []
    w, d = _HALL
    for x in (-w / 2, w / 2):
        boxes.append(_box(x, -d / 2, x + np.sign(x) * _WALL, d / 2, 0, HEIGHT, hall.wall_colour))
    for room in rooms[1:]:
        (cx, cy), (rw, rd) = room.centre, room.size
        up = float(np.sign(cy))
        near, far = cy - up * rd / 2, cy + up * rd / 2
        colour = room.wall_colour
        boxes.append(_box(cx - rw / 2 - _WALL, far, cx + rw / 2 + _WALL, far + up * _WALL, 0, HEIGHT, colour))
        for side in (-1, 1):
            x = cx + side * rw / 2
            boxes.append(_box(x, near, x + side * _WALL, far, 0, HEIGHT, colour))
        door = float(np.sign(cx)) * _DOOR_X
        left, right = door - _DOOR_WIDTH / 2, door + _DOOR_WIDTH / 2
        edges = ((cx - rw / 2 - _WALL, left), (right, cx + rw / 2 + _WALL))
        for layer, paint in ((near - up * _WALL, colour), (up * d / 2, hall.wall_colour)):
            for a, b in edges:
                boxes.append(_box(a, layer, b, layer + up * (abs(near) - d / 2) / 2, 0, HEIGHT, paint))
            boxes.append(
                _box(left, layer, right, layer + up * (abs(near) - d / 2) / 2, _DOOR_HEIGHT, HEIGHT, paint)
            )
        for x in (left, right):
            trim = (0.95, 0.94, 0.92)
            boxes.append(
                _box(x - 0.03, up * (d / 2 - 0.02), x + 0.03, near + up * 0.02, 0, _DOOR_HEIGHT + 0.03, trim)
            )
    return boxes


def _box(x0: float, y0: float, x1: float, y1: float, z0: float, z1: float, colour) -> Box:
    (x0, x1), (y0, y1) = sorted((x0, x1)), sorted((y0, y1))
    return x0, y0, x1, y1, z0, z1, colour


def path(seconds: float, rate: float) -> list[Pose2]:
    """Poses at `rate` a second: along the hallway, into each room, a look around, and back; one loop."""
    points: list[Pose2] = [Pose2(-3.7, 0.0, 0.0)]
    for _, centre, _, _ in _ROOMS:
        x, y = _stop(centre)
        into = 90.0 if y > 0 else -90.0
        turn = -1.0 if x < 0 else 1.0  # start the sweep at the near side wall
        points += [Pose2(x, 0.0, points[-1].yaw), Pose2(x, 0.0, into), Pose2(x, y, into)]
        points += [Pose2(x, y, into + turn * 60), Pose2(x, y, into - turn * 80), Pose2(x, y, into)]
        points += [Pose2(x, 0.0, into), Pose2(x, 0.0, 180.0 if y < 0 else 0.0)]
    points += [Pose2(-3.7, 0.0, 180.0)]
    costs = [_cost(a, b) for a, b in pairwise(points)]
    times = np.concatenate([[0.0], np.cumsum(costs)])
    when = np.arange(0.0, seconds, 1.0 / rate) / seconds * times[-1]
    yaw = np.unwrap([p.yaw for p in points], period=360)
    tracks = ([p.x for p in points], [p.y for p in points], yaw)
    return [Pose2(*(float(np.interp(t, times, track)) for track in tracks)) for t in when]


def _cost(a: Pose2, b: Pose2) -> float:
    """Seconds at 0.9 m/s and 60 degrees/s."""
    turn = abs((b.yaw - a.yaw + 180) % 360 - 180)
    return float(np.hypot(b.x - a.x, b.y - a.y)) / 0.9 + turn / 60 + 0.05


def room_at(rooms: list[Room], x: float, y: float) -> Room:
    """The room the robot stands in."""
    for room in rooms[1:]:
        (cx, cy), (w, d) = room.centre, room.size
        if abs(x - cx) <= w / 2 and abs(y - cy) <= d / 2:
            return room
    return rooms[0]
