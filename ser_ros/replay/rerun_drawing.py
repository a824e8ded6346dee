"""What the Rerun viewer shows, of a replay and of the running nodes alike (extra `[viz]`).

All data stands on one timeline, the stamps of the images. Each camera has its own branch of the entity tree,
the map one for all.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Sequence
from typing import Any

import networkx as nx
import numpy as np

from ser_ros.errors import UserError
from ser_ros.graph.pose import Pose
from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.map_drawing import Sighting
from ser_ros.replay.marking import mark, pieces

APPLICATION = "ser_ros"
TIMELINE = "stamp"
WAY = (150, 160, 175)
ROBOT = (255, 176, 32)
PLACE = (90, 169, 255)
ARROW = 0.6  # metres
GRAPH_STEP = (95, 60)  # pixels between nodes, across and down


def import_rerun() -> Any:
    """The rerun module, or one sentence on how to get it.

    Raises:
        UserError: Rerun is not installed.
    """
    try:
        import rerun
    except ImportError as error:
        raise UserError("Rerun is not installed; run: pip install 'ser-ros[viz]'") from error
    return rerun


def camera_entity(name: str) -> str:
    """Branch of the entity tree for a camera, which is named by its topic."""
    return "cameras/" + (re.sub(r"\W+", "_", name).strip("_") or "image")


def blueprint(cameras: Sequence[str]) -> Any:
    """One row a camera (picture, captions, scene graph) above the map.

    Args:
        cameras: their names.
    """
    import rerun.blueprint as rrb

    rows = []
    for name in cameras:
        entity = camera_entity(name)
        rows.append(
            rrb.Horizontal(
                rrb.Spatial2DView(origin=f"{entity}/image", name=name),
                rrb.Vertical(
                    rrb.TextDocumentView(origin=f"{entity}/caption", name="Captions"),
                    rrb.GraphView(origin=f"{entity}/scene_graph", name="Scene graph"),
                    row_shares=[2, 3],
                ),
            )
        )
    way_so_far = rrb.VisibleTimeRanges(
        timeline=TIMELINE,
        start=rrb.TimeRangeBoundary.infinite(),
        end=rrb.TimeRangeBoundary.cursor_relative(),
    )
    the_map = rrb.Spatial2DView(origin="map", name="Map", overrides={"map/way": way_so_far})
    return rrb.Blueprint(
        rrb.Horizontal(rrb.Vertical(*rows), the_map, column_shares=[3, 2]), collapse_panels=True
    )


def set_stamp(recording: Any, stamp: int) -> None:
    """Log what follows at an image's stamp, nanoseconds."""
    recording.set_time(TIMELINE, timestamp=np.datetime64(stamp, "ns"))


def log_image(recording: Any, camera: str, jpeg: bytes) -> None:
    """Show a picture of `camera`."""
    rr = import_rerun()
    entity = f"{camera_entity(camera)}/image"
    recording.log(entity, rr.EncodedImage(contents=jpeg, media_type="image/jpeg"))


def log_caption(recording: Any, camera: str, initial: str, edits: Sequence[dict], confidence: float) -> None:
    """Show both captions, what the second glance changed marked.

    Args:
        recording: where to.
        camera: name of the camera.
        initial: caption of the first glance.
        edits: word-level changes in order, each {kind, start, end, text}.
        confidence: of the refined caption, 0 to 1.
    """
    rr = import_rerun()
    parts = pieces(initial, edits)
    text = (
        f"**First glance**\n\n{mark(parts, 'gone', lambda words: f'~~{words}~~')}\n\n"
        f"**Second glance**\n\n{mark(parts, 'new', lambda words: f'**{words}**')}\n\n"
        f"confidence {confidence:.2f}"
    )
    recording.log(f"{camera_entity(camera)}/caption", rr.TextDocument(text, media_type=rr.MediaType.MARKDOWN))


def log_scene(recording: Any, camera: str, triples: SceneTriples) -> None:
    """Show the scene as a graph; Rerun's edges have no labels, so a relation is a node of its own."""
    rr = import_rerun()
    things = {
        f"thing {thing.id}": " ".join([*(a.text for a in thing.attributes), thing.label])
        for thing in triples.objects
    }
    words = {f"relation {number}": r.predicate for number, r in enumerate(triples.relations)}
    edges = [
        edge
        for number, r in enumerate(triples.relations)
        for edge in (
            (f"thing {r.subject}", f"relation {number}"),
            (f"relation {number}", f"thing {r.object}"),
        )
    ]
    colours = [PLACE] * len(things) + [WAY] * len(words)
    nodes = {**things, **words}
    recording.log(
        f"{camera_entity(camera)}/scene_graph",
        rr.GraphNodes(
            node_ids=list(nodes), labels=list(nodes.values()), colors=colours, positions=_spread(nodes, edges)
        ),
        rr.GraphEdges(edges=edges, graph_type="directed"),
    )


def _spread(nodes: Iterable[str], edges: Iterable[tuple[str, str]]) -> np.ndarray:
    """Fixed positions [N, 2] in pixels; Rerun's own layout would swing anew at every caption."""
    graph = nx.Graph()
    graph.add_nodes_from(nodes)
    graph.add_edges_from(edges)
    found = nx.spring_layout(graph, seed=0, iterations=200)
    width, height = (step * len(graph) ** 0.5 for step in GRAPH_STEP)
    return np.array([found[key] * (width, height) for key in graph]).reshape(-1, 2)


def log_way(recording: Any, way: np.ndarray, static: bool = False) -> None:
    """Show a piece of the robot's way; `way` [N, 2] metres, `static` where it holds at any time."""
    if len(way) > 1:
        rr = import_rerun()
        recording.log("map/way", rr.LineStrips2D([_down(way)], colors=[WAY], radii=0.02), static=static)


def log_robot(recording: Any, pose: Pose) -> None:
    """Show where the robot stands and where it looks."""
    rr = import_rerun()
    heading = np.array([[np.cos(pose.yaw), np.sin(pose.yaw)]]) * ARROW
    recording.log(
        "map/robot",
        rr.Arrows2D(origins=_down([[pose.x, pose.y]]), vectors=_down(heading), colors=[ROBOT], radii=0.05),
    )


def log_places(recording: Any, sightings: Iterable[Sighting], static: bool = False) -> None:
    """Show the places of the memory: the room, where captions named it, and how many things were seen."""
    rr = import_rerun()
    sightings = list(sightings)
    recording.log(
        "map/places",
        rr.Points2D(
            _down([[one.x, one.y] for one in sightings]),
            labels=[_place_label(one) for one in sightings],
            colors=[PLACE],
            radii=0.06,
        ),
        static=static,
    )


def _place_label(sighting: Sighting) -> str:
    # Rerun shows the first line of a label only, and neighbouring places leave little room for it.
    return f"{sighting.room} ({len(sighting.names)})".lstrip()


def _down(points: Any) -> np.ndarray:
    """Rerun's 2D y axis points down; points [N, 2]."""
    return np.asarray(points, dtype=float).reshape(-1, 2) * (1, -1)
