"""Places: keyframe poses in clusters, the rooms that captions name there, and the visits to their views.

A place is the first pose of a cluster; poses within `place_radius` of it belong to it. A view is a
place, a heading sector of 45 degrees and a camera. A visit is an unbroken stay in one view: how often
a thing was or was not named is counted by visits, because a robot that stands still says the same
thing in every frame.
"""

from __future__ import annotations

import hashlib
import math
from dataclasses import dataclass

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.grid import cell, cells_around
from ser_ros.graph.memory.homes import take_home
from ser_ros.graph.memory.observation import Observation
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import location, room_of
from ser_ros.graph.pose import Pose

SECTORS = 8
# A stay in a view ends when no image shows it for so long.
VISIT_GAP_NS = 20_000_000_000
# "a door to the kitchen" is seen from somewhere else.
_LEADS_AWAY = ("to", "into", "through", "toward", "towards", "lead", "from")


@dataclass(frozen=True)
class View:
    """Where an image was taken from, as rows of the store.

    Attributes:
        place: row of the place; None without a pose.
        sector: heading in units of 45 degrees, 0 along x; None without a pose.
        visits: how many visits of this robot the view has had, this one included; 0 without a pose.
        left: the view that this robot left with this image; None when it stayed.
    """

    place: int | None
    sector: int | None
    camera: str
    visits: int
    left: View | None = None


def short_hash(*parts: object) -> str:
    """Twelve hex digits that stand for the parts, the same in every process."""
    return hashlib.sha1("\x1f".join(map(str, parts)).encode(), usedforsecurity=False).hexdigest()[:12]


def sector_of(pose: Pose) -> int:
    """Heading in units of 45 degrees: 0 looks along x, 2 along y."""
    return round(pose.yaw / (2.0 * math.pi) * SECTORS) % SECTORS


def usable(pose: Pose | None, frame_id: str) -> Pose | None:
    """The pose if it is finite and in the frame of the memory, else None."""
    if pose is None or pose.frame_id != frame_id:
        return None
    return pose if pose.is_finite() else None


class Places:
    """Finds or makes the place of a pose and counts the visits to its views."""

    def __init__(self, store: Store, config: MemoryConfig):
        self._store, self._config = store, config
        self._last: dict[str, tuple[View, int]] = {}  # camera: (view, stamp of its newest image)

    def forget_current(self) -> None:
        """Start a new visit with the next image, as after a jump in time or a loaded store."""
        self._last.clear()

    def enter(self, observation: Observation, origin: int) -> View:
        """The view of an observation, counted; call inside a transaction."""
        pose, camera, stamp = observation.pose, observation.camera, observation.stamp_ns
        if pose is None:
            return View(None, None, camera, 0)
        place, sector = self._place(pose, stamp, origin), sector_of(pose)
        previous, seen = self._last.get(camera, (None, 0))
        stays = (
            previous is not None
            and (previous.place, previous.sector) == (place, sector)
            and 0 <= stamp - seen <= VISIT_GAP_NS
        )
        self._store.db.execute(
            """INSERT INTO visit VALUES (?, ?, ?, ?, 1, 1, ?, ?) ON CONFLICT DO UPDATE SET
            visits = visits + ?, images = images + 1, last_seen = max(last_seen, excluded.last_seen)""",
            (place, sector, camera, origin, stamp, stamp, 0 if stays else 1),
        )
        visits = self._store.db.execute(
            "SELECT visits FROM visit WHERE place = ? AND sector = ? AND camera = ? AND origin = ?",
            (place, sector, camera, origin),
        ).fetchone()[0]
        view = View(place, sector, camera, visits, None if stays else previous)
        self._last[camera] = (view, stamp)
        self._vote_rooms(observation, place, origin)
        return view

    def _place(self, pose: Pose, stamp: int, origin: int) -> int:
        radius, db = self._config.place_radius, self._store.db
        around, cells = cells_around(pose.x, pose.y, radius, radius)
        near = [
            (math.hypot(x - pose.x, y - pose.y), number)
            for number, x, y in db.execute(
                f"SELECT id, x, y FROM place WHERE {around} AND abs(z - ?) <= ?",
                (*cells, pose.z, max(radius, 1.0)),
            )
        ]
        if near and min(near)[0] <= radius:
            return min(near)[1]
        uid = short_hash(self._store.meta("robot"), stamp, pose.x, pose.y, pose.z)
        cursor = db.execute(
            "INSERT INTO place (uid, x, y, z, cell_x, cell_y) VALUES (?, ?, ?, ?, ?, ?)",
            (uid, pose.x, pose.y, pose.z, cell(pose.x, radius), cell(pose.y, radius)),
        )
        db.execute("INSERT INTO place_alias VALUES (?, ?)", (uid, cursor.lastrowid))
        return int(cursor.lastrowid or 0)

    def _vote_rooms(self, observation: Observation, place: int, origin: int) -> None:
        named = rooms_named(observation)
        for room in named:
            self._store.db.execute(
                """INSERT INTO room_vote VALUES (?, ?, ?, 1, ?) ON CONFLICT DO UPDATE SET
                count = count + 1, last_seen = max(last_seen, excluded.last_seen)""",
                (place, room, origin, observation.stamp_ns),
            )
        if named and settle_room(self._store, place):
            take_home(self._store.db, place, self._config.merge_radius)


def rooms_named(observation: Observation) -> set[str]:
    """Rooms that the caption says the robot is in, not those a door leads to."""
    triples = observation.triples
    away = {
        relation.object
        for relation in triples.relations
        if location(relation.predicate) != "in" and set(relation.predicate.split()) & set(_LEADS_AWAY)
    }
    return {room for thing in triples.objects if thing.id not in away and (room := room_of(thing))}


def settle_room(store: Store, place: int) -> bool:
    """Name the place by the room that most captions named there; True when it had no name before."""
    before = store.db.execute("SELECT room FROM place WHERE id = ?", (place,)).fetchone()[0]
    store.db.execute(
        """UPDATE place SET room = coalesce((SELECT room FROM room_vote WHERE place = place.id
        GROUP BY room ORDER BY sum(count) DESC, max(last_seen) DESC, room LIMIT 1), '') WHERE id = ?""",
        (place,),
    )
    return not before
