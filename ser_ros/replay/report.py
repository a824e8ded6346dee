"""The report of a replay: one HTML file that opens without a network."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from importlib.resources import files as package_files
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from ser_ros import __version__
from ser_ros.graph.drawing import draw_svg
from ser_ros.graph.frame_graph import to_networkx
from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.latency_drawing import draw_latency, stage_table
from ser_ros.replay.map_drawing import Sighting, draw_map
from ser_ros.replay.marking import html_initial, html_refined
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.run import RunFiles

PICTURE_BUDGET = 6_500_000  # bytes of base64 pictures; the whole page stays under 10 MB
MOST_GRAPHS = 600  # frames that carry a drawn graph
MOST_WORLD_NODES = 40  # things drawn in the world graph; the table has them all


@dataclass
class ReportInput:
    """What a report shows.

    Attributes:
        title, subtitle: of the page.
        records: captions in order.
        triples: what each refined caption says, beside `records`.
        world: the memory's graph.
        path: [N, 2] metres, the robot's way.
        timings: seconds per stage, one dict a captioned frame.
        warnings: sentences on what could not be read.
        scores: (measure, initial, refined), where references exist.
    """

    title: str
    subtitle: str
    records: Sequence[FrameRecord]
    triples: Sequence[SceneTriples]
    world: nx.MultiDiGraph
    path: np.ndarray
    timings: Sequence[dict[str, float]] = ()
    warnings: Sequence[str] = ()
    scores: Sequence[tuple[str, str, str]] = field(default_factory=tuple)


def write_report(report: ReportInput, files: RunFiles, out: Path) -> None:
    """Render `report` to `out`, pictures from the thumbnails of `files`."""
    from jinja2 import Environment
    from markupsafe import Markup

    templates = package_files("ser_ros.replay") / "templates"
    page = Environment(autoescape=True).from_string(
        (templates / "report.html.j2").read_text(encoding="utf-8")
    )
    things = remembered(report.world)
    totals = [1000 * one["total"] for one in report.timings]
    html = page.render(
        version=__version__,
        title=report.title,
        subtitle=report.subtitle,
        warnings=report.warnings,
        tiles=_tiles(report, things, totals),
        css=Markup((templates / "report.css").read_text(encoding="utf-8")),
        script=Markup((templates / "report.js").read_text(encoding="utf-8")),
        frames=_frames(report, files, Markup),
        map=Markup(draw_map(report.path, sightings(report.world))),
        map_caption="The robot's path; each dot is where it stood, beside it what it saw from there.",
        world=Markup(_draw_world(report.world)),
        world_caption=_world_caption(things),
        things=things,
        scores=report.scores,
        latency=Markup(draw_latency(totals)),
        stages=stage_table(report.timings),
    )
    out.write_text(html, encoding="utf-8")


def remembered(world: nx.MultiDiGraph) -> list[dict[str, Any]]:
    """The things of the memory, the most often seen first, as rows of text."""
    rows = []
    for _, data in world.nodes(data=True):
        if data["kind"] != "object":
            continue
        pose = data["robot_pose"]
        rows.append(
            {
                "name": thing_name(data),
                "room": data["room"],
                "times_seen": data["times_seen"],
                "seen": f"{clock(data['first_seen'])}, {clock(data['last_seen'])}",
                "pose": f"{pose['x']:.1f}, {pose['y']:.1f}" if pose else "unknown",
                "caption": data["evidence"][-1]["caption"] if data["evidence"] else "",
            }
        )
    return sorted(rows, key=lambda row: (-row["times_seen"], row["name"]))


def thing_name(data: dict[str, Any]) -> str:
    """ "red chair" from a node of the memory graph; attributes that no longer hold are left out."""
    return " ".join([*(a["text"] for a in data["attributes"] if a["current"]), data["label"]])


def sightings(world: nx.MultiDiGraph) -> list[Sighting]:
    """Places of the memory with the names of what was seen from each."""
    names: dict[str, list[str]] = {}
    for _, data in world.nodes(data=True):
        if data["kind"] == "object" and data["place"]:
            names.setdefault(data["place"], []).append(thing_name(data))
    places = ((world.nodes[key], sorted(found)) for key, found in sorted(names.items()))
    return [Sighting(place["x"], place["y"], tuple(found), place["room"]) for place, found in places]


def clock(stamp: int) -> str:
    """Time of day in UTC of an epoch stamp; m:ss for recordings that count from 0."""
    seconds = stamp / 1e9
    if seconds < 86400 * 365:
        return f"{int(seconds // 60)}:{seconds % 60:04.1f}"
    return datetime.fromtimestamp(seconds, timezone.utc).strftime("%H:%M:%S.%f")[:-5]


def _tiles(report: ReportInput, things: list, totals: list[float]) -> list[tuple[str, str]]:
    captioned = [record for record in report.records if not record.error]
    changed = sum(record.initial != record.refined for record in captioned)
    tiles = [
        ("Frames captioned", str(len(captioned))),
        ("Changed by the second glance", f"{100 * changed / len(captioned):.0f} %" if captioned else "none"),
        ("Things remembered", str(len(things))),
    ]
    if len(report.records) > len(captioned):
        tiles.append(("Unreadable frames", str(len(report.records) - len(captioned))))
    if totals:
        tiles.append(("Median latency", f"{np.median(totals):.0f} ms"))
    return tiles


def _frames(report: ReportInput, files: RunFiles, markup) -> list[dict[str, Any]]:
    pictures = _pictures([record.index for record in report.records], files)
    with_graph = len(report.records) <= MOST_GRAPHS
    frames = []
    for record, triples in zip(report.records, report.triples, strict=True):
        graph = draw_svg(to_networkx(triples)) if with_graph and triples.objects else ""
        pose = record.pose
        frames.append(
            {
                "index": record.index,
                "clock": clock(record.stamp),
                "thumbnail": pictures.get(record.index, ""),
                "text": f"{record.initial} {record.refined}".lower(),
                "initial_marked": markup(html_initial(record.initial, record.edits)),
                "refined_marked": markup(html_refined(record.initial, record.edits)),
                "refined": record.refined,
                "changed": bool(record.edits),
                "confidence": f"{record.confidence:.2f}",
                "flags": [flag.replace("_", " ") for flag in record.flags],
                "place": f"({pose.x:.1f}, {pose.y:.1f}) m" if pose else "",
                "error": record.error,
                "graph": markup(graph),
                "things": ", ".join(thing.label for thing in triples.objects),
            }
        )
    return frames


def _pictures(indices: Sequence[int], files: RunFiles) -> dict[int, str]:
    """Data URLs of the thumbnails; smaller ones, then fewer, when they would pass the budget."""
    from PIL import Image

    present = [index for index in indices if files.thumbnail(index).is_file()]
    if not present:
        return {}
    total = sum(files.thumbnail(index).stat().st_size for index in present) * 4 // 3
    shrink = min(1.0, (PICTURE_BUDGET / total) ** 0.5)
    width = max(96, int(320 * shrink))
    most = max(1, int(PICTURE_BUDGET / (0.14 * width * width)))
    step = -(-len(present) // most)
    pictures = {}
    for index in present[::step]:
        data = files.thumbnail(index).read_bytes()
        if shrink < 1.0:
            with Image.open(io.BytesIO(data)) as image:
                image.thumbnail((width, width))
                small = io.BytesIO()
                image.save(small, "JPEG", quality=60)
                data = small.getvalue()
        pictures[index] = "data:image/jpeg;base64," + base64.b64encode(data).decode()
    return pictures


def _draw_world(world: nx.MultiDiGraph) -> str:
    things = [key for key, data in world.nodes(data=True) if data["kind"] == "object"]
    things.sort(key=lambda key: (-world.nodes[key]["times_seen"], key))
    drawn = world.subgraph(things[:MOST_WORLD_NODES]).copy()
    return draw_svg(drawn) if len(drawn) else ""


def _world_caption(things: list) -> str:
    if len(things) <= MOST_WORLD_NODES:
        return f"{len(things)} things and their relations, merged over all frames."
    return f"The {MOST_WORLD_NODES} of {len(things)} things seen most often; the table below has them all."
