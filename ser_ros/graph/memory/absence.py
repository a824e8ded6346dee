"""What should have been named and was not: things that are gone."""

from __future__ import annotations

import sqlite3

from ser_ros.graph.memory.places import View


def note_absences(
    db: sqlite3.Connection, left: View, origin: int, stamp: int, gone_probability: float
) -> None:
    """Mark as gone what a visit just ended should have shown and did not.

    A thing that was named in s of its n visits is named in the next with probability about
    (s + 1) / (n + 2); it is gone when missing k visits in a row is less likely than `gone_probability`. What
    was seen after that visit, as where an older bag is played, is not.
    """
    for row, seen, missed, visit_last in db.execute(
        """SELECT object.id, visits_seen, visits_missed, visit_last FROM object
        JOIN tally ON tally.object = object.id AND tally.origin = ?
        WHERE place = ? AND sector = ? AND camera = ? AND gone = 0 AND visit_last < ?
        AND object.last_seen = tally.last_seen AND object.last_seen < ?""",
        (origin, left.place, left.sector, left.camera, left.visits, stamp),
    ).fetchall():
        named = (seen + 1) / (seen + missed + 2)
        if (1.0 - named) ** (left.visits - visit_last) < gone_probability:
            db.execute("UPDATE object SET gone = ?, told = min(told, 1) WHERE id = ?", (stamp, row))
