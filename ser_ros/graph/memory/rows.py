"""Rows of the store become matches: with the caption that supports them and their links."""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable, Mapping
from typing import Any

from ser_ros.graph.memory.answer import Match
from ser_ros.graph.memory.question import Question
from ser_ros.graph.memory.store import Store
from ser_ros.graph.memory.vocabulary import STRUCTURE
from ser_ros.graph.pose import Pose

COLUMNS = """object.id, object.uid, object.label, object.head, object.plural, object.count,
    object.attributes, object.first_seen, object.last_seen, object.times_seen, object.confidence_sum,
    object.place, object.x, object.y, object.z, object.qx, object.qy, object.qz, object.qw,
    object.view_x, object.view_y, object.gone, object.trust, object.camera,
    coalesce(home.room, place.room, '') AS room, coalesce(place.uid, '') AS place_uid"""
TABLE = """object LEFT JOIN place ON place.id = object.place
    LEFT JOIN place AS home ON home.id = object.home"""
# What the rank of an object is made of; reading all columns of hundreds takes milliseconds.
RANKED = """object.id, object.head, object.last_seen, object.trust, object.view_x, object.view_y,
    coalesce(home.room, place.room, '') AS room"""
# Objects that are looked at for one question: the ones seen last.
MOST = 4000


def select(
    store: Store,
    where: str,
    values: Iterable[Any],
    question: Question,
    *,
    most: int = MOST,
    columns: str = COLUMNS,
) -> list[sqlite3.Row]:
    """Objects that fulfil `where` and the question's time and area, seen last first."""
    limits, arguments = limits_of(question)
    return store.db.execute(
        f"""SELECT {columns} FROM {TABLE} WHERE ({where}) {limits}
        ORDER BY last_seen DESC, object.id LIMIT ?""",
        (*values, *arguments, most),
    ).fetchall()


def limits_of(question: Question) -> tuple[str, list[float]]:
    """The question's time and area as conditions that go on after a WHERE, and their values."""
    conditions = ""
    arguments: list[float] = []
    if question.since_ns is not None:
        conditions += " AND last_seen >= ?"
        arguments.append(question.since_ns)
    if question.until_ns is not None:
        conditions += " AND first_seen <= ?"
        arguments.append(question.until_ns)
    if (area := question.area) is not None:
        conditions += " AND (object.x - ?) * (object.x - ?) + (object.y - ?) * (object.y - ?) <= ?"
        arguments += [area.x, area.x, area.y, area.y, area.radius * area.radius]
    return conditions, arguments


def still_there(question: Question) -> tuple[str, list[int]]:
    """The condition that an object was not gone in the question's time, and its values."""
    time = question.until_ns if question.since_ns is None else question.since_ns
    return ("gone = 0", []) if time is None else ("(gone = 0 OR gone > ?)", [time])


def rooms_seen(store: Store, question: Question) -> list[str]:
    """The rooms that captions named at the places visited in the question's time, visited last first."""
    rows = store.db.execute(
        """SELECT room FROM place JOIN visit ON visit.place = place.id WHERE room != ''
        AND last_seen >= ? AND first_seen <= ? GROUP BY room ORDER BY max(last_seen) DESC, room""",
        (question.since_ns or 0, 2**63 - 1 if question.until_ns is None else question.until_ns),
    )
    return [row["room"] for row in rows]


def last_visit(store: Store, question: Question) -> tuple[int, int]:
    """When the robot was last in the question's room: in its time, and at all; 0 for never."""
    since, until = question.since_ns or 0, 2**63 - 1 if question.until_ns is None else question.until_ns
    stamps = [
        stamp
        for row in store.db.execute(
            """SELECT first_seen, last_seen FROM place JOIN visit ON visit.place = place.id WHERE room = ?""",
            (question.room,),
        )
        for stamp in row
    ]
    return max((one for one in stamps if since <= one <= until), default=0), max(stamps, default=0)


def things_by_room(store: Store, question: Question) -> tuple[dict[str, int], bool]:
    """How many things there are in each room, "" where none is known, and whether there may be more.

    Walls and floors are none, nor is what is gone.
    """
    limits, values = limits_of(question)
    not_gone, time = still_there(question)
    marks = ",".join("?" * len(STRUCTURE))
    there = f"{not_gone} AND head NOT IN ({marks}) {limits}"
    # Each of the first two reads one index (object_home, object_homeless); few things are several.
    rows = store.db.execute(
        f"""SELECT coalesce(room, ''), total(things), max(vague) FROM (
            SELECT home AS spot, count(*) AS things, 0 AS vague FROM object
            WHERE home IS NOT NULL AND {there} GROUP BY home
            UNION ALL SELECT place, count(*), 0 FROM object WHERE home IS NULL AND {there} GROUP BY place
            UNION ALL SELECT coalesce(home, place), coalesce(count, 2) - 1, count IS NULL FROM object
            WHERE (count > 1 OR plural) AND {there})
        LEFT JOIN place ON place.id = spot GROUP BY 1""",
        (*time, *sorted(STRUCTURE), *values) * 3,
    )
    asked = [row for row in rows if question.room in ("", row[0])]
    return {room: int(things) for room, things, _ in asked}, any(vague for _, _, vague in asked)


def attributes_of(row: Mapping[str, Any] | sqlite3.Row) -> frozenset[str]:
    """Current attributes of an object's row."""
    return frozenset(filter(None, row["attributes"].split("|")))


def pose_of(row: Mapping[str, Any] | sqlite3.Row, frame_id: str) -> Pose | None:
    """Where the robot stood, from the seven columns; None where they are empty."""
    if row["x"] is None:
        return None
    return Pose(frame_id, *(row[column] for column in ("x", "y", "z", "qx", "qy", "qz", "qw")))


def match_of(
    store: Store,
    row: Mapping[str, Any] | sqlite3.Row,
    score: float,
    *,
    observation: int | None = None,
    relation: str = "",
    change: str = "",
    changed_ns: int = 0,
) -> Match:
    """The match of an object's row.

    Args:
        observation: the caption that should support it; by default the newest that does.
    """
    db = store.db
    support = db.execute(
        """SELECT stamp, camera, caption, "start", "end" FROM evidence
        JOIN observation ON observation.id = observation WHERE object = ?
        ORDER BY observation.id = ? DESC, stamp DESC LIMIT 1""",
        (row["id"], observation if observation is not None else -1),
    ).fetchone()
    links = db.execute(
        """SELECT uid FROM object WHERE id IN (SELECT b FROM possibly_same WHERE a = ?1
        UNION SELECT a FROM possibly_same WHERE b = ?1) ORDER BY uid""",
        (row["id"],),
    )
    return Match(
        id=f"object:{row['uid']}",
        label=row["label"],
        attributes=tuple(sorted(attributes_of(row))),
        count=row["count"],
        plural=bool(row["plural"]),
        score=round(score, 4),
        pose=pose_of(row, store.meta("frame_id")),
        place=f"place:{row['place_uid']}" if row["place_uid"] else "",
        room=row["room"],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        times_seen=row["times_seen"],
        confidence=min(1.0, row["confidence_sum"] / row["times_seen"]),
        gone=row["gone"],
        camera=support["camera"] if support else row["camera"],
        caption=support["caption"] if support else "",
        stamp_ns=support["stamp"] if support else row["last_seen"],
        start=support["start"] if support else 0,
        end=support["end"] if support else 0,
        relation=relation,
        change=change,
        changed_ns=changed_ns,
        possibly_same=tuple(f"object:{uid}" for (uid,) in links),
    )
