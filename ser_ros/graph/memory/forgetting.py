"""A memory that stays within its bounds: by age, by number of objects, by size of the file.

What only one image showed is often a caption's error (half of what the first shipped model named in the
patrol): it is forgotten after a tenth of the time, and before all else where the memory is full.
"""

from __future__ import annotations

import math

from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.evidence import drop_uncited
from ser_ros.graph.memory.store import Store

# Bounds are looked at every so many observations.
EVERY = 50
# Objects forgotten with each observation: as many as a caption brings, few enough for a quick update.
MOST = 6
ONCE_SHARE = 0.1
# A part of the places is looked at each time, so that none is kept for ever and no update is slow. Being
# prime, it leaves out no part where images come at a regular pace.
PLACE_PARTS = 509
_DAY_NS = 86_400_000_000_000
# An image is known for so long, so that it is not counted again.
_IMAGES_NS = 7 * _DAY_NS
# What was seen in the last hour may yet be seen again.
_FRESH_NS = 3_600_000_000_000
_FOREVER = 2**62


class Forgetting:
    """Deletes a few objects with each observation while there are too many, or too old ones.

    Attributes:
        config: the bounds.
    """

    def __init__(self, store: Store, config: MemoryConfig):
        self.config, self._store = config, store
        self._unchecked = 0
        self._surplus = 0
        self._aged = False

    def after(self, new: int, now_ns: int) -> None:
        """Keep the bounds after so many new observations; call inside their transaction."""
        self._unchecked += new
        if self._unchecked >= EVERY:
            self._unchecked = 0
            self._forget_images(now_ns - _IMAGES_NS)
            self._surplus = self._count_surplus()
            self._aged = self.config.forget_after > 0.0
            if self._aged:
                self._forget_places(f"id % {PLACE_PARTS} = {now_ns // 1_000_000_000 % PLACE_PARTS}", now_ns)
        most = MOST * new
        if self._surplus and most:
            wanted = min(most, self._surplus)
            forgotten = self._forget_objects(now_ns - _FRESH_NS, _FOREVER, wanted, now_ns)
            self._surplus = self._surplus - forgotten if forgotten == wanted else 0
            most -= forgotten
        if self._aged and most:
            age = int(self.config.forget_after * _DAY_NS)
            forgotten = self._forget_objects(now_ns - int(ONCE_SHARE * age), now_ns - age, most, now_ns)
            self._aged = forgotten == most

    def _forget_images(self, before: int) -> None:
        """Delete the oldest images, twice as many as came, as far as they are older than that."""
        self._store.db.execute(
            """DELETE FROM image WHERE stamp < min(?, coalesce(
            (SELECT stamp FROM image ORDER BY stamp LIMIT 1 OFFSET ?), ?))""",
            (before, 2 * EVERY, before),
        )

    def _count_surplus(self) -> int:
        number = int(self._store.db.execute("SELECT count(*) FROM object").fetchone()[0])
        kept = self.config.max_megabytes * 1_000_000 / max(1, self._store.size_bytes)
        return max(0, number - self.config.max_objects, math.ceil(number * (1.0 - kept)))

    def _forget_objects(self, once_before: int, before: int, most: int, now_ns: int) -> int:
        """Delete objects seen longest ago; returns how many.

        Args:
            once_before: those that one image showed go first, when it did before this stamp.
            before: then all, when last seen before this stamp.
        """
        rows = self._oldest("times_seen = 1 AND", once_before, most)
        if len(rows) < most:
            rows = list(dict.fromkeys([*rows, *self._oldest("", before, most)]))[:most]
        left = {str(place) for row in rows for place in delete_object(self._store, row)}
        if left and self.config.forget_after > 0.0:
            self._forget_places(f"id IN ({','.join(sorted(left))})", now_ns)
        return len(rows)

    def _oldest(self, condition: str, before: int, most: int) -> list[int]:
        found = self._store.db.execute(
            f"SELECT id FROM object WHERE {condition} last_seen < ? ORDER BY last_seen, id LIMIT ?",
            (before, most),
        )
        return [row for (row,) in found]

    def _forget_places(self, condition: str, now_ns: int) -> None:
        """Delete places that nothing hangs on and nobody visited for `forget_after`."""
        self._store.db.execute(
            f"""DELETE FROM place WHERE {condition}
            AND (SELECT max(visit.last_seen) FROM visit WHERE visit.place = place.id) < ?
            AND NOT EXISTS (SELECT 1 FROM object WHERE object.place = place.id)
            AND NOT EXISTS (SELECT 1 FROM observation WHERE observation.place = place.id)""",
            (now_ns - int(self.config.forget_after * _DAY_NS),),
        )


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
