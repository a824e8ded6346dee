"""Relations between remembered objects; of two supports the newer one holds, the older is history."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterable
from typing import NamedTuple

from ser_ros.graph.memory.evidence import drop_uncited
from ser_ros.graph.memory.observation import Observation
from ser_ros.graph.memory.vocabulary import SUPPORTS, location

MOST_RELATIONS = 24


class Relation(NamedTuple):
    """What was said of two objects, over all origins.

    Attributes:
        subject, object: rows of the objects.
        location: place in space that the predicate states, "" where it states none.
        current: False when a newer support contradicts it.
    """

    subject: int
    predicate: str
    object: int
    location: str
    times: int
    first_seen: int
    last_seen: int
    confidence: float
    observation: int | None
    start: int
    end: int
    current: bool = True


def record_relations(
    db: sqlite3.Connection, observation: Observation, origin: int, row: int, objects: dict[int, int]
) -> None:
    """Write the relations of one caption.

    Args:
        row: the observation.
        objects: {id in the triples: row of the object}; rooms are not in it.
    """
    for relation in observation.triples.relations:
        subject, target = objects.get(relation.subject), objects.get(relation.object)
        if subject is None or target is None or subject == target:
            continue
        before = db.execute(
            "SELECT observation FROM relation"
            " WHERE subject = ? AND predicate = ? AND object = ? AND origin = ?",
            (subject, relation.predicate, target, origin),
        ).fetchone()
        stamp = observation.stamp_ns
        db.execute(
            """INSERT INTO relation VALUES (?, ?, ?, ?, ?, 1, ?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET
            count = count + 1, first_seen = min(first_seen, excluded.first_seen),
            last_seen = max(last_seen, excluded.last_seen),
            confidence_sum = confidence_sum + excluded.confidence_sum,
            observation = excluded.observation, "start" = excluded."start", "end" = excluded."end" """,
            (
                subject, relation.predicate, target, origin, location(relation.predicate) or "",
                stamp, stamp, relation.confidence, row, relation.span.start, relation.span.end,
            ),
        )  # fmt: skip
        if before is None:
            drop_uncited(db, [number for number in _trim(db, subject) if number != row])
        elif before["observation"] is not None:
            drop_uncited(db, [before["observation"]])


def relations_of(db: sqlite3.Connection, rows: Iterable[int], until_ns: int | None = None) -> list[Relation]:
    """All relations that the objects have a part in, newest first.

    Args:
        until_ns: those known by then, as they were then.
    """
    wanted = set(rows)
    found: dict[tuple[int, str, int], Relation] = {}
    for row in db.execute(
        """WITH wanted (id) AS (SELECT value FROM json_each(?)) SELECT * FROM relation WHERE subject IN (
        SELECT id FROM wanted UNION SELECT subject FROM relation WHERE object IN (SELECT id FROM wanted))
        ORDER BY last_seen DESC, subject, predicate, object""",
        (json.dumps(sorted(wanted)),),
    ):
        key = (row["subject"], row["predicate"], row["object"])
        found[key] = _merged(found.get(key), row)
    known = list(found.values())
    if until_ns is not None:
        known = [_as_of(relation, until_ns) for relation in known if relation.first_seen <= until_ns]
        known.sort(key=lambda one: (-one.last_seen, -one.first_seen))
    relations = mark_current(known)
    return [relation for relation in relations if relation.subject in wanted or relation.object in wanted]


def mark_current(relations: list[Relation]) -> list[Relation]:
    """Tell apart what holds from what is history.

    A support ("on", "in", "under") is history when another support of the same subject was first
    seen after it was last seen.
    """
    newest: dict[int, int] = {}
    for relation in relations:
        if relation.location in SUPPORTS:
            newest[relation.subject] = max(newest.get(relation.subject, 0), relation.first_seen)
    return [
        relation
        if relation.location not in SUPPORTS or relation.last_seen >= newest[relation.subject]
        else relation._replace(current=False)
        for relation in relations
    ]


def _as_of(relation: Relation, until_ns: int) -> Relation:
    """As it was known then; the caption that says so is a later one where it was said again."""
    if relation.last_seen <= until_ns:
        return relation
    return relation._replace(last_seen=until_ns, observation=None)


def _merged(known: Relation | None, row: sqlite3.Row) -> Relation:
    mean = row["confidence_sum"] / row["count"]
    if known is None:
        return Relation(
            row["subject"], row["predicate"], row["object"], row["location"], row["count"], row["first_seen"],
            row["last_seen"], mean, row["observation"], row["start"], row["end"],
        )  # fmt: skip
    count = known.times + row["count"]
    return Relation(
        known.subject, known.predicate, known.object, known.location, count,
        min(known.first_seen, row["first_seen"]), known.last_seen,
        (known.confidence * known.times + row["confidence_sum"]) / count,
        known.observation, known.start, known.end,
    )  # fmt: skip


def _trim(db: sqlite3.Connection, subject: int) -> list[int]:
    """Drop the oldest relations of a subject; returns the observations they cited."""
    surplus = db.execute(
        """SELECT predicate, object, origin, observation FROM relation WHERE subject = ?
        ORDER BY last_seen DESC LIMIT -1 OFFSET ?""",
        (subject, MOST_RELATIONS),
    ).fetchall()
    for predicate, target, origin, _ in surplus:
        db.execute(
            "DELETE FROM relation WHERE subject = ? AND predicate = ? AND object = ? AND origin = ?",
            (subject, predicate, target, origin),
        )
    return [row["observation"] for row in surplus if row["observation"] is not None]
