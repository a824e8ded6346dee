"""Frame graphs keep everything through node-link JSON and GraphML."""

from __future__ import annotations

import json
import re

import networkx as nx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ser_ros.errors import UserError
from ser_ros.graph import parse
from ser_ros.graph.frame_graph import (
    from_graphml,
    from_networkx,
    from_node_link,
    to_dot,
    to_graphml,
    to_networkx,
    to_node_link,
)
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span

TEXTS = st.text(max_size=12)
SPANS = st.tuples(st.integers(0, 99), st.integers(0, 99)).map(lambda ends: Span(*sorted(ends)))
SURE = st.floats(0, 1)


@st.composite
def graphs(draw: st.DrawFn) -> SceneTriples:
    count = draw(st.integers(0, 5))
    objects = tuple(
        SceneObject(
            i,
            draw(TEXTS),
            draw(TEXTS),
            draw(TEXTS),
            draw(st.none() | st.integers(2, 10**6)),
            tuple(draw(st.lists(st.builds(Attribute, TEXTS, SPANS), max_size=3))),
            draw(SPANS),
            draw(SURE),
        )
        for i in range(count)
    )
    ends = st.integers(0, count - 1) if count else st.nothing()
    relation = st.builds(SceneRelation, ends, TEXTS, ends, SPANS, SURE)
    relations = draw(st.lists(relation, max_size=6)) if count else []
    return SceneTriples(draw(TEXTS), objects, tuple(sorted(relations, key=lambda r: (r.subject, r.object))))


def same(a: nx.MultiDiGraph, b: nx.MultiDiGraph) -> bool:
    return nx.utils.graphs_equal(a, b) and a.graph == b.graph and list(a) == list(b)


@settings(max_examples=60, deadline=None)
@given(graphs(), st.none() | st.integers(0, 2**62), TEXTS, TEXTS)
def test_round_trips_are_exact(triples: SceneTriples, stamp: int | None, camera: str, frame_id: str) -> None:
    graph = to_networkx(triples, stamp=stamp, camera=camera, frame_id=frame_id)
    assert from_networkx(graph).objects == triples.objects
    assert set(from_networkx(graph).relations) == set(triples.relations)
    assert same(from_node_link(json.loads(json.dumps(to_node_link(graph)))), graph)
    assert same(from_graphml(to_graphml(graph)), graph)
    assert to_dot(graph).count(" -> ") >= len(triples.relations)


def test_keys_are_as_documented() -> None:
    graph = to_networkx(parse("two red cups on a table"), stamp=5, camera="front", frame_id="camera_link")
    assert graph.graph == {
        "caption": "two red cups on a table", "stamp": 5, "camera": "front",
        "frame_id": "camera_link", "schema": 1,
    }  # fmt: skip
    assert list(graph) == ["o0", "o1"]
    cups = graph.nodes["o0"]
    assert {k: cups[k] for k in ("kind", "label", "head", "name", "count", "start", "end")} == {
        "kind": "object", "label": "cup", "head": "cup", "name": "cups", "count": 2, "start": 8, "end": 12,
    }  # fmt: skip
    assert cups["attributes"] == [{"text": "red", "start": 4, "end": 7}]
    edge = graph.edges["o0", "o1", 0]
    assert (edge["predicate"], edge["start"], edge["end"]) == ("on", 13, 15)
    assert 0 < edge["confidence"] <= 1


def test_networkx_alone_reads_the_json() -> None:
    graph = to_networkx(parse("a cat on a mat"))
    data = json.loads(json.dumps(to_node_link(graph)))
    assert same(nx.node_link_graph(data, edges="edges"), graph)


def test_graphml_gives_each_edge_an_id() -> None:
    text = to_graphml(to_networkx(parse("a cup on a table next to a chair near a window")))
    ids = re.findall(r"<edge [^>]*id=\"(\w+)\"", text)
    assert len(ids) == len(set(ids)) >= 3


@pytest.mark.parametrize("text", ["", "no xml", "<graphml", "<a/>"])
def test_bad_graphml_is_one_sentence(text: str) -> None:
    with pytest.raises(UserError, match="GraphML"):
        from_graphml(text)


def test_bad_node_link_is_one_sentence() -> None:
    with pytest.raises(UserError, match="node-link"):
        from_node_link({"nodes": [{}]})


def test_another_schema_is_refused() -> None:
    graph = to_networkx(parse("a cat"))
    graph.graph["schema"] = 2
    with pytest.raises(UserError, match="schema 2"):
        from_networkx(graph)
    graph.graph["schema"] = 1
    del graph.nodes["o0"]["label"]
    with pytest.raises(UserError, match="label"):
        from_networkx(graph)
