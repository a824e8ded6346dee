"""What changed in a time: things first seen, states that became others, things not found again."""

from __future__ import annotations

from ser_ros.graph.memory.answer import Match
from ser_ros.graph.memory.question import Question
from ser_ros.graph.memory.rows import COLUMNS, TABLE, match_of
from ser_ros.graph.memory.store import Store

_FOREVER = 2**62
_MOST = 150


def changes(store: Store, question: Question) -> list[Match]:
    """Changes in the question's time, newest first; `Match.change` says which: "new", "gone", "open"."""
    since, until = question.since_ns or 0, question.until_ns if question.until_ns is not None else _FOREVER
    db = store.db
    found: list[tuple[int, Match]] = []
    states = db.execute(
        f"""SELECT {COLUMNS}, a.text AS value, a.first_seen AS changed FROM attribute AS a
        JOIN object ON object.id = a.object LEFT JOIN place ON place.id = object.place
        LEFT JOIN place AS home ON home.id = object.home
        WHERE a.state <> '' AND a.first_seen BETWEEN ? AND ? AND EXISTS (SELECT 1 FROM attribute AS b
        WHERE b.object = a.object AND b.state = a.state AND b.text <> a.text AND b.first_seen < a.first_seen)
        ORDER BY a.first_seen DESC LIMIT ?""",
        (since, until, _MOST),
    ).fetchall()
    latest: set[tuple[int, int]] = set()
    for row in states:
        if (row["id"], 0) not in latest:
            latest.add((row["id"], 0))
            found.append((row["changed"], match_of(store, row, 1.0, change=row["value"])))
    for column, change in (("gone", "gone"), ("first_seen", "new")):
        # `column > 0` lets SQLite use the index of the few that are gone.
        extra = "gone <> 0 AND" if change == "gone" else ""
        for row in db.execute(
            f"""SELECT {COLUMNS} FROM {TABLE} WHERE {extra} {column} BETWEEN ? AND ?
            ORDER BY {column} DESC LIMIT ?""",
            (since, until, _MOST),
        ).fetchall():
            if (row["id"], 0) not in latest:
                latest.add((row["id"], 0))
                found.append((row[column], match_of(store, row, 1.0, change=change)))
    found.sort(key=lambda pair: (-pair[0], pair[1].id))
    return [match for _, match in found]
