"""A memory that stays within its bounds: by age, by number of objects, by size of the file.

What only one image showed is often a caption's error (half of what the first shipped model named in the
patrol): it is forgotten after a tenth of the time, and before all else where the memory is full.
"""

from __future__ import annotations

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.evidence import drop_uncited
from ser_ros.graph.memory.store import Store

# Bounds are looked at every so many observations, and few objects go at once: an update stays quick.
EVERY = 50
MOST_AT_ONCE = 20
ONCE_SHARE = 0.1
# A part of the places is looked at each time, so that none is kept for ever and no update is slow.
PLACE_PARTS = 512
_DAY_NS = 86_400_000_000_000
# What was seen in the last hour may yet be seen again.
_FRESH_NS = 3_600_000_000_000
_FOREVER = 2**62


def forget(store: Store, config: MemoryConfig, now_ns: int) -> int:
    """Delete what is too old or too much, those seen longest ago first; call inside a transaction.

    Returns:
        the number of objects deleted, at most `MOST_AT_ONCE`.
    """
    db = store.db
    number = db.execute("SELECT count(*) FROM object").fetchone()[0]
    surplus = max(0, number - config.max_objects)
    if store.size_bytes > config.max_megabytes * 1_000_000:
        surplus = max(surplus, MOST_AT_ONCE)
    once, most = "times_seen = 1 AND", min(surplus, MOST_AT_ONCE)
    rows = _oldest(store, once, now_ns - _FRESH_NS, most)
    if len(rows) < most:
        rows |= _oldest(store, "", _FOREVER, most)
        rows = dict(list(rows.items())[:most])
    if config.forget_after > 0.0:
        age = int(config.forget_after * _DAY_NS)
        rows |= _oldest(store, once, now_ns - int(ONCE_SHARE * age), MOST_AT_ONCE - len(rows))
        rows |= _oldest(store, "", now_ns - age, MOST_AT_ONCE - len(rows))
    left = [place for row in rows for place in delete_object(store, row)]
    if config.forget_after > 0.0:
        _forget_places(store, left, now_ns, now_ns - age)
    return len(rows)


def _oldest(store: Store, condition: str, before: int, most: int) -> dict[int, None]:
    """Objects that were seen longest ago, in order."""
    found = store.db.execute(
        f"SELECT id FROM object WHERE {condition} last_seen < ? ORDER BY last_seen, id LIMIT ?",
        (before, most),
    )
    return {row: None for (row,) in found}


def delete_object(store: Store, row: int) -> list[int]:
    """Delete an object with all that hangs on it, and the captions that supported nothing else.

    Returns:
        the place it was seen from, where it had one.
    """
    db = store.db
    places = [place for (place,) in db.execute("SELECT place FROM object WHERE id = ?", (row,)) if place]
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
    return places


def _forget_places(store: Store, left: list[int], now_ns: int, before: int) -> None:
    """Delete the places among `left`, and in this second's part of all, that were not visited since."""
    marks = ",".join("?" * len(left))
    store.db.execute(
        f"""DELETE FROM place WHERE (id % {PLACE_PARTS} = ? OR id IN ({marks}))
        AND (SELECT max(visit.last_seen) FROM visit WHERE visit.place = place.id) < ?
        AND NOT EXISTS (SELECT 1 FROM object WHERE object.place = place.id)
        AND NOT EXISTS (SELECT 1 FROM observation WHERE observation.place = place.id)""",
        (now_ns // 1_000_000_000 % PLACE_PARTS, *left, before),
    )
