"""What a picture truly shows: visible things, their attributes and boxes, and relations from geometry."""

from __future__ import annotations

from collections import defaultdict
from dataclasses import asdict, dataclass, field

import numpy as np

from ser_ros.data.sim.catalogue import Kind
from ser_ros.data.sim.layout import Thing
from ser_ros.data.sim.render import Camera

NAMED_SHARE = 0.013  # a thing is named when it covers this share of the picture ...
COMPLETE = 0.3  # ... and this share of its outline is visible, or it covers LARGE
LARGE = 0.07
GLIMPSED = 0.0008  # less than this and a caption that names the thing is wrong
MOST_NAMED = 6
PARTS = {"person": "shirt", "plant": "pot"}  # what carries the colour of a thing
_WOODEN = frozenset({  # of these the brown ones are made of wood
    "table", "coffee table", "desk", "nightstand", "dresser", "bookshelf", "wardrobe", "shelf", "stairs",
    "chair", "stool", "door",
})  # fmt: skip


@dataclass
class Seen:
    """One thing, or several alike ("two red chairs"), in a picture.

    Attributes:
        noun, plural: its name.
        count: how many.
        attributes: words for it, the colour or material last.
        size: "small", "large", "tall" or None.
        part: (noun, colour) of what carries its colour: a person's shirt, a plant's pot; else None.
        box: x0, y0, x1, y1 in [0, 1].
        share: of the picture's pixels.
        depth: metres along the view.
        salience: the larger, the earlier a person would mention it.
        members: indices of its things in the world.
    """

    noun: str
    plural: str
    count: int
    attributes: list[str]
    size: str | None
    part: tuple[str, str] | None
    box: tuple[float, float, float, float]
    share: float
    depth: float
    salience: float
    members: list[int]

    @property
    def centre(self) -> float:
        """Horizontal middle in [0, 1]."""
        return (self.box[0] + self.box[2]) / 2


@dataclass
class Truth:
    """One picture.

    Attributes:
        room: type of room.
        floor: "wooden", "tiled" or "carpeted".
        objects: what a caption should name, most salient first.
        relations: (index, predicate, index) among `objects`; -1 stands for the wall.
        allowed: (noun, attributes) of all that can be glimpsed: naming it is no hallucination.
    """

    room: str
    floor: str
    objects: list[Seen]
    relations: list[tuple[int, str, int]]
    allowed: list[tuple[str, list[str]]] = field(default_factory=list)

    def to_dict(self) -> dict:
        """Plain JSON types."""
        return asdict(self)


def words_of(thing: Thing) -> list[str]:
    """State, then colour or material of a thing."""
    if thing.kind.noun in PARTS:
        return [thing.kind.state] if thing.kind.state else []
    wooden = thing.kind.noun in _WOODEN and thing.colour == "brown"
    return ([thing.kind.state] if thing.kind.state else []) + ["wooden" if wooden else thing.colour]


def size_of(thing: Thing) -> str | None:
    """The size word of kinds that come in two sizes."""
    low, high = thing.heights()
    if thing.kind.noun == "plant":
        return "tall" if high - low > 0.85 else "small"
    if thing.kind.noun == "box":
        return "large" if high - low > 0.36 else "small"
    return None


def observe(things: list[Thing], camera: Camera, identities: np.ndarray, room: str, floor: str) -> Truth:
    """The truth of a picture whose pixels show `identities` [H, W] (index of the thing, -1 for none)."""
    pixels = np.bincount(identities[identities >= 0].ravel(), minlength=len(things))
    side = identities.shape[0]
    seen, allowed = [], []
    for index in np.flatnonzero(pixels):
        thing, share = things[index], pixels[index] / identities.size
        if share >= GLIMPSED:
            allowed.append(
                (thing.kind.noun, [*words_of(thing), *([] if thing.kind.noun in PARTS else [thing.colour])])
            )
            if thing.kind.noun in PARTS:
                allowed.append((PARTS[thing.kind.noun], [thing.colour]))
        rows, columns = np.nonzero(identities == index)
        box = (columns.min() / side, rows.min() / side, (columns.max() + 1) / side, (rows.max() + 1) / side)
        if share >= NAMED_SHARE and (share >= LARGE or _completeness(thing, camera, box) >= COMPLETE):
            seen.append(_one(thing, int(index), camera, tuple(map(float, box)), float(share)))
    groups = _group(seen, things)
    groups.sort(key=lambda s: -s.salience)
    groups = groups[:MOST_NAMED]
    relations = [
        (i, predicate, j)
        for i, a in enumerate(groups)
        for j, b in enumerate(groups)
        if i != j
        for predicate in _relations(a, b, things)
    ]
    relations += [
        (i, "on", -1) for i, a in enumerate(groups) if all(things[m].relation == "on wall" for m in a.members)
    ]
    floor_word = {"wood": "wooden", "tiles": "tiled", "carpet": "carpeted"}[floor]
    return Truth(room, floor_word, groups, relations, allowed)


