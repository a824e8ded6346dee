"""A map as SVG: the robot's path and, at the places where it stood, what it saw from there."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from typing import Any

import networkx as nx
import numpy as np

from ser_ros.graph.memory.naming import looks_of

WIDTH = 860.0  # pixels
MARGIN = 46.0
LINE_HEIGHT = 14.0
LETTER = 6.5  # pixels, the mean width of one
MOST_LABELS = 4  # names written at one place; the rest is counted

Box = tuple[float, float, float, float]  # left, top, right, bottom in pixels


@dataclass(frozen=True)
class Sighting:
    """A place of the map, metres, and the names of the things seen from it."""

    x: float
    y: float
    names: tuple[str, ...]
    room: str = ""


def thing_name(data: dict[str, Any]) -> str:
    """ "red chair" from a node of the memory graph; attributes that no longer hold are left out."""
    return " ".join([*looks_of(data), data["label"]])


def sightings(world: nx.MultiDiGraph) -> list[Sighting]:
    """Places of the memory with the names of what was seen from each."""
    names: dict[str, list[str]] = {}
    for _, data in world.nodes(data=True):
        if data["kind"] == "object" and data["place"]:
            names.setdefault(data["place"], []).append(thing_name(data))
    places = ((world.nodes[key], _counted(found)) for key, found in sorted(names.items()))
    return [Sighting(place["x"], place["y"], found, place["room"]) for place, found in places]


def _counted(names: Sequence[str]) -> tuple[str, ...]:
    """Each name once, in order; "white mirror (2)" where two things have it."""
    counts = Counter(names)
    return tuple(name if counts[name] == 1 else f"{name} ({counts[name]})" for name in sorted(counts))


def draw_map(path: np.ndarray, sightings: Sequence[Sighting]) -> str:
    """An SVG element; x points right and y up, one scale for both.

    Args:
        path: [N, 2] metres, the robot's way.
        sightings: where it stood when it saw things.

    Returns:
        "" where there is nothing to draw.
    """
    points = np.array([*path.tolist(), *([s.x, s.y] for s in sightings)], dtype=float).reshape(-1, 2)
    if not len(points):
        return ""
    low, high = points.min(axis=0), points.max(axis=0)
    extent = np.maximum(high - low, 0.5)
    scale = min((WIDTH - 2 * MARGIN - 110) / extent[0], 560 / extent[1])
    height = extent[1] * scale + 2 * MARGIN

    def place(x: float, y: float) -> tuple[float, float]:
        return MARGIN + (x - low[0]) * scale, height - MARGIN - (y - low[1]) * scale

    parts = [f"<title>Map: the robot's path and what it saw from {len(sightings)} places</title>"]
    way = np.array([place(*point) for point in thin(path)]) if len(path) else np.zeros((0, 2))
    if len(path) > 1:
        line = " ".join(f"{x:.1f},{y:.1f}" for x, y in way)
        parts.append(f'<polyline points="{line}" fill="none" stroke="#9db7d5" stroke-width="3"/>')
        for at, colour, name in ((path[0], "#146c2e", "start"), (path[-1], "#b3261e", "end")):
            x, y = place(*at)
            parts.append(
                f'<circle cx="{x:.1f}" cy="{y:.1f}" r="6" fill="{colour}"><title>{name}</title></circle>'
            )
    taken: list[Box] = []
    for sighting in sightings:
        x, y = place(sighting.x, sighting.y)
        parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="4" fill="#0b63c4"/>')
        parts += _label(x, y, sighting, taken, way)
    tall = max([height, *(bottom + MARGIN for _, _, _, bottom in taken)])
    opening = (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {tall:.0f}" width="{WIDTH:.0f}"'
        f' height="{tall:.0f}" role="img" font-family="system-ui, sans-serif" font-size="12">'
    )
    # The page moves this dot to the robot: the group turns metres into pixels.
    left, bottom = MARGIN - low[0] * scale, height - MARGIN + low[1] * scale
    here = (
        f'<g transform="translate({left:.2f} {bottom:.2f}) scale({scale:.4f} {-scale:.4f})">'
        f'<circle class="here" r="{9 / scale:.4f}" cx="0" cy="0" fill="#e8710a" hidden=""/></g>'
    )
    return "".join([opening, *parts, here, _scale_bar(scale, tall), "</svg>"])


def thin(path: np.ndarray, step: float = 0.05) -> np.ndarray:
    """Leave out points that lie within `step` metres of the last kept one."""
    kept = [path[0]]
    for point in path[1:]:
        if np.hypot(*(point - kept[-1])) >= step:
            kept.append(point)
    return np.array(kept)


def _label(x: float, y: float, sighting: Sighting, taken: list[Box], way: np.ndarray) -> list[str]:
    lines = list(sighting.names[:MOST_LABELS])
    if len(sighting.names) > MOST_LABELS:
        lines.append(f"and {len(sighting.names) - MOST_LABELS} more")
    if sighting.room:
        lines.insert(0, sighting.room)
    size = LETTER * max((len(line) for line in lines), default=0), LINE_HEIGHT * len(lines)
    box = _free_box(x, y, size, taken, way)
    taken.append(box)
    left, top, right, _ = box
    edge, anchor = (left, "start") if right > x else (right, "end")  # the words lie close to their place
    parts = []
    if top > y + 20:
        parts.append(f'<path d="M{x:.1f},{y:.1f}L{edge:.1f},{top + 4:.1f}" stroke="#c3ccd6"/>')
    for number, line in enumerate(lines):
        weight = ' font-weight="700"' if sighting.room and number == 0 else ""
        at = f'x="{edge:.1f}" y="{top + LINE_HEIGHT * (number + 0.8):.1f}" text-anchor="{anchor}"'
        halo = 'stroke="#fff" stroke-width="3" paint-order="stroke"'
        parts.append(f'<text {at} fill="#1c2430" {halo}{weight}>{escape(line)}</text>')
    parts.append(f"<title>{escape(', '.join(sighting.names))}</title>")
    return ["<g>", *parts, "</g>"]


def _free_box(x: float, y: float, size: tuple[float, float], taken: Sequence[Box], way: np.ndarray) -> Box:
    """Room for a label at the corner of (x, y) that the way crosses least, else below what is there."""
    wide, tall = size
    corners = [(x + 8, y + 5), (x + 8, y - 5 - tall), (x - 8 - wide, y + 5), (x - 8 - wide, y - 5 - tall)]
    boxes = [(left, top, left + wide, top + tall) for left, top in corners]
    inside = [box for box in boxes if box[0] >= 0 and box[1] >= 0 and box[2] <= WIDTH]
    free = [box for box in inside if not any(_overlap(box, other) for other in taken)]
    if free:
        return min(free, key=lambda box: _points_within(way, box))
    left, top, right, bottom = (inside or boxes)[0]
    while hindering := [other[3] for other in taken if _overlap((left, top, right, bottom), other)]:
        top, bottom = max(hindering) + 1, max(hindering) + 1 + tall
    return left, top, right, bottom


def _overlap(a: Box, b: Box) -> bool:
    return a[0] < b[2] and a[2] > b[0] and a[1] < b[3] and a[3] > b[1]


def _points_within(points: np.ndarray, box: Box) -> int:
    low, high = box[:2], box[2:]
    return int(((points > low) & (points < high)).all(axis=1).sum())


def _scale_bar(scale: float, height: float) -> str:
    metres = next(m for m in (0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 50, 100, 1000, 10000) if m * scale >= 40)
    y = height - 14
    return (
        f'<path d="M{MARGIN},{y}h{metres * scale:.1f}" stroke="#1c2430" stroke-width="2"/>'
        f'<text x="{MARGIN + metres * scale + 6:.1f}" y="{y + 4}" fill="#1c2430">{metres:g} m</text>'
    )
