"""Attributes over time: a state has one value at a time, and every change stays in the history."""

from __future__ import annotations

import sqlite3

from ser_ros.graph.memory.sighting import Sighting
from ser_ros.graph.memory.vocabulary import STATES


def attribute_text(texts: set[str] | frozenset[str]) -> str:
    """The column `object.attributes`: sorted, joined by "|"."""
    return "|".join(sorted(texts))


def record_attributes(
    db: sqlite3.Connection, row: int, origin: int, sighting: Sighting, history: int
) -> None:
    """Write the attributes of a sighting; a new value of a state begins a new row of its history."""
    stamp = sighting.stamp_ns
    for text in sorted(sighting.attributes):
        state = STATES.get(text, "")
        newest = db.execute(
            """SELECT origin, text, first_seen FROM attribute WHERE object = ? AND
            CASE WHEN ?2 = '' THEN text = ?3 AND origin = ?4 ELSE state = ?2 END
            ORDER BY last_seen DESC, first_seen DESC LIMIT 1""",
            (row, state, text, origin),
        ).fetchone()
        confidence = sighting.thing.confidence
        if newest is not None and (newest["origin"], newest["text"]) == (origin, text):
            db.execute(
                """UPDATE attribute SET last_seen = max(last_seen, ?), count = count + 1,
                confidence_sum = confidence_sum + ?
                WHERE object = ? AND origin = ? AND text = ? AND first_seen = ?""",
                (stamp, confidence, row, origin, text, newest["first_seen"]),
            )
        else:
            changed = newest is not None and state != "" and newest["text"] != text
            db.execute(
                "INSERT OR IGNORE INTO attribute VALUES (?, ?, ?, ?, ?, ?, 1, ?, ?)",
                (row, origin, text, state, stamp, stamp, confidence, 0 if changed else 1),
            )
            if state:
                trim_history(db, row, state, history)
    settle_attributes(db, row)


def settle_attributes(db: sqlite3.Connection, row: int) -> None:
    """Write what is true of the object now: all lasting attributes, and the newest value of each state."""
    current: dict[str, str] = {}
    lasting: set[str] = set()
    for text, state in db.execute(
        "SELECT text, state FROM attribute WHERE object = ? ORDER BY last_seen, first_seen, text", (row,)
    ):
        if state:
            current[state] = text
        else:
            lasting.add(text)
    texts = attribute_text(lasting | set(current.values()))
    db.execute("UPDATE object SET attributes = ?1 WHERE id = ?2 AND attributes <> ?1", (texts, row))


def trim_history(db: sqlite3.Connection, row: int, state: str, most: int) -> None:
    """Keep the newest `most` rows of one state."""
    db.execute(
        """DELETE FROM attribute WHERE object = ?1 AND state = ?2 AND first_seen < (
        SELECT first_seen FROM attribute WHERE object = ?1 AND state = ?2
        ORDER BY first_seen DESC LIMIT 1 OFFSET ?3)""",
        (row, state, most - 1),
    )
