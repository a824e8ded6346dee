"""The scene of one image as a NetworkX graph, and its files: node-link JSON, GraphML, DOT.

Nodes "o0", "o1", … are things: kind="object", label, head, name, count (int or None), attributes
(list of {text, start, end}), start, end, confidence. Edges are relations: predicate, start, end,
confidence. The graph: caption, stamp (int nanoseconds or None), camera, frame_id, schema=1.
All start and end are character positions in the caption, [start, end).
"""

from __future__ import annotations

import io
import json
import re
from typing import Any

import networkx as nx

from ser_ros.errors import UserError
from ser_ros.graph.triples import Attribute, SceneObject, SceneRelation, SceneTriples, Span

SCHEMA = 1


def to_networkx(
    triples: SceneTriples, *, stamp: int | None = None, camera: str = "", frame_id: str = ""
) -> nx.MultiDiGraph:
    """The graph of one caption.

    Args:
        triples: what the caption says.
        stamp: nanoseconds of the image header, None when there is no image.
        camera: name of the camera.
        frame_id: coordinate frame of the image header.
    """
    graph = nx.MultiDiGraph(
        caption=triples.caption, stamp=stamp, camera=camera, frame_id=frame_id, schema=SCHEMA
    )
    for thing in triples.objects:
        graph.add_node(
            f"o{thing.id}",
            kind="object",
            label=thing.label,
            head=thing.head,
            name=thing.name,
            count=thing.count,
            attributes=[{"text": a.text, "start": a.span.start, "end": a.span.end} for a in thing.attributes],
            start=thing.span.start,
            end=thing.span.end,
            confidence=thing.confidence,
        )
    for relation in triples.relations:
        graph.add_edge(
            f"o{relation.subject}",
            f"o{relation.object}",
            predicate=relation.predicate,
            start=relation.span.start,
            end=relation.span.end,
            confidence=relation.confidence,
        )
    return graph


def from_networkx(graph: nx.MultiDiGraph) -> SceneTriples:
    """The triples a frame graph was made from; relations come back grouped by subject.

    Raises:
        UserError: a key of schema 1 is missing, or the graph is of another schema.
    """
    if graph.graph.get("schema") != SCHEMA:
        raise UserError(
            f"scene graph: schema {graph.graph.get('schema')!r} is not {SCHEMA}, the one known here"
        )
    try:
        ids = {node: i for i, node in enumerate(graph)}
        objects = tuple(
            SceneObject(
                id=ids[node],
                label=data["label"],
                head=data["head"],
                name=data["name"],
                count=data["count"],
                attributes=tuple(
                    Attribute(a["text"], Span(a["start"], a["end"])) for a in data["attributes"]
                ),
                span=Span(data["start"], data["end"]),
                confidence=data["confidence"],
            )
            for node, data in graph.nodes(data=True)
        )
        relations = tuple(
            SceneRelation(
                ids[u], data["predicate"], ids[v], Span(data["start"], data["end"]), data["confidence"]
            )
            for u, v, data in graph.edges(data=True)
        )
        return SceneTriples(graph.graph["caption"], objects, relations)
    except (KeyError, TypeError) as error:
        raise UserError(f"scene graph: key {error} is missing or of the wrong type") from error


def to_node_link(graph: nx.MultiDiGraph) -> dict[str, Any]:
    """Plain JSON types; `networkx.node_link_graph(data, edges="edges")` reads it back."""
    return nx.node_link_data(graph, edges="edges")


def from_node_link(data: dict[str, Any]) -> nx.MultiDiGraph:
    """The graph of `to_node_link`.

    Raises:
        UserError: `data` is no node-link graph.
    """
    try:
        return nx.node_link_graph(data, edges="edges")
    except (KeyError, TypeError, nx.NetworkXError) as error:
        raise UserError(f"scene graph: this is no node-link JSON ({error})") from error


# GraphML holds scalars only, and XML no control characters: lists become JSON, None is left out,
# and what XML would change or refuse is written as \uXXXX.
_UNSAFE = re.compile("[\x00-\x1f\\\\\x7f-\x9f\ud800-\udfff\ufffe\uffff\u2028\u2029]|^ | $")


def to_graphml(graph: nx.MultiDiGraph) -> str:
    """GraphML text, for Gephi, yEd and `from_graphml`; edges of one id would be one edge for them."""
    flat = nx.MultiDiGraph(**_flat(graph.graph))
    for node, data in graph.nodes(data=True):
        flat.add_node(node, **_flat(data))
    for number, (u, v, data) in enumerate(graph.edges(data=True)):
        flat.add_edge(u, v, key=f"e{number}", **_flat(data))
    out = io.BytesIO()
    nx.write_graphml_xml(flat, out)
    return out.getvalue().decode()


def from_graphml(text: str) -> nx.MultiDiGraph:
    """The graph of `to_graphml`, with every type as it was.

    Raises:
        UserError: `text` is no GraphML.
    """
    try:
        flat = nx.parse_graphml(text, force_multigraph=True)
    except Exception as error:  # xml and networkx raise many kinds
        raise UserError(f"scene graph: this is no GraphML ({error})") from error
    graph = nx.MultiDiGraph(**{"stamp": None} | _full(flat.graph))
    for node, data in flat.nodes(data=True):
        graph.add_node(node, **{"count": None} | _full(data))
    for u, v, data in flat.edges(data=True):
        graph.add_edge(u, v, **_full(data))
    return graph


def _flat(data: dict[str, Any]) -> dict[str, Any]:
    flat = {}
    for key, value in data.items():
        if isinstance(value, list | dict):
            value = json.dumps(value)
        if value is not None:
            flat[key] = _UNSAFE.sub(_escape, value) if isinstance(value, str) else value
    return flat


def _escape(match: re.Match[str]) -> str:
    return f"\\u{ord(match.group()):04x}"


def _full(data: dict[str, Any]) -> dict[str, Any]:
    full = {}
    for key, value in data.items():
        if key in ("node_default", "edge_default"):
            continue
        if isinstance(value, str):
            value = re.sub(r"\\u([0-9a-f]{4})", lambda m: chr(int(m.group(1), 16)), value)
        full[key] = json.loads(value) if key == "attributes" else value
    return full


def to_dot(graph: nx.MultiDiGraph) -> str:
    """Graphviz text: things as boxes with their attributes, relations as labelled arrows."""
    lines = ["digraph scene {", "  node [shape=box, style=rounded];"]
    for node, data in graph.nodes(data=True):
        words = [a["text"] for a in data["attributes"]]
        if data["count"] is not None:
            words.insert(0, str(data["count"]))
        label = data["label"] + (f"\n{', '.join(words)}" if words else "")
        lines.append(f"  {_quoted(node)} [label={_quoted(label)}];")
    for u, v, data in graph.edges(data=True):
        lines.append(f"  {_quoted(u)} -> {_quoted(v)} [label={_quoted(data['predicate'])}];")
    return "\n".join([*lines, "}", ""])


def _quoted(text: str) -> str:
    text = str(text).replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return '"' + "".join(c for c in text if c.isprintable()) + '"'
