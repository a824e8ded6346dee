"""The memory as a `networkx.MultiDiGraph`: rooms, places, objects, relations, all with their evidence.

Node keys are "room:<name>", "place:<uid>", "object:<uid>"; docs/memory.md lists the attributes.
"""

from __future__ import annotations

import json
import sqlite3
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import networkx as nx

from ser_ros.graph.memory.relations import relations_of
from ser_ros.graph.memory.rows import COLUMNS, TABLE, attributes_of
from ser_ros.graph.memory.store import Store

SCHEMA = 1
_POSE = ("x", "y", "z", "qx", "qy", "qz", "qw")


def world_graph(store: Store, most_objects: int | None = None) -> nx.MultiDiGraph:
    """The whole memory; or the `most_objects` seen last, with their places and as many newest ones."""
    graph = nx.MultiDiGraph(
        kind="memory", schema=SCHEMA, frame_id=store.meta("frame_id"), robot=store.meta("robot")
    )
    most = -1 if most_objects is None else most_objects
    rows = store.db.execute(
        f"SELECT {COLUMNS} FROM {TABLE} ORDER BY last_seen DESC, object.uid LIMIT ?",
        (most,),
    ).fetchall()
    newest = store.db.execute("SELECT id FROM place ORDER BY id DESC LIMIT ?", (most,))
    _add_places(graph, store.db, {number for (number,) in newest} | {row["place"] for row in rows})
    keys = {row["id"]: f"object:{row['uid']}" for row in rows}
    attributes, evidence = _attributes(store.db, keys), _evidence(store.db, keys)
    for row in sorted(rows, key=lambda row: row["uid"]):
        _add_object(graph, row, attributes[row["id"]], evidence[row["id"]])
    _add_relations(graph, store.db, keys)
    return graph


def _add_places(graph: nx.MultiDiGraph, db: sqlite3.Connection, places: Iterable[int | None]) -> None:
    for row in db.execute(
        """SELECT uid, x, y, z, room, coalesce(sum(visits), 0) AS visits, coalesce(sum(images), 0) AS images,
        min(first_seen) AS first_seen, max(last_seen) AS last_seen
        FROM place LEFT JOIN visit ON visit.place = place.id
        WHERE place.id IN (SELECT value FROM json_each(?)) GROUP BY place.id ORDER BY uid""",
        (json.dumps(list(places)),),
    ):
        key = f"place:{row['uid']}"
        graph.add_node(key, kind="place", **{name: row[name] for name in row.keys() if name != "uid"})  # noqa: SIM118
        if row["room"]:
            graph.add_node(f"room:{row['room']}", kind="room", label=row["room"])
            graph.add_edge(key, f"room:{row['room']}", predicate="in")


def _add_object(
    graph: nx.MultiDiGraph, row: sqlite3.Row, attributes: list[dict[str, Any]], evidence: list[dict[str, Any]]
) -> None:
    key, current = f"object:{row['uid']}", attributes_of(row)
    graph.add_node(
        key,
        kind="object",
        label=row["label"],
        head=row["head"],
        count=row["count"],
        attributes=[{**one, "current": one["text"] in current} for one in attributes],
        first_seen=row["first_seen"],
        last_seen=row["last_seen"],
        times_seen=row["times_seen"],
        confidence=min(1.0, row["confidence_sum"] / row["times_seen"]),
        gone=row["gone"] or None,
        robot_pose=_pose(row),
        place=f"place:{row['place_uid']}" if row["place_uid"] else "",
        room=row["room"],
        evidence=evidence,
    )
    if row["place_uid"]:
        graph.add_edge(key, f"place:{row['place_uid']}", predicate="seen from")


def _add_relations(graph: nx.MultiDiGraph, db: sqlite3.Connection, keys: dict[int, str]) -> None:
    captions: dict[int, Any] = {}
    relations = [one for one in relations_of(db, keys) if one.subject in keys and one.object in keys]
    for some in _chunks([one.observation for one in relations if one.observation is not None]):
        marks = ",".join("?" * len(some))
        captions |= {
            row["id"]: row
            for row in db.execute(
                f"SELECT id, stamp, camera, caption FROM observation WHERE id IN ({marks})", some
            )
        }
    for one in sorted(relations, key=lambda one: (keys[one.subject], one.predicate, keys[one.object])):
        cited = captions.get(one.observation or 0)
        graph.add_edge(
            keys[one.subject],
            keys[one.object],
            predicate=one.predicate,
            count=one.times,
            first_seen=one.first_seen,
            last_seen=one.last_seen,
            confidence=min(1.0, one.confidence),
            current=one.current,
            evidence=[]
            if cited is None
            else [
                {
                    "stamp": cited["stamp"],
                    "camera": cited["camera"],
                    "caption": cited["caption"],
                    "start": one.start,
                    "end": one.end,
                }
            ],
        )
    links = db.execute(
        """SELECT a, b, score FROM possibly_same WHERE a IN (SELECT value FROM json_each(?1))
        AND b IN (SELECT value FROM json_each(?1)) ORDER BY a, b""",
        (json.dumps(list(keys)),),
    )
    for a, b, score in links:
        first, second = sorted((keys[a], keys[b]))
        graph.add_edge(first, second, predicate="possibly same", score=score)


