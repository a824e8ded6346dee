"""The picture of a graph: valid SVG, boxes apart, words escaped, same graph same picture."""

from __future__ import annotations

import re
import xml.etree.ElementTree as ElementTree
from itertools import combinations

import networkx as nx
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.graph.drawing import draw_svg
from ser_ros.graph.frame_graph import to_networkx
from ser_ros.graph.parser import parse

SVG = "{http://www.w3.org/2000/svg}"


def boxes(svg: str) -> list[tuple[float, ...]]:
    rects = [r for r in ElementTree.fromstring(svg).iter(f"{SVG}rect") if r.get("rx")]
    found = []
    for rect in rects:
        x, y, w, h = (float(rect.get(name)) for name in ("x", "y", "width", "height"))
        found.append((x, y, x + w, y + h))
    return found


def test_shows_labels_attributes_counts_and_predicates():
    svg = draw_svg(to_networkx(parse("two red chairs next to a wooden table")))
    words = "".join(ElementTree.fromstring(svg).itertext())
    for word in ("chair", "2 \N{MULTIPLICATION SIGN}", "red", "table", "wooden", "next to"):
        assert word in words


def test_empty_graph_has_no_picture():
    assert draw_svg(nx.MultiDiGraph()) == ""


@settings(deadline=None, max_examples=20)
@given(
    st.integers(1, 25),
    st.lists(st.tuples(st.integers(0, 24), st.integers(0, 24)), max_size=40),
    st.text(max_size=12),
)
def test_up_to_25_boxes_never_overlap(count, pairs, word):
    graph = nx.MultiDiGraph()
    for number in range(count):
        graph.add_node(f"o{number}", kind="object", label=f"thing {number}", attributes=[{"text": "grey"}])
    for a, b in pairs:
        if a < count and b < count:
            graph.add_edge(f"o{a}", f"o{b}", predicate=f"near {word}")
    svg = draw_svg(graph)
    assert svg == draw_svg(graph)
    # XML 1.0 has no control characters; the caption's own are shown as nothing.
    assert not re.search(r"[\x00-\x08\x0b\x0c\x0e-\x1f]", svg)
    found = boxes(svg)
    assert len(found) == count
    for a, b in combinations(found, 2):
        assert a[2] <= b[0] + 1 or b[2] <= a[0] + 1 or a[3] <= b[1] + 1 or b[3] <= a[1] + 1


def test_boxes_side_by_side_leave_room_for_the_label():
    svg = draw_svg(
        to_networkx(
            parse(
                "A dog lies under a table. A laptop, a phone and a bowl stand in front of the table. "
                "A cup is next to it."
            )
        )
    )
    texts = ElementTree.fromstring(svg).iter(f"{SVG}text")
    labels = [text for text in texts if text.text in ("lay under", "stand in front of", "next to")]
    assert len(labels) == 5
    for label in labels:
        x, y, half = float(label.get("x")), float(label.get("y")) - 4, 3 * len(label.text)
        for left, top, right, bottom in boxes(svg):
            assert x + half < left or right < x - half or not top < y < bottom
