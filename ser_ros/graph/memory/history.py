"""What was known of a thing at an earlier time: where it stood then, and in which state.

Kept are its first and its newest captions, the time of each relation and the history of each state. What
lies between two of them is told as what it is: seen before and after.
"""

from __future__ import annotations

import json
import math
import sqlite3
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.homes import nearest_home
from ser_ros.graph.memory.relations import Relation, relations_of
from ser_ros.graph.memory.rows import pose_of
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.surroundings import describe_relation
from ser_ros.graph.memory.vocabulary import SUPPORTS

_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")
# Captions that cite the object itself, or a relation of it.
_CITED = """SELECT observation.*, coalesce(place.room, '') AS room, coalesce(place.uid, '') AS place_uid,
    EXISTS (SELECT 1 FROM evidence WHERE object = ?1 AND observation = observation.id) AS names
    FROM observation LEFT JOIN place ON place.id = observation.place
    WHERE observation.id IN (SELECT observation FROM evidence WHERE object = ?1
    UNION SELECT observation FROM relation WHERE subject = ?1 OR object = ?1)
    ORDER BY stamp, observation.id"""


@dataclass(frozen=True)
class Glimpse:
    """One caption that named a thing.

    Attributes:
        room: that of the place in view; "" where it is not known.
        point: the place in view, metres; None without a pose.
    """

    stamp_ns: int
    room: str
    point: tuple[float, float] | None


@dataclass(frozen=True)
class Past:
    """A thing as it was known at a time.

    Attributes:
        row: columns `rows.COLUMNS` as they were then; `last_seen` is the newest sighting until then.
        observation: the caption that says so; None where none is kept.
        relation: how it stood to another thing.
        after: its next sighting, None where there was none.
        stayed: whether it was in the same place before and after.
    """

    row: Mapping[str, Any]
    observation: int | None
    relation: str
    after: Glimpse | None
    stayed: bool