def _attributes(db: sqlite3.Connection, keys: dict[int, str]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for some in _chunks(keys):
        marks = ",".join("?" * len(some))
        for row in db.execute(
            f"""SELECT object, text, state, first_seen, last_seen, count, confidence_sum FROM attribute
            WHERE object IN ({marks}) ORDER BY object, first_seen, text, origin""",
            some,
        ):
            found[row["object"]].append(
                {
                    "text": row["text"],
                    "state": row["state"],
                    "first_seen": row["first_seen"],
                    "last_seen": row["last_seen"],
                    "count": row["count"],
                    "confidence": min(1.0, row["confidence_sum"] / row["count"]),
                }
            )
    return found


def _evidence(db: sqlite3.Connection, keys: dict[int, str]) -> dict[int, list[dict[str, Any]]]:
    found: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for some in _chunks(keys):
        marks = ",".join("?" * len(some))
        for row in db.execute(
            f"""SELECT evidence.object AS object, stamp, camera, caption, evidence."start" AS first,
            evidence."end" AS last, evidence.confidence AS confidence, {", ".join(_POSE)}
            FROM evidence JOIN observation ON observation.id = evidence.observation
            WHERE evidence.object IN ({marks}) ORDER BY stamp, uid""",
            some,
        ):
            found[row["object"]].append(
                {
                    "stamp": row["stamp"],
                    "camera": row["camera"],
                    "caption": row["caption"],
                    "start": row["first"],
                    "end": row["last"],
                    "confidence": row["confidence"],
                    "robot_pose": _pose(row),
                }
            )
    return found


def _pose(row: sqlite3.Row) -> dict[str, float] | None:
    return None if row["x"] is None else {name: row[name] for name in _POSE}


def _chunks(items: Iterable[int], size: int = 500) -> list[list[int]]:
    numbers = sorted(set(items))
    return [numbers[at : at + size] for at in range(0, len(numbers), size)]


def to_json(graph: nx.MultiDiGraph) -> str:
    """node_link JSON; `networkx.node_link_graph(json.loads(text), edges="edges")` reads it back."""
    return json.dumps(nx.node_link_data(graph, edges="edges"), ensure_ascii=False)


def write_graph(graph: nx.MultiDiGraph, path: Path) -> None:
    """Write JSON, or GraphML where the name ends in .graphml (lists and dictionaries as JSON text).

    In GraphML each edge has an id of its own, since Gephi takes edges of one id for one edge, and all have
    the `label` that Gephi and yEd show. An id there (NMTOKEN) has no spaces: "room:living_room".
    """
    if path.suffix.lower() != ".graphml":
        path.write_text(to_json(graph) + "\n", encoding="utf-8")
        return
    flat = nx.MultiDiGraph(**graph.graph)
    for key, values in graph.nodes(data=True):
        flat.add_node(_id(key), **{"label": key, **_flat(values)})
    for number, (source, target, values) in enumerate(graph.edges(data=True)):
        said = {"label": values["predicate"], **_flat(values)}
        flat.add_edge(_id(source), _id(target), f"edge:{number}", **said)
    nx.write_graphml(flat, path)


def _id(key: str) -> str:
    return key.replace(" ", "_")


def _flat(values: dict[str, Any]) -> dict[str, Any]:
    # GraphML knows neither lists nor None, and XML neither control characters nor two others.
    return {
        name: "".join(c for c in text if (c >= " " and c not in "\ufffe\uffff") or c in "\t\n")
        if isinstance(text, str)
        else text
        for name, value in values.items()
        if value is not None
        for text in [json.dumps(value, ensure_ascii=False) if isinstance(value, (list, dict)) else value]
    }
