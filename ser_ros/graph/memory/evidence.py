"""Which captions support an object: the first one and the newest, nothing that nobody cites."""

from __future__ import annotations

import sqlite3

from ser_ros.graph.triples import SceneObject


def keep_evidence(db: sqlite3.Connection, row: int, observation: int, thing: SceneObject, most: int) -> None:
    """Cite the observation for the object; beyond `most` the second oldest citation is dropped.

    The observation itself stays even where it is that one (an image older than those known): the other
    things of its caption may yet cite it, so its writer drops it last.
    """
    db.execute(
        "INSERT OR IGNORE INTO evidence VALUES (?, ?, ?, ?, ?)",
        (row, observation, thing.span.start, thing.span.end, thing.confidence),
    )
    drop_uncited(db, [number for number in trim_evidence(db, row, most) if number != observation])


def trim_evidence(db: sqlite3.Connection, row: int, most: int) -> list[int]:
    """Leave the oldest citation and the newest `most` - 1, by stamp.

    Returns:
        the observations that are no longer cited for this object.
    """
    cited = [
        number
        for (number,) in db.execute(
            """SELECT observation FROM evidence JOIN observation ON observation.id = observation
            WHERE object = ? ORDER BY stamp, uid""",
            (row,),
        )
    ]
    surplus = cited[1 : len(cited) - most + 1] if most > 1 else cited[: len(cited) - 1]
    for number in surplus:
        db.execute("DELETE FROM evidence WHERE object = ? AND observation = ?", (row, number))
    return surplus


def drop_uncited(db: sqlite3.Connection, observations: list[int]) -> None:
    """Delete those of the observations that no object and no relation cites."""
    db.executemany(
        """DELETE FROM observation WHERE id = ?1
        AND NOT EXISTS (SELECT 1 FROM evidence WHERE observation = ?1)
        AND NOT EXISTS (SELECT 1 FROM relation WHERE observation = ?1)""",
        [(number,) for number in observations],
    )
