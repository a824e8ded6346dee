"""The memory as a graph for other programs: of bounded size, and in GraphML that they show whole."""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from pathlib import Path

import networkx as nx
import pytest

from ser_ros.graph.drawing import draw_svg
from ser_ros.graph.memory import Memory
from ser_ros.graph.memory.naming import looks_of
from ser_ros.graph.memory.world_graph import to_json, write_graph
from tests.graph.memory_scenes import pose, seen

GRAPHML = "{http://graphml.graphdrawing.org/xmlns}"


@pytest.fixture
def graph() -> nx.MultiDiGraph:
    with Memory.open() as memory:
        memory.observe(
            seen("a living room with a red cup on a table next to a table", i, pose(10.0 * i))
            for i in range(3)
        )
        return memory.to_networkx()


def test_the_newest_objects_come_with_their_places_alone() -> None:
    with Memory.open() as memory:
        memory.observe(seen("a cup", i, pose(10.0 * i)) for i in range(40))
        memory.observe(seen("a dog", 50, pose(0.0)))
        graph = memory.to_networkx(most_objects=3)
        kinds = [node["kind"] for _, node in graph.nodes(data=True)]
        assert kinds.count("object") == 3
        assert 3 <= kinds.count("place") <= 6
        assert all(node["place"] in graph for _, node in graph.nodes(data=True) if node["kind"] == "object")
        assert [node["kind"] for _, node in memory.to_networkx().nodes(data=True)].count("place") == 40


def test_what_was_said_once_counts_once_in_a_large_graph() -> None:
    with Memory.open() as memory:
        memory.observe(seen("a dog"))
        memory.observe(seen("a cup on a table", i, pose(10.0 * i)) for i in range(1, 300))
        said = [edge for *_, edge in memory.to_networkx().edges(data=True) if edge["predicate"] == "on"]
        assert [edge["count"] for edge in said] == [1] * 299


@pytest.mark.parametrize(
    "caption", ["an open green door", "a green open door", "a door that is green and open"]
)
def test_looks_stand_as_english_puts_them(caption: str) -> None:
    """On maps and markers too; a door that was opened twice is one open door."""
    with Memory.open() as memory:
        for second, said in enumerate([caption, "a closed green door", caption]):
            memory.observe(seen(said, second))
        (door,) = (node for _, node in memory.to_networkx().nodes(data=True) if node.get("label") == "door")
        assert looks_of(door) == ["open", "green"]
        assert draw_svg(memory.to_networkx()).count(">open<") == 1


def test_node_link_json_reads_back_as_the_same_graph(graph: nx.MultiDiGraph) -> None:
    back = nx.node_link_graph(json.loads(to_json(graph)), edges="edges")
    assert nx.utils.graphs_equal(back, graph)


def test_graphml_gives_each_edge_an_id_and_everything_a_label(graph: nx.MultiDiGraph, tmp_path: Path) -> None:
    next(iter(graph.nodes.values()))["note"] = "a control character \x0b and \ufffe"
    write_graph(graph, tmp_path / "graph.graphml")
    root = ET.parse(tmp_path / "graph.graphml").getroot()
    edges = [edge.get("id") for edge in root.iter(f"{GRAPHML}edge")]
    assert len(set(edges)) == len(edges) == graph.number_of_edges()
    nodes = [node.get("id") or "" for node in root.iter(f"{GRAPHML}node")]
    assert "room:living_room" in nodes
    assert all(re.fullmatch(r"[\w.:-]+", name) for name in nodes)  # NMTOKEN, as the schema of GraphML has it
    keys = [
        (key.get("for"), key.get("attr.name"), key.get("attr.type")) for key in root.iter(f"{GRAPHML}key")
    ]
    assert len({key[:2] for key in keys}) == len(keys)  # one type for each attribute
    assert {kind for *_, kind in keys} <= {"string", "long", "double", "boolean"}
    back = nx.read_graphml(tmp_path / "graph.graphml")
    assert all(node["label"] for _, node in back.nodes(data=True))
    assert {edge["label"] for *_, edge in back.edges(data=True)} >= {"on", "seen from", "in"}
