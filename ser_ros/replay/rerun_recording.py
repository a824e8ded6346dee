"""A replay as a Rerun recording: image, captions, frame graph and map on one timeline (extra `[viz]`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from ser_ros.errors import UserError
from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.outputs import Derived
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.run import RunFiles
from ser_ros.replay.trajectory import Trajectory

TIMELINE = "stamp"


def write_rerun(
    path: Path, records: Sequence[FrameRecord], derived: Derived, files: RunFiles, trajectory: Trajectory
) -> None:
    """Write an .rrd file; open it with `rerun FILE`.

    Raises:
        UserError: rerun-sdk is not installed.
    """
    rr = import_rerun()
    recording = rr.RecordingStream("ser_ros")
    recording.save(str(path), default_blueprint=blueprint())
    way = trajectory.path()
    if len(way):
        recording.log("map/path", rr.LineStrips2D([way * (1, -1)]), static=True)
    for record, triples in zip(records, derived.triples, strict=True):
        recording.set_time(TIMELINE, timestamp=np.datetime64(record.stamp, "ns"))
        thumbnail = files.thumbnail(record.index)
        if thumbnail.is_file():
            recording.log("camera", rr.EncodedImage(contents=thumbnail.read_bytes(), media_type="image/jpeg"))
        log_caption(recording, record.initial, record.refined, triples)
        if record.pose is not None:
            # Rerun's 2D y axis points down.
            recording.log("map/robot", rr.Points2D([[record.pose.x, -record.pose.y]], radii=0.12))
    recording.flush()
    recording.disconnect()


def log_caption(recording: Any, initial: str, refined: str, triples: SceneTriples) -> None:
    """Log both captions as text and the scene as a graph, at the time set on `recording`."""
    rr = import_rerun()
    text = f"**First glance:** {initial}\n\n**Second glance:** {refined}"
    recording.log("caption", rr.TextDocument(text, media_type=rr.MediaType.MARKDOWN))
    ids = [str(thing.id) for thing in triples.objects]
    names = [" ".join([*(a.text for a in thing.attributes), thing.label]) for thing in triples.objects]
    edges = [(str(relation.subject), str(relation.object)) for relation in triples.relations]
    recording.log(
        "scene_graph",
        rr.GraphNodes(node_ids=ids, labels=names),
        rr.GraphEdges(edges=edges, graph_type="directed"),
    )
    said = [f"{names[r.subject]} {r.predicate} {names[r.object]}" for r in triples.relations]
    recording.log("relations", rr.TextDocument("\n".join(said)))


def blueprint() -> Any:
    """Camera and map beside captions and the graph."""
    import rerun.blueprint as rrb

    return rrb.Blueprint(
        rrb.Horizontal(
            rrb.Vertical(rrb.Spatial2DView(origin="camera"), rrb.Spatial2DView(origin="map")),
            rrb.Vertical(
                rrb.TextDocumentView(origin="caption"),
                rrb.GraphView(origin="scene_graph"),
                rrb.TextDocumentView(origin="relations"),
            ),
        ),
        collapse_panels=True,
    )


def import_rerun() -> Any:
    """The rerun module, or one sentence on how to get it."""
    try:
        import rerun
    except ImportError as error:
        raise UserError("Rerun is not installed; run: pip install 'ser-ros[viz]'") from error
    return rerun
