"""The search grid of positions, and the frame they are in; both belong to the file."""

from __future__ import annotations

import math

from ser_ros.errors import UserError
from ser_ros.graph.memory.config import MemoryConfig
from ser_ros.graph.memory.store import Store

# From a point, given as x, x, y, y, to the place in view of an object.
SQUARED_DISTANCE = "(view_x - ?) * (view_x - ?) + (view_y - ?) * (view_y - ?)"


def cell(value: float, size: float) -> int:
    """Row or column of the search grid that a coordinate lies in."""
    return math.floor(value / size)


def cells_around(
    x: float, y: float, reach: float, size: float, table: str = ""
) -> tuple[str, tuple[int, ...]]:
    """Cells that a position at most `reach` metres away can lie in, as a condition and its values.

    Columns are listed, so that the index on (cell_x, cell_y) reads the rows between in each of them; between
    two columns it would read every row.

    Args:
        table: "object." where several tables have cells.
    """
    columns = range(cell(x - reach, size), cell(x + reach, size) + 1)
    marks = ",".join("?" * len(columns))
    condition = f"{table}cell_x IN ({marks}) AND {table}cell_y BETWEEN ? AND ?"
    return condition, (*columns, cell(y - reach, size), cell(y + reach, size))


def check_frame(store: Store, config: MemoryConfig) -> None:
    """Refuse a file whose poses are in another frame than the one that is set.

    Raises:
        UserError: it is.
    """
    frame = store.meta("frame_id")
    if (
        frame
        and config.frame_id
        and frame != config.frame_id
        and store.db.execute("SELECT 1 FROM place LIMIT 1").fetchone()
    ):
        raise UserError(
            f"the memory {store.path} has poses in the frame {frame!r}, not {config.frame_id!r}; "
            "set the parameter frame_id to it or give another path"
        )


def settle_grid(store: Store, config: MemoryConfig) -> None:
    """Note frame and radii in a new file; sort an old one into the grid of other radii.

    Call inside a transaction.

    Raises:
        UserError: the file has poses in another frame.
    """
    check_frame(store, config)
    if config.frame_id:
        store.set_meta("frame_id", config.frame_id)
    for table, column, size in (("place", "", config.place_radius), ("object", "view_", config.merge_radius)):
        if store.meta(f"{table}_grid") == repr(size):
            continue
        rows = store.db.execute(f"SELECT {column}x, {column}y, id FROM {table} WHERE {column}x IS NOT NULL")
        store.db.executemany(
            f"UPDATE {table} SET cell_x = ?, cell_y = ? WHERE id = ?",
            [(cell(x, size), cell(y, size), row) for x, y, row in rows.fetchall()],
        )
        store.set_meta(f"{table}_grid", repr(size))
