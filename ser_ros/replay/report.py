"""The report of a replay: one HTML file that opens without a network."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timezone
from pathlib import Path
from typing import Any

import networkx as nx
import numpy as np

from ser_ros.graph.drawing import draw_svg
from ser_ros.graph.frame_graph import to_networkx
from ser_ros.graph.triples import SceneTriples
from ser_ros.replay.latency_drawing import draw_latency, stage_table
from ser_ros.replay.map_drawing import draw_map, sightings, thing_name
from ser_ros.replay.marking import html_initial, html_refined
from ser_ros.replay.page import write_page
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.run import RunFiles
from ser_ros.replay.thumbnails import data_urls

MOST_FRAMES = 2000  # frames in the page
MOST_GRAPHS = 600  # frames that carry a drawn graph
MOST_THINGS = 1000  # rows of the table
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
    from markupsafe import Markup

    things = remembered(report.world)
    totals = [1000 * one["total"] for one in report.timings]
    write_page(
        out,
        "report.html.j2",
        "report.js",
        title=report.title,
        subtitle=report.subtitle,
        warnings=report.warnings,
        tiles=_tiles(report, things, totals),
        frames=_frames(report, files, Markup),
        more=_left_out(report),
        map=Markup(draw_map(report.path, sightings(report.world))),
        map_caption="The robot's path; each dot is where it stood, beside it what it saw from there.",
        world=Markup(_draw_world(report.world)),
        world_caption=_world_caption(things),
        things=things[:MOST_THINGS],
        things_title=_table_title(things),
        scores=report.scores,
        latency=Markup(draw_latency(totals)),
        stages=stage_table(report.timings),
    )


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


def _step(report: ReportInput) -> int:
    """Every so many frames stand in the page."""
    return max(1, math.ceil(len(report.records) / MOST_FRAMES))


def _left_out(report: ReportInput) -> str:
    step = _step(report)
    if step == 1:
        return ""
    return f"Of {len(report.records)} frames one in {step} is shown; captions.jsonl holds all."


def _frames(report: ReportInput, files: RunFiles, markup) -> list[dict[str, Any]]:
    step = _step(report)
    records, all_triples = report.records[::step], report.triples[::step]
    pictures = data_urls({record.index: files.thumbnail(record.index) for record in records})
    with_graph = len(records) <= MOST_GRAPHS
    frames = []
    for record, triples in zip(records, all_triples, strict=True):
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
                "at": f"{pose.x:.2f} {pose.y:.2f}" if pose else "",
                "error": record.error,
                "graph": markup(graph),
                "things": ", ".join(thing.label for thing in triples.objects),
            }
        )
    return frames


def _draw_world(world: nx.MultiDiGraph) -> str:
    things = [key for key, data in world.nodes(data=True) if data["kind"] == "object"]
    things.sort(key=lambda key: (-world.nodes[key]["times_seen"], key))
    # Not world.subgraph: a small part of a large graph comes in the order of a set, another at each run.
    drawn = nx.MultiDiGraph()
    drawn.add_nodes_from((key, world.nodes[key]) for key in things[:MOST_WORLD_NODES])
    drawn.add_edges_from(
        (a, b, key, data)
        for a, b, key, data in world.edges(keys=True, data=True)
        if a in drawn and b in drawn
    )
    return draw_svg(drawn) if len(drawn) else ""


def _table_title(things: list) -> str:
    if len(things) <= MOST_THINGS:
        return f"All {len(things)} remembered things as a table"
    return f"The {MOST_THINGS} of {len(things)} remembered things seen most often, as a table"


def _world_caption(things: list) -> str:
    if len(things) <= MOST_WORLD_NODES:
        return f"{len(things)} things and their relations, merged over all frames."
    return f"The {MOST_WORLD_NODES} of {len(things)} things seen most often; the table below has more."
