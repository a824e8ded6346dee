"""A scene or world graph as an SVG picture with labelled edges."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from html import escape
from typing import Any

import networkx as nx
import numpy as np

from ser_ros.graph.memory.naming import looks_of

NODE_FONT, EDGE_FONT = 13, 11  # pixels
NODE_GLYPH, EDGE_GLYPH = 7.2, 6.0  # mean width of a letter at these sizes
LINE = 16.0
PAD = 10.0
GAP = 26.0  # least distance of two boxes
ROW = 980.0  # components are set side by side up to this width
EDGE = 105.0  # median length of an arrow between two centres, before boxes are pushed apart
ASPECT = np.array([1.35, 0.85])  # wider than tall, as labels are
LABEL_PLACES = (0.5, 0.42, 0.58, 0.34, 0.66, 0.27, 0.73)

Point = tuple[float, float]
Box = tuple[float, float, float, float]  # left, top, right, bottom


def draw_svg(graph: nx.MultiDiGraph) -> str:
    """An SVG element of the objects of a frame graph or of the memory's graph.

    Each box holds what the thing is called and, below, its attributes; arrows carry the predicates.
    Nodes of other kinds (places, rooms) are left out. Equal graphs give equal pictures.

    Returns:
        "" where the graph has no object.
    """
    nodes = {key: _lines(data) for key, data in graph.nodes(data=True) if data.get("kind") == "object"}
    if not nodes:
        return ""
    sizes = {key: _size(lines) for key, lines in nodes.items()}
    edges: dict[tuple[Hashable, Hashable], list[str]] = {}
    for source, target, data in graph.edges(data=True):
        if source in nodes and target in nodes:
            edges.setdefault((source, target), []).append(data["predicate"])
    centres, width, height = _layout(sizes, edges)
    boxes = {key: _box(centres[key], sizes[key]) for key in nodes}
    title = f"Graph of {len(nodes)} things and {sum(map(len, edges.values()))} relations"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:.0f} {height:.0f}" width="{width:.0f}"'
        f' height="{height:.0f}" role="img" font-family="system-ui, sans-serif">',
        f"<title>{title}</title><desc>{_text(_sentences(nodes, edges))}</desc>",
        '<rect width="100%" height="100%" fill="#fff"/>',
    ]
    labels: list[Box] = []
    lines, texts = [], []
    for (source, target), predicates in edges.items():
        line, text = _edge(boxes, centres, source, target, (target, source) in edges, predicates, labels)
        lines.append(line)
        texts.append(text)
    parts += [*lines, *texts, *(_node(boxes[key], lines) for key, lines in nodes.items())]
    return "".join(parts) + "</svg>"


def _lines(data: dict[str, Any]) -> list[str]:
    """Label with its count, then attributes that still hold."""
    count = data.get("count")
    label = f"{count} \N{MULTIPLICATION SIGN} {data['label']}" if count and count > 1 else data["label"]
    return [label, *looks_of(data)]


def _size(lines: list[str]) -> Point:
    return max(44.0, NODE_GLYPH * max(map(len, lines)) + 2 * PAD), LINE * len(lines) + PAD


def _box(centre: Point, size: Point) -> Box:
    return (
        centre[0] - size[0] / 2,
        centre[1] - size[1] / 2,
        centre[0] + size[0] / 2,
        centre[1] + size[1] / 2,
    )


def _layout(
    sizes: dict[Hashable, Point], edges: Mapping[tuple[Hashable, Hashable], list[str]]
) -> tuple[dict[Hashable, Point], float, float]:
    """Centres of the boxes and the size of the picture: each component by springs, set in rows."""
    whole = nx.Graph()
    whole.add_nodes_from(sizes)
    for (source, target), predicates in edges.items():
        whole.add_edge(source, target, room=_label_width(_said(predicates)) + 16)
    centres: dict[Hashable, Point] = {}
    left, top, tall, right = GAP, GAP, 0.0, 0.0
    order = {key: number for number, key in enumerate(sizes)}
    components = sorted(nx.connected_components(whole), key=lambda c: (-len(c), min(order[key] for key in c)))
    for component in components:
        keys = sorted(component, key=order.__getitem__)
        placed = _component(whole.subgraph(keys), keys, sizes)
        low = np.min([[x - sizes[k][0] / 2, y - sizes[k][1] / 2] for k, (x, y) in placed.items()], axis=0)
        high = np.max([[x + sizes[k][0] / 2, y + sizes[k][1] / 2] for k, (x, y) in placed.items()], axis=0)
        wide, deep = high - low
        if left > GAP and left + wide > ROW:
            left, top, tall = GAP, top + tall + GAP, 0.0
        for key, (x, y) in placed.items():
            centres[key] = (left + x - low[0], top + y - low[1])
        left += wide + GAP
        tall, right = max(tall, deep), max(right, left)
    return centres, max(right, 120.0), top + tall + GAP


def _component(graph: nx.Graph, keys: list[Hashable], sizes: dict[Hashable, Point]) -> dict[Hashable, Point]:
    if len(keys) == 1:
        return {keys[0]: (0.0, 0.0)}
    ordered = nx.Graph()  # springs depend on the order of nodes
    ordered.add_nodes_from(keys)
    ordered.add_edges_from(graph.edges)
    springs = nx.spring_layout(ordered, seed=0, iterations=200, k=1.6 / len(keys) ** 0.5)
    lengths = [np.hypot(*(springs[a] - springs[b])) for a, b in ordered.edges if a != b]
    scale = ASPECT * EDGE / max(float(np.median(lengths)) if lengths else 1.0, 1e-3)
    points = [[float(x), float(y)] for x, y in (springs[key] * scale for key in keys)]
    number = {key: i for i, key in enumerate(keys)}
    rooms = {frozenset((number[a], number[b])): room for a, b, room in graph.edges(data="room")}
    _push_apart(points, [((sizes[key][0] + GAP) / 2, (sizes[key][1] + GAP) / 2) for key in keys], rooms)
    return {key: (x, y) for key, (x, y) in zip(keys, points, strict=True)}


def _push_apart(
    points: list[list[float]], halves: list[Point], rooms: Mapping[frozenset[int], float]
) -> None:
    """Move centres, in place, until no two boxes of these half sizes overlap.

    Two boxes side by side that an arrow joins leave `rooms` of them for its label.
    """
    for _ in range(400):
        moved = False
        for i in range(len(points)):
            for j in range(i):
                apart = (points[i][0] - points[j][0], points[i][1] - points[j][1])
                overlap = [halves[i][axis] + halves[j][axis] - abs(apart[axis]) for axis in (0, 1)]
                overlap[0] += max(0.0, rooms.get(frozenset((i, j)), 0.0) - GAP)
                if min(overlap) > 0:
                    axis = 0 if overlap[0] < overlap[1] else 1
                    shift = (overlap[axis] / 2 + 0.5) * (1 if apart[axis] >= 0 else -1)
                    points[i][axis] += shift
                    points[j][axis] -= shift
                    moved = True
        if not moved:
            return


def _said(predicates: list[str]) -> str:
    return ", ".join(dict.fromkeys(predicates))


def _label_width(said: str) -> float:
    return EDGE_GLYPH * len(said) + 4


def _edge(
    boxes: dict[Hashable, Box],
    centres: dict[Hashable, Point],
    source: Hashable,
    target: Hashable,
    both_ways: bool,
    predicates: list[str],
    labels: list[Box],
) -> tuple[str, str]:
    """The arrow and its label; the label takes the first place that covers neither box nor label."""
    said = _said(predicates)
    if source == target:
        _, top, right, _ = boxes[source]
        arrow = f"M{right - 14:.1f},{top:.1f}c6,-24 34,-18 14,6"
        return _arrow(arrow, (right, top + 6), (-1.0, 1.0)), _label(said, (right + 16, top - 14))
    start = np.array(_border(boxes[source], centres[source], centres[target]))
    end = np.array(_border(boxes[target], centres[target], centres[source]))
    along = end - start
    normal = np.array([-along[1], along[0]]) / (np.hypot(*along) or 1.0)
    bend = normal * (22.0 if both_ways else 0.0)
    middle = (start + end) / 2 + bend
    wide, tall = _label_width(said), EDGE_FONT + 4.0
    obstacles = [*boxes.values(), *labels]
    best, least = (float(middle[0]), float(middle[1])), float("inf")
    for t in LABEL_PLACES:
        x, y = (1 - t) ** 2 * start + 2 * t * (1 - t) * (middle + bend) + t**2 * end
        box = _box((x, y), (wide, tall))
        hidden = sum(_shared(box, other) for other in obstacles)
        if hidden < least:
            best, least = (float(x), float(y)), hidden
    labels.append(_box(best, (wide, tall)))
    control = middle + bend
    path = f"M{start[0]:.1f},{start[1]:.1f}Q{control[0]:.1f},{control[1]:.1f} {end[0]:.1f},{end[1]:.1f}"
    heading = end - control
    return _arrow(path, (end[0], end[1]), (heading[0], heading[1])), _label(said, best)


def _border(box: Box, centre: Point, towards: Point) -> Point:
    """Where the line from the centre of a box towards a point leaves the box."""
    dx, dy = towards[0] - centre[0], towards[1] - centre[1]
    half_x, half_y = (box[2] - box[0]) / 2, (box[3] - box[1]) / 2
    scale = min(half_x / abs(dx) if dx else 1e9, half_y / abs(dy) if dy else 1e9)
    return centre[0] + dx * scale, centre[1] + dy * scale


def _shared(a: Box, b: Box) -> float:
    wide = min(a[2], b[2]) - max(a[0], b[0])
    tall = min(a[3], b[3]) - max(a[1], b[1])
    return max(wide, 0.0) * max(tall, 0.0)


def _arrow(path: str, tip: Point, heading: Point) -> str:
    # The head is a path of its own: a <marker> needs an id, and ids clash when a page holds many graphs.
    direction = np.array(heading) / (np.hypot(*heading) or 1.0)
    side = np.array([-direction[1], direction[0]])
    a, b = np.array(tip) - 9 * direction + 4 * side, np.array(tip) - 9 * direction - 4 * side
    head = f"M{tip[0]:.1f},{tip[1]:.1f}L{a[0]:.1f},{a[1]:.1f}L{b[0]:.1f},{b[1]:.1f}Z"
    return (
        f'<path d="{path}" fill="none" stroke="#8494a7" stroke-width="1.4"/><path d="{head}" fill="#8494a7"/>'
    )


def _label(text: str, at: Point) -> str:
    return (
        f'<text x="{at[0]:.1f}" y="{at[1] + 4:.1f}" font-size="{EDGE_FONT}" text-anchor="middle"'
        f' fill="#3c4a5a" stroke="#fff" stroke-width="4" paint-order="stroke">{_text(text)}</text>'
    )


def _node(box: Box, lines: list[str]) -> str:
    left, top, right, bottom = box
    parts = [
        f'<rect x="{left:.1f}" y="{top:.1f}" width="{right - left:.1f}" height="{bottom - top:.1f}" rx="8"'
        ' fill="#e8f1fc" stroke="#0b63c4"/>'
    ]
    for number, line in enumerate(lines):
        style = 'font-weight="600" fill="#12263f"' if number == 0 else 'fill="#49617d" font-style="italic"'
        y = top + PAD / 2 + LINE * (number + 0.78)
        parts.append(
            f'<text x="{(left + right) / 2:.1f}" y="{y:.1f}" font-size="{NODE_FONT}"'
            f' text-anchor="middle" {style}>{_text(line)}</text>'
        )
    return "".join(parts)


def _sentences(nodes: dict[Hashable, list[str]], edges: dict[tuple[Hashable, Hashable], list[str]]) -> str:
    """The graph in words, for a screen reader."""
    said = [f"{nodes[a][0]} {', '.join(p)} {nodes[b][0]}" for (a, b), p in edges.items()]
    alone = [lines[0] for key, lines in nodes.items() if not any(key in edge for edge in edges)]
    return "; ".join([*said, *alone])


def _text(words: str) -> str:
    """Escaped for XML, which has no control characters at all."""
    return escape("".join(c for c in words if c.isprintable()))
