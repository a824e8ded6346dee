"""Furnish a room: which things, in which colour, where; a pure function of the random generator."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from ser_ros.data.sim import palette
from ser_ros.data.sim.catalogue import Kind, kinds
from ser_ros.data.sim.parts import Parts, Surface, rotation
from ser_ros.data.sim.rooms import FLOOR_COLOURS, ROOM_TYPES, WALL_COLOURS, RoomType

Rect = tuple[float, float, float, float]  # x0, y0, x1, y1


@dataclass
class Thing:
    """One thing in the world.

    Attributes:
        kind: what it is.
        colour: name of its colour.
        parts: its geoms in its own frame.
        position: of its own frame's origin in the world, metres [3].
        yaw: degrees about z.
        host: index of the thing it is on, under or in; None on the floor or the wall.
        relation: "on", "under" or "in" its host; "on wall"; "on floor".
        room: name of its room.
    """

    kind: Kind
    colour: str
    parts: Parts
    position: np.ndarray
    yaw: float
    host: int | None = None
    relation: str = "on floor"
    room: str = ""

    def corners(self) -> np.ndarray:
        """Points [N, 3] in the world that span it."""
        return self.parts.corners() @ rotation((0, 0, self.yaw)).T + self.position

    def rect(self) -> Rect:
        """Footprint on the floor."""
        points = self.corners()
        (x0, y0), (x1, y1) = points[:, :2].min(axis=0), points[:, :2].max(axis=0)
        return float(x0), float(y0), float(x1), float(y1)

    def heights(self) -> tuple[float, float]:
        """Lowest and highest z."""
        z = self.corners()[:, 2]
        return float(z.min()), float(z.max())


@dataclass
class Room:
    """A furnished room, its middle at `centre`.

    Attributes:
        type: which type of room.
        size: width along x and depth along y, metres.
        centre: of its floor in the world.
        things: what is in it.
        floor, floor_colour, wall_colour: finishes.
        novel: draw colours that training never shows.
    """

    type: RoomType
    size: tuple[float, float]
    centre: tuple[float, float]
    floor: str
    floor_colour: palette.RGB
    wall_colour: palette.RGB
    things: list[Thing] = field(default_factory=list)
    novel: bool = False


def furnish(
    rng: np.random.Generator,
    room_type: str,
    *,
    novel: bool = False,
    size: tuple[float, float] | None = None,
    centre: tuple[float, float] = (0.0, 0.0),
    keep_free: tuple[Rect, ...] = (),
    walls: tuple[int, ...] = (0, 1, 2, 3),
) -> Room:
    """Draw a room of `room_type`; nothing stands in `keep_free` (x0, y0, x1, y1 in the world)."""
    kind = ROOM_TYPES[room_type]
    if size is None:
        size = (rng.uniform(3.2, 4.6), rng.uniform(3.2, 4.6))
        size = (rng.uniform(2.0, 2.6), rng.uniform(4.5, 6.0)) if room_type == "hallway" else size
    floor = str(rng.choice(kind.floors))
    floor_colour = FLOOR_COLOURS[floor][int(rng.integers(3))]
    wall_colour = WALL_COLOURS[int(rng.integers(len(WALL_COLOURS)))]
    room = Room(kind, size, centre, floor, floor_colour, wall_colour, novel=novel)
    taken: list[Rect] = list(keep_free)
    _along_walls(room, rng, taken, walls)
    _middle(room, rng, taken)
    _on_walls(room, rng, walls)
    _on_floor(room, rng, taken)
    _on_things(room, rng)
    return room


def make(rng: np.random.Generator, key: str, room: Room) -> Thing:
    """A thing of this kind, not placed yet."""
    kind = kinds()[key]
    held_out = kind.novel_colours()
    colours = [c for c in kind.colours if c not in held_out]
    if room.novel and held_out and rng.random() < 0.6:
        colours = list(held_out)
    colour = str(rng.choice(colours))
    parts = Parts()
    kind.build(parts, palette.shade(colour, rng), rng)
    return Thing(kind, colour, parts, np.zeros(3), 0.0, room=room.type.name)


def _along_walls(room: Room, rng: np.random.Generator, taken: list[Rect], walls: tuple[int, ...]) -> None:
    first, *rest = room.type.wall
    keys = [first, *rng.permutation(rest)][: int(rng.integers(4, 7))]
    for key in keys:
        thing = make(rng, key, room)
        for _ in range(12):
            _to_wall(thing, room, rng, int(rng.choice(walls)))
            # Space in front of a door stays free, so that it can be seen and used.
            margin = 0.35 if thing.kind.noun == "door" else 0.08
            if _free(thing.rect(), taken, margin) and _inside(thing.rect(), room):
                taken.append(thing.rect())
                room.things.append(thing)
                break


def _to_wall(thing: Thing, room: Room, rng: np.random.Generator, wall: int, height: float = 0.0) -> None:
    points = thing.parts.corners()
    half = (points[:, 0].max() - points[:, 0].min()) / 2 + 0.08
    back = points[:, 1].max() + 0.015
    along, across = (room.size[0], room.size[1]) if wall % 2 == 0 else (room.size[1], room.size[0])
    reach = max(along / 2 - half, 0.01)
    offset, depth = rng.uniform(-reach, reach), across / 2 - back
    x, y = {0: (offset, depth), 1: (depth, offset), 2: (offset, -depth), 3: (-depth, offset)}[wall]
    thing.yaw = {0: 0.0, 1: -90.0, 2: 180.0, 3: 90.0}[wall]
    thing.position = np.array([x + room.centre[0], y + room.centre[1], height])


def _middle(room: Room, rng: np.random.Generator, taken: list[Rect]) -> None:
    key = str(rng.choice(room.type.centre))
    spot = np.array([*(rng.uniform(-0.4, 0.4, 2) + room.centre), 0.0])
    if rng.random() < 0.45:
        rug = make(rng, "rug", room)
        rug.position, rug.yaw = spot.copy(), float(rng.choice([0, 90]))
        if _inside(rug.rect(), room):
            room.things.append(rug)
    if not key:
        return
    middle = make(rng, key, room)
    middle.position, middle.yaw = spot, float(rng.choice([0, 90, 180, 270]) + rng.normal(0, 4))
    if not (_free(middle.rect(), taken, 0.3) and _inside(middle.rect(), room)):
        return
    room.things.append(middle)
    taken.append(middle.rect())
    companion, same = str(rng.choice(room.type.companions)), None
    for side in rng.permutation(4)[: int(rng.integers(1, 4))]:
        thing = make(rng, companion, room)
        if same is not None and rng.random() < 0.75:  # chairs at one table usually match
            thing.colour, thing.parts = same.colour, same.parts
        same = thing
        x0, y0, x1, y1 = middle.rect()
        gap = rng.uniform(0.18, 0.3)
        half = 0.25
        spots = ((0, y1 - middle.position[1] + gap), (x1 - middle.position[0] + gap, 0),
                 (0, y0 - middle.position[1] - gap), (x0 - middle.position[0] - gap, 0))  # fmt: skip
        dx, dy = spots[side]
        away = np.array([dx + np.sign(dx) * half * 0.2, dy + np.sign(dy) * half * 0.2, 0])
        thing.position = middle.position + away
        thing.yaw = {0: 0.0, 1: -90.0, 2: 180.0, 3: 90.0}[int(side)] + rng.normal(0, 8)
        if _free(thing.rect(), [r for r in taken if r != middle.rect()], 0.02) and _inside(
            thing.rect(), room
        ):
            room.things.append(thing)
            taken.append(thing.rect())


def _on_walls(room: Room, rng: np.random.Generator, walls: tuple[int, ...]) -> None:
    for key in rng.permutation(room.type.hang)[: int(rng.integers(1, 4))]:
        thing = make(rng, str(key), room)
        points = thing.parts.corners()
        height = {"shelf": 1.2, "towel": 1.35, "window": 1.5}.get(thing.kind.noun, 1.5) + rng.uniform(
            -0.08, 0.08
        )
        for _ in range(10):
            _to_wall(thing, room, rng, int(rng.choice(walls)), height)
            low = height + points[:, 2].min()
            clash = [t.rect() for t in room.things if t.heights()[1] > low - 0.03]
            if _free(thing.rect(), clash, 0.06):
                thing.relation = "on wall"
                room.things.append(thing)
                break


def _on_floor(room: Room, rng: np.random.Generator, taken: list[Rect]) -> None:
    keys = rng.choice(room.type.floor, int(rng.integers(4, 8)))
    for key in keys:
        thing = make(rng, str(key), room)
        thing.yaw = float(rng.uniform(-180, 180))
        hosts = [t for t in room.things if t.parts.under is not None]
        small = thing.heights()[1] < 0.55
        if small and hosts and rng.random() < 0.35 and _under(thing, hosts, room, rng, taken):
            continue
        for _ in range(15):
            x, y = rng.uniform(-0.5, 0.5, 2) * np.array(room.size) + room.centre
            thing.position = np.array([x, y, 0.0])
            if _free(thing.rect(), taken, 0.1) and _inside(thing.rect(), room):
                room.things.append(thing)
                taken.append(thing.rect())
                break


def _under(thing: Thing, hosts: list[Thing], room: Room, rng: np.random.Generator, taken: list[Rect]) -> bool:
    host = hosts[int(rng.integers(len(hosts)))]
    free = host.parts.under
    assert free is not None
    if thing.heights()[1] > free.z or any(
        t.host is not None and room.things[t.host] is host for t in room.things
    ):
        return False
    thing.position = _world(host, free, rng, 0.5, 0.0)
    others = [r for r in taken if r != host.rect()]
    if not _free(thing.rect(), others, 0.0):
        return False
    thing.host, thing.relation = room.things.index(host), "under"
    room.things.append(thing)
    taken.append(thing.rect())
    return True


def _on_things(room: Room, rng: np.random.Generator) -> None:
    for index, host in list(enumerate(room.things)):
        for surface in host.parts.surfaces:
            count = 1 + int(rng.random() < 0.45) if surface.half_x > 0.2 else int(rng.random() < 0.7)
            placed: list[Thing] = []
            for _ in range(count):
                thing = make(rng, str(rng.choice(room.type.top)), room)
                if host.kind.noun in ("shelf", "stool") and thing.kind.noun in ("monitor", "microwave"):
                    continue
                for _ in range(6):
                    thing.position = _world(host, surface, rng, 1.0, surface.z)
                    thing.yaw = host.yaw + float(rng.normal(0, 14))
                    if _free(thing.rect(), [t.rect() for t in placed], 0.05):
                        thing.host, thing.relation = index, "on"
                        placed.append(thing)
                        room.things.append(thing)
                        break
        if host.parts.seats and rng.random() < 0.4:
            seat = host.parts.seats[int(rng.integers(len(host.parts.seats)))]
            wide = host.kind.noun in ("sofa", "bed", "armchair")
            choices = ["person_sitting", "pillow", "cat", "teddy_bear", "backpack"]
            choices = choices if wide else ["person_sitting", "cat", "teddy_bear"]
            choices = choices[1:] if host.kind.noun == "bed" else choices
            thing = make(rng, str(rng.choice(choices)), room)
            thing.position = _world(host, seat, rng, 0.6, seat.z)
            thing.yaw = host.yaw + float(rng.normal(0, 6))
            if thing.kind.noun == "pillow":
                thing.position = thing.position + rotation((0, 0, host.yaw)) @ [0, 0.18, 0]
            if thing.kind.noun == "person":
                thing.position = _world(host, seat, rng, 0.0, seat.z)
            thing.host, thing.relation = index, "on"
            room.things.append(thing)
        if host.parts.inside is not None and rng.random() < 0.45:
            thing = make(rng, str(rng.choice(["ball", "teddy_bear", "bottle"])), room)
            thing.position = _world(host, host.parts.inside, rng, 0.2, host.parts.inside.z)
            thing.yaw = float(rng.uniform(-180, 180))
            thing.host, thing.relation = index, "in"
            room.things.append(thing)


def _world(host: Thing, surface: Surface, rng: np.random.Generator, spread: float, z: float) -> np.ndarray:
    x = surface.x + rng.uniform(-1, 1) * surface.half_x * spread
    y = surface.y + rng.uniform(-1, 1) * surface.half_y * spread
    return rotation((0, 0, host.yaw)) @ [x, y, z] + host.position


def _free(rect: Rect, taken: list[Rect], margin: float) -> bool:
    x0, y0, x1, y1 = rect
    return not any(
        x0 < b1 + margin and x1 > a1 - margin and y0 < b2 + margin and y1 > a2 - margin
        for a1, a2, b1, b2 in taken
    )


def _inside(rect: Rect, room: Room) -> bool:
    (cx, cy), (w, d) = room.centre, room.size
    x0, y0, x1, y1 = rect
    return x0 > cx - w / 2 and x1 < cx + w / 2 and y0 > cy - d / 2 and y1 < cy + d / 2