class History:
    """Looks up what the store kept of earlier times."""

    def __init__(self, store: Store, config: MemoryConfig):
        self.config, self._store = config, store

    def until(self, row: Mapping[str, Any] | sqlite3.Row, until_ns: int) -> Past:
        """An object (columns `rows.COLUMNS`), first seen by then, as it was known at that time."""
        relation = describe_relation(self._store, row, until_ns)
        attributes = attributes_at(self._store.db, [row["id"]], until_ns)[row["id"]]
        if row["last_seen"] <= until_ns:
            gone = row["gone"] if row["gone"] <= until_ns else 0
            return Past({**dict(row), "attributes": attributes, "gone": gone}, None, relation, None, False)
        cited = self._store.db.execute(_CITED, (row["id"],)).fetchall()
        before = [one for one in cited if one["stamp"] <= until_ns]
        after = [one for one in cited if one["stamp"] > until_ns]
        then = self._glimpse(before[-1]) if before else Glimpse(row["first_seen"], "", None)
        later = self._glimpse(after[0]) if after else Glimpse(row["last_seen"], row["room"], _point(row))
        stayed = self._is_one_place(then, later) and not self._was_put(row["id"], until_ns)
        seen = max(then.stamp_ns, self._noted_until(row["id"], until_ns))
        cites = bool(before) and seen == then.stamp_ns
        told: dict[str, Any] = {
            "attributes": attributes,
            "gone": 0,
            "last_seen": seen,
            "room": then.room if cites or stayed else "",
            "place_uid": before[-1]["place_uid"] if cites else "",
            **{name: before[-1][name] if cites else None for name in _POSE},
        }
        naming = [one["id"] for one in before if one["names"]]
        return Past({**dict(row), **told}, naming[-1] if naming else None, relation, later, stayed)

    def moved_at(self, row: Mapping[str, Any] | sqlite3.Row) -> int:
        """Since when an object is where it is now, by its captions; since ever where it never moved."""
        supports = self._supports(row["id"])
        former = max((one.last_seen for one in supports if not one.current), default=0)
        moved = [one.first_seen for one in supports if one.current and one.first_seen > former > 0]
        cited = self._store.db.execute(_CITED, (row["id"],)).fetchall()
        for one, other in pairwise(map(self._glimpse, cited)):
            if one.room and other.room and one.room != other.room:
                moved.append(other.stamp_ns)
        return max(moved, default=row["first_seen"])

    def _was_put(self, row: int, since_ns: int) -> bool:
        """Whether an object was seen after that on or in another thing than before."""
        supports = self._supports(row)
        return any(one.first_seen > since_ns for one in supports) and any(not one.current for one in supports)

    def _supports(self, row: int) -> list[Relation]:
        known = relations_of(self._store.db, [row])
        return [one for one in known if one.subject == row and one.location in SUPPORTS]

    def _noted_until(self, row: int, until_ns: int) -> int:
        """The newest time by then at which a relation or attribute of an object was seen; 0 for none."""
        times = """SELECT first_seen AS stamp FROM {0} UNION ALL SELECT last_seen FROM {0}"""
        of_it = ("relation WHERE subject = ?1", "relation WHERE object = ?1", "attribute WHERE object = ?1")
        seen = " UNION ALL ".join(times.format(one) for one in of_it)
        found = self._store.db.execute(
            f"SELECT max(stamp) FROM ({seen}) WHERE stamp <= ?2", (row, until_ns)
        ).fetchone()[0]
        return int(found or 0)

    def _glimpse(self, cited: sqlite3.Row) -> Glimpse:
        pose = pose_of(cited, "")
        if pose is None:
            return Glimpse(cited["stamp"], cited["room"], None)
        reach = self.config.view_distance
        point = pose.x + reach * math.cos(pose.yaw), pose.y + reach * math.sin(pose.yaw)
        home = nearest_home(self._store.db, *point, float(self._store.meta("place_grid")))
        if home is None:
            return Glimpse(cited["stamp"], cited["room"], point)
        room = self._store.db.execute("SELECT room FROM place WHERE id = ?", (home,)).fetchone()[0]
        return Glimpse(cited["stamp"], room, point)

    def _is_one_place(self, one: Glimpse, other: Glimpse) -> bool:
        if one.point and other.point:
            return math.dist(one.point, other.point) <= self.config.merge_radius
        return bool(one.room) and one.room == other.room


def attributes_at(db: sqlite3.Connection, objects: Sequence[int], until_ns: int) -> dict[int, str]:
    """The column `object.attributes` as it was: what lasts, and of each state the value that held then."""
    rows = db.execute(
        """SELECT object, text, state FROM attribute
        WHERE object IN (SELECT value FROM json_each(?)) AND (state = '' OR first_seen <= ?)
        ORDER BY min(last_seen, ?), first_seen, text""",
        (json.dumps(list(objects)), until_ns, until_ns),
    )
    held: dict[int, dict[str, str]] = {number: {} for number in objects}
    for number, text, state in rows:
        held[number][state or f" {text}"] = text
    return {number: "|".join(sorted(texts.values())) for number, texts in held.items()}


@dataclass(frozen=True)
class Holding:
    """A time in which a state was seen and no other of its kind.

    Attributes:
        text: "open".
        first_ns, last_ns: first and newest image that showed it.
    """

    text: str
    first_ns: int
    last_ns: int


def holdings(db: sqlite3.Connection, key: str, state: str) -> list[Holding]:
    """The history of one state ("opening", "power", ...) of an object, oldest first.

    Args:
        key: of its node, "object:<uid>".
    """
    found = db.execute(
        """SELECT text, attribute.first_seen, attribute.last_seen FROM attribute
        JOIN object ON object.id = attribute.object WHERE uid = ? AND state = ? ORDER BY 2""",
        (key.removeprefix("object:"), state),
    )
    return [Holding(*one) for one in found]


def _point(row: Mapping[str, Any] | sqlite3.Row) -> tuple[float, float] | None:
    return None if row["view_x"] is None else (row["view_x"], row["view_y"])
