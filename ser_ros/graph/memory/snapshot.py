"""A whole memory in plain dictionaries with names instead of row numbers, moved into another frame."""

from __future__ import annotations

import math
import sqlite3
from collections import defaultdict
from dataclasses import dataclass, field
from typing import Any

from ser_ros.graph.memory.places import SECTORS
from ser_ros.graph.memory.store import Store

Row = dict[str, Any]


@dataclass(frozen=True)
class Transform:
    """From a memory's frame into the common one: turn about z by `yaw` radians, then move by metres."""

    x: float = 0.0
    y: float = 0.0
    z: float = 0.0
    yaw: float = 0.0

    def point(self, x: float, y: float) -> tuple[float, float]:
        """Where a point of the memory's frame lies in the common one."""
        if not self.yaw:  # keeps every digit, so that a second merge changes nothing
            return x + self.x, y + self.y
        cosine, sine = math.cos(self.yaw), math.sin(self.yaw)
        return cosine * x - sine * y + self.x, sine * x + cosine * y + self.y

    def move(self, row: Row) -> None:
        """Move position, orientation and place in view of a row, where it has them."""
        if row.get("x") is not None:
            row["x"], row["y"] = self.point(row["x"], row["y"])
            row["z"] += self.z
        if row.get("view_x") is not None:
            row["view_x"], row["view_y"] = self.point(row["view_x"], row["view_y"])
        if self.yaw and row.get("qw") is not None:
            sine, cosine = math.sin(self.yaw / 2.0), math.cos(self.yaw / 2.0)
            x, y, z, w = row["qx"], row["qy"], row["qz"], row["qw"]
            row["qx"], row["qy"] = cosine * x - sine * y, cosine * y + sine * x
            row["qz"], row["qw"] = cosine * z + sine * w, cosine * w - sine * z
        if row.get("sector") is not None:
            row["sector"] = (row["sector"] + round(self.yaw / (2.0 * math.pi) * SECTORS)) % SECTORS


@dataclass
class Snapshot:
    """One memory; keys are uids and names of robots, so they mean the same in every memory.

    Attributes:
        places, objects: uid -> columns, with `aliases` (set of uids) and what hangs on them.
        observations: uid -> columns.
        images: (stamp, camera, robot).
        relations: (subject uid, predicate, object uid, robot) -> columns.
        links: (uid, uid) -> score.
    """

    places: dict[str, Row] = field(default_factory=dict)
    objects: dict[str, Row] = field(default_factory=dict)
    observations: dict[str, Row] = field(default_factory=dict)
    images: set[tuple[int, str, str]] = field(default_factory=set)
    relations: dict[tuple[str, str, str, str], Row] = field(default_factory=dict)
    links: dict[tuple[str, str], float] = field(default_factory=dict)


def read_snapshot(store: Store, transform: Transform) -> Snapshot:
    """Read all of a memory, moved by the transform."""
    db = store.db
    robots = dict(map(tuple, db.execute("SELECT id, name FROM origin")))
    place_uids = dict(map(tuple, db.execute("SELECT id, uid FROM place")))
    object_uids = dict(map(tuple, db.execute("SELECT id, uid FROM object")))
    observation_uids = dict(map(tuple, db.execute("SELECT id, uid FROM observation")))
    snapshot = Snapshot()

    visits, votes = _by(db, "visit", "place"), _by(db, "room_vote", "place")
    aliases = _by(db, "place_alias", "place")
    for row in _rows(db, "place"):
        for visit in visits[row["id"]]:
            transform.move(visit)
        row["aliases"] = {alias["uid"] for alias in aliases[row["id"]]} | {row["uid"]}
        row["visits"] = {
            (one["sector"], one["camera"], robots[one["origin"]]): (
                one["visits"], one["images"], one["first_seen"], one["last_seen"],
            )
            for one in visits[row["id"]]
        }  # fmt: skip
        row["votes"] = {
            (one["room"], robots[one["origin"]]): (one["count"], one["last_seen"]) for one in votes[row["id"]]
        }
        transform.move(row)
        snapshot.places[row["uid"]] = row

    for row in _rows(db, "observation"):
        row["place"], row["robot"] = place_uids.get(row["place"]), robots[row["origin"]]
        transform.move(row)
        snapshot.observations[row["uid"]] = row

    images = db.execute("SELECT stamp, camera, origin FROM image")
    snapshot.images = {(stamp, camera, robots[origin]) for stamp, camera, origin in images}

    aliases, tallies = _by(db, "object_alias", "object"), _by(db, "tally", "object")
    attributes, evidence = _by(db, "attribute", "object"), _by(db, "evidence", "object")
    for row in _rows(db, "object"):
        row["place"] = place_uids.get(row["place"])
        row["aliases"] = {alias["uid"] for alias in aliases[row["id"]]} | {row["uid"]}
        row["tallies"] = {
            robots[one["origin"]]: tuple(
                one[name]
                for name in (
                    "times_seen", "last_seen", "first_seen", "confidence_sum",
                    "visits_seen", "visits_missed", "visit_last",
                )
            )
            for one in tallies[row["id"]]
        }  # fmt: skip
        row["history"] = {
            (robots[one["origin"]], one["text"], one["state"], one["first_seen"]): (
                one["count"], one["last_seen"], one["confidence_sum"],
            )
            for one in attributes[row["id"]]
        }  # fmt: skip
        row["evidence"] = {
            observation_uids[one["observation"]]: (one["start"], one["end"], one["confidence"])
            for one in evidence[row["id"]]
        }
        transform.move(row)
        snapshot.objects[row["uid"]] = row

    for row in _rows(db, "relation"):
        key = (
            object_uids[row["subject"]], row["predicate"], object_uids[row["object"]], robots[row["origin"]],
        )  # fmt: skip
        row["observation"] = observation_uids.get(row["observation"])
        snapshot.relations[key] = row
    for a, b, score in db.execute("SELECT a, b, score FROM possibly_same"):
        first, second = sorted((object_uids[a], object_uids[b]))
        snapshot.links[first, second] = score
    return snapshot


def _rows(db: sqlite3.Connection, table: str) -> list[Row]:
    return [dict(row) for row in db.execute(f"SELECT * FROM {table}")]


def _by(db: sqlite3.Connection, table: str, column: str) -> dict[int, list[Row]]:
    groups: dict[int, list[Row]] = defaultdict(list)
    for row in _rows(db, table):
        groups[row[column]].append(row)
    return groups
