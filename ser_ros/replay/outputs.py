"""Everything that is derived from captions.jsonl: graphs, the memory, a bag, the report."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import networkx as nx

from ser_ros.graph.frame_graph import to_networkx, to_node_link
from ser_ros.graph.memory import Memory, MemoryConfig, Observation
from ser_ros.graph.memory.world_graph import write_graph
from ser_ros.graph.parser import parse
from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.output_bag import write_bag
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.run import RunFiles


@dataclass
class Derived:
    """What a replay's captions mean: triples beside the records, and the memory's graph."""

    triples: list[SceneTriples]
    world: nx.MultiDiGraph


def derive(records: Sequence[FrameRecord], files: RunFiles) -> Derived:
    """Write frame_graphs.jsonl, memory.db, graph.json, graph.graphml and the bag captions/."""
    triples = [parse(record.refined) for record in records]
    with (files.folder / "frame_graphs.jsonl").open("w", encoding="utf-8") as lines:
        for record, one in zip(records, triples, strict=True):
            graph = to_networkx(one, stamp=record.stamp, camera=record.camera, frame_id=record.frame_id)
            lines.write(json.dumps(to_node_link(graph), ensure_ascii=False) + "\n")
    world = remember(records, triples, files.folder / "memory.db")
    for name in ("graph.json", "graph.graphml"):
        write_graph(world, files.folder / name)
    captioned = ((r, t) for r, t in zip(records, triples, strict=True) if not r.error)
    write_bag(files.folder / "captions", captioned)
    return Derived(triples, world)


def remember(records: Sequence[FrameRecord], triples: Sequence[SceneTriples], path: Path) -> nx.MultiDiGraph:
    """Fill a fresh memory at `path` and return its graph."""
    for old in path.parent.glob(path.name + "*"):
        old.unlink()
    poses = [record.pose for record in records if record.pose is not None]
    # The frame of the bag's own poses is the frame of its memory.
    config = MemoryConfig(robot="replay", frame_id=poses[0].frame_id if poses else "map")
    memory = Memory.open(path, config)
    try:
        for record, one in zip(records, triples, strict=True):
            if not record.error:
                memory.observe(Observation(record.stamp, record.camera, one, record.pose, record.confidence))
        return memory.to_networkx()
    finally:
        memory.close()