def _completeness(thing: Thing, camera: Camera, box) -> float:
    points, depth = camera.project(thing.corners())
    if depth.min() < 0.05:
        return 0.0
    width, height = points.max(axis=0) - points.min(axis=0)
    return (box[2] - box[0]) * (box[3] - box[1]) / max(width * height, 1e-9)


def _one(thing: Thing, index: int, camera: Camera, box, share: float) -> Seen:
    kind: Kind = thing.kind
    low, high = thing.heights()
    depth = camera.project(np.array([[*thing.position[:2], (low + high) / 2]]))[1][0]
    off_centre = abs((box[0] + box[2]) / 2 - 0.5)
    salience = kind.salience * share**0.5 * (1.1 - off_centre)
    part = (PARTS[kind.noun], thing.colour) if kind.noun in PARTS else None
    return Seen(
        kind.noun,
        kind.plural,
        1,
        words_of(thing),
        size_of(thing),
        part,
        box,
        share,
        float(depth),
        salience,
        [index],
    )


def _group(seen: list[Seen], things: list[Thing]) -> list[Seen]:
    """Merge things of one name, look and support."""
    by_look = defaultdict(list)
    for one in seen:
        thing = things[one.members[0]]
        by_look[one.noun, tuple(one.attributes), one.part, one.size, thing.host, thing.relation].append(one)
    groups = []
    for alike in by_look.values():
        first = alike[0]
        x0, y0, x1, y1 = zip(*(a.box for a in alike), strict=True)
        groups.append(
            Seen(
                first.noun, first.plural, len(alike), first.attributes, first.size, first.part,
                (min(x0), min(y0), max(x1), max(y1)),
                sum(a.share for a in alike), float(np.mean([a.depth for a in alike])),
                max(a.salience for a in alike), [a.members[0] for a in alike],
            )
        )  # fmt: skip
    return groups


def _relations(a: Seen, b: Seen, things: list[Thing]) -> list[str]:
    """Every predicate that holds from `a` to `b` for all their members."""
    pairs = [(things[m], things[n], m, n) for m in a.members for n in b.members]
    found: list[str] = []
    held = (
        {m.relation for m, _, _, _ in pairs} if all(_is_host(m, n, things) for m, n, _, _ in pairs) else set()
    )
    if len(held) == 1:
        return [held.pop()]
    if any(_is_host(m, n, things) or _is_host(n, m, things) for m, n, _, _ in pairs):
        return []
    if all(_above(m, n) for m, n, _, _ in pairs) and _overlap(a.box, b.box) > 0.3:
        found.append("above")
    standing = all(m.relation in ("on floor",) and n.relation in ("on floor",) for m, n, _, _ in pairs)
    flat = "rug" in (a.noun, b.noun)
    if standing and not flat:
        if any(_gap(m.rect(), n.rect()) < 0.5 for m, n, _, _ in pairs):
            found.append("next to")
        if a.depth < b.depth - 0.5 and _overlap(a.box, b.box) > 0.35:
            found.append("in front of")
        if a.depth > b.depth + 0.5 and _overlap(a.box, b.box) > 0.35:
            found.append("behind")
    if (
        flat
        and standing
        and a.noun != "rug"
        and all(_gap(m.rect(), n.rect()) == 0.0 for m, n, _, _ in pairs)
        and b.noun == "rug"
        and _contains(pairs)
    ):
        return ["on"]
    if a.count == b.count == 1 or standing:
        shift = a.centre - b.centre
        if abs(shift) > 0.2 and _overlap(a.box, b.box) < 0.35:
            found.append("to the left of" if shift < 0 else "to the right of")
    return found


def _is_host(thing: Thing, other: Thing, things: list[Thing]) -> bool:
    return thing.host is not None and things[thing.host] is other


def _contains(pairs) -> bool:
    for thing, rug, _, _ in pairs:
        x0, y0, x1, y1 = rug.rect()
        a0, b0, a1, b1 = thing.rect()
        if not (a0 > x0 - 0.05 and a1 < x1 + 0.05 and b0 > y0 - 0.05 and b1 < y1 + 0.05):
            return False
    return True


def _above(thing: Thing, other: Thing) -> bool:
    return (
        thing.relation == "on wall"
        and other.host is None
        and thing.heights()[0] > other.heights()[1] - 0.02
        and _gap(thing.rect(), other.rect()) < 0.1
    )


def _gap(a, b) -> float:
    dx = max(0.0, a[0] - b[2], b[0] - a[2])
    dy = max(0.0, a[1] - b[3], b[1] - a[3])
    return float(np.hypot(dx, dy))


def _overlap(a, b) -> float:
    """Shared columns over the narrower of two boxes."""
    shared = min(a[2], b[2]) - max(a[0], b[0])
    return max(0.0, shared) / max(min(a[2] - a[0], b[2] - b[0]), 1e-6)
