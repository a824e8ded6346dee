"""The room a thing is in: that of the nearest place whose room is known, not of where the robot stood.

From a hallway one sees into the rooms. A thing's place in view is compared with the places that have
been visited; nothing tells where the walls are.
"""

from __future__ import annotations

import math
import sqlite3

from ser_ros.graph.memory.grid import SQUARED_DISTANCE, cells_around

# No place farther from a thing's place in view says anything about its room, metres.
REACH = 4.0


def nearest_home(db: sqlite3.Connection, x: float, y: float, place_radius: float) -> int | None:
    """The nearest place with a room, at most `REACH` away."""
    near, cells = cells_around(x, y, REACH, place_radius)
    places = db.execute(f"SELECT id, x, y FROM place WHERE room <> '' AND {near}", cells)
    nearest = min(((math.hypot(px - x, py - y), number) for number, px, py in places), default=None)
    return nearest[1] if nearest is not None and nearest[0] <= REACH else None


def take_home(db: sqlite3.Connection, place: int, merge_radius: float) -> None:
    """Make a place whose room just became known the home of the things that are nearest to it.

    One statement: thousands of things may be within `REACH`, and most of them have a home that is nearer.
    """
    x, y = db.execute("SELECT x, y FROM place WHERE id = ?", (place,)).fetchone()
    near, cells = cells_around(x, y, REACH, merge_radius)
    db.execute(
        f"""UPDATE object SET home = ? WHERE {near} AND {SQUARED_DISTANCE} < ?
        AND (home IS NULL OR {SQUARED_DISTANCE} <
        (SELECT (view_x - home.x) * (view_x - home.x) + (view_y - home.y) * (view_y - home.y)
        FROM place AS home WHERE home.id = object.home))""",
        (place, *cells, x, x, y, y, REACH * REACH, x, x, y, y),
    )
