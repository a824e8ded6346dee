"""Write captions and scene graphs as a bag that Foxglove and RViz open beside the original."""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.interfaces import typestore
from ser_ros.replay.record import FrameRecord

CAPTION_TOPIC = "/caption_node/caption"
GRAPH_TOPIC = "/caption_node/scene_graph"
EDIT_KINDS = {"insert": 0, "delete": 1, "replace": 2}
FLAGS = {"repetition": 1, "truncated": 2, "refinement_skipped": 4}


def write_bag(path: Path, frames: Iterable[tuple[FrameRecord, SceneTriples]]) -> int:
    """Write an MCAP rosbag2 folder with one Caption and one SceneGraph a frame at the image stamps.

    An existing folder at `path` is replaced. Times of the run (inference_time, age) are left at 0 so that
    the same captions give the same messages.

    Returns:
        Number of frames written.
    """
    from rosbags.rosbag2 import StoragePlugin, Writer

    store = typestore()
    if path.exists():
        shutil.rmtree(path)
    count = 0
    with Writer(path, version=9, storage_plugin=StoragePlugin.MCAP) as writer:
        captions = writer.add_connection(CAPTION_TOPIC, "ser_ros/msg/Caption", typestore=store)
        graphs = writer.add_connection(GRAPH_TOPIC, "ser_ros/msg/SceneGraph", typestore=store)
        for record, triples in frames:
            header = _header(store, record)
            caption = caption_message(store, header, record)
            graph = graph_message(store, header, record.camera, triples)
            writer.write(captions, record.stamp, store.serialize_cdr(caption, "ser_ros/msg/Caption"))
            writer.write(graphs, record.stamp, store.serialize_cdr(graph, "ser_ros/msg/SceneGraph"))
            count += 1
    return count


def _header(store: Any, record: FrameRecord) -> Any:
    seconds, rest = divmod(record.stamp, 10**9)
    stamp = store.types["builtin_interfaces/msg/Time"](sec=seconds, nanosec=rest)
    return store.types["std_msgs/msg/Header"](stamp=stamp, frame_id=record.frame_id)


def caption_message(store: Any, header: Any, record: FrameRecord) -> Any:
    """ser_ros/msg/Caption of a record."""
    edit_type = store.types["ser_ros/msg/CaptionEdit"]
    return store.types["ser_ros/msg/Caption"](
        header=header,
        camera=record.camera,
        initial=record.initial,
        refined=record.refined,
        edits=[
            edit_type(kind=EDIT_KINDS[e["kind"]], start=e["start"], end=e["end"], text=e["text"])
            for e in record.edits
        ],
        confidence=record.confidence,
        initial_confidence=record.initial_confidence,
        flags=sum(FLAGS[flag] for flag in record.flags),
        inference_time=0.0,
        age=0.0,
        dropped_frames=0,
    )


def graph_message(store: Any, header: Any, camera: str, triples: SceneTriples) -> Any:
    """ser_ros/msg/SceneGraph of a parsed caption."""
    object_type, relation_type = (
        store.types["ser_ros/msg/SceneObject"],
        store.types["ser_ros/msg/SceneRelation"],
    )
    return store.types["ser_ros/msg/SceneGraph"](
        header=header,
        camera=camera,
        caption=triples.caption,
        objects=[
            object_type(
                id=o.id,
                label=o.label,
                head=o.head,
                count=-1 if o.count is None else o.count,
                attributes=[a.text for a in o.attributes],
                attribute_starts=np.array([a.span.start for a in o.attributes], np.uint32),
                attribute_ends=np.array([a.span.end for a in o.attributes], np.uint32),
                start=o.span.start,
                end=o.span.end,
                confidence=o.confidence,
            )
            for o in triples.objects
        ],
        relations=[
            relation_type(
                subject=r.subject,
                predicate=r.predicate,
                object=r.object,
                start=r.span.start,
                end=r.span.end,
                confidence=r.confidence,
            )
            for r in triples.relations
        ],
    )
