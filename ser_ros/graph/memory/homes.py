"""The room a thing is in: that of the nearest place whose room is known, not of where the robot stood.

From a hallway one sees into the rooms. A thing's place in view is compared with the places that have
been visited; nothing tells where the walls are.
"""

from __future__ import annotations

import math
import sqlite3

from ser_ros.graph.memory.grid import cell

# No place farther from a thing's place in view says anything about its room, metres.
REACH = 4.0


def nearest_home(db: sqlite3.Connection, x: float, y: float, place_radius: float) -> int | None:
    """The nearest place with a room, at most `REACH` away."""
    column, row = cell(x, place_radius), cell(y, place_radius)
    reach = math.ceil(REACH / place_radius)
    places = db.execute(
        """SELECT id, x, y FROM place WHERE room <> ''
        AND cell_x BETWEEN ? AND ? AND cell_y BETWEEN ? AND ?""",
        (column - reach, column + reach, row - reach, row + reach),
    )
    near = [(math.hypot(px - x, py - y), number) for number, px, py in places]
    return min(near)[1] if near and min(near)[0] <= REACH else None


def take_home(db: sqlite3.Connection, place: int, merge_radius: float) -> None:
    """Make a place whose room just became known the home of the things that are nearest to it."""
    x, y = db.execute("SELECT x, y FROM place WHERE id = ?", (place,)).fetchone()
    column, row = cell(x, merge_radius), cell(y, merge_radius)
    reach = math.ceil(REACH / merge_radius)
    things = db.execute(
        """SELECT object.id, view_x, view_y, home.x, home.y FROM object
        LEFT JOIN place AS home ON home.id = object.home
        WHERE object.cell_x BETWEEN ? AND ? AND object.cell_y BETWEEN ? AND ?""",
        (column - reach, column + reach, row - reach, row + reach),
    ).fetchall()
    for thing, view_x, view_y, home_x, home_y in things:
        distance = math.hypot(view_x - x, view_y - y)
        nearest = REACH if home_x is None else math.hypot(view_x - home_x, view_y - home_y)
        if distance < nearest:
            db.execute("UPDATE object SET home = ? WHERE id = ?", (place, thing))
