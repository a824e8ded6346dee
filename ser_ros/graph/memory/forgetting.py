"""A memory that stays within its bounds: by age, by number of objects, by size of the file."""

from __future__ import annotations

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.evidence import drop_uncited
from ser_ros.graph.memory.store import Store

# Bounds are looked at every so many observations, and few objects go at once: an update stays quick.
EVERY = 50
MOST_AT_ONCE = 400
_DAY_NS = 86_400_000_000_000


def forget(store: Store, config: MemoryConfig, now_ns: int) -> int:
    """Delete what is too old or too much, those seen longest ago first; call inside a transaction.

    Returns:
        the number of objects deleted, at most `MOST_AT_ONCE`.
    """
    db = store.db
    number, newest_first = db.execute("SELECT count(*) FROM object").fetchone()[0], "ORDER BY last_seen, id"
    surplus = max(0, number - config.max_objects)
    if store.size_bytes > config.max_megabytes * 1_000_000:
        surplus = max(surplus, MOST_AT_ONCE)
    rows = [
        row
        for (row,) in db.execute(
            f"SELECT id FROM object {newest_first} LIMIT ?", (min(surplus, MOST_AT_ONCE),)
        )
    ]
    if config.forget_after > 0.0:
        before = now_ns - int(config.forget_after * _DAY_NS)
        rows += [
            row
            for (row,) in db.execute(
                f"SELECT id FROM object WHERE last_seen < ? {newest_first} LIMIT ?",
                (before, MOST_AT_ONCE - len(rows)),
            )
            if row not in rows
        ]
        _forget_places(store, before)
    for row in rows:
        delete_object(store, row)
    return len(rows)


def delete_object(store: Store, row: int) -> None:
    """Delete an object with all that hangs on it, and the captions that supported nothing else."""
    db = store.db
    observations = [
        number
        for (number,) in db.execute(
            """SELECT observation FROM evidence WHERE object = ?1 UNION
            SELECT observation FROM relation
            WHERE (subject = ?1 OR object = ?1) AND observation IS NOT NULL""",
            (row,),
        )
    ]
    db.execute("DELETE FROM object WHERE id = ?", (row,))
    drop_uncited(db, observations)


def _forget_places(store: Store, before: int) -> None:
    store.db.execute(
        """DELETE FROM place WHERE id IN (SELECT place FROM visit GROUP BY place HAVING max(last_seen) < ?)
        AND NOT EXISTS (SELECT 1 FROM object WHERE object.place = place.id)
        AND NOT EXISTS (SELECT 1 FROM observation WHERE observation.place = place.id)""",
        (before,),
    )
