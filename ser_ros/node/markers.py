"""The memory in RViz and Foxglove: what was seen from each place as text, and relations as lines.

A thing is drawn where the robot stood, looking at it, plus `view_distance`: no camera here measures
depth. Things seen from one place are stacked.
"""

from __future__ import annotations

import math
from collections import defaultdict
from typing import Any

import networkx as nx
from builtin_interfaces.msg import Time
from geometry_msgs.msg import Point
from std_msgs.msg import ColorRGBA
from visualization_msgs.msg import Marker, MarkerArray

from ser_ros.graph.memory.naming import looks_of, plural_of
from ser_ros.graph.pose import Pose

LINE_HEIGHT = 0.22  # metres between two texts of a stack
_PLACE = ColorRGBA(r=0.25, g=0.45, b=0.85, a=0.8)
_ROOM = ColorRGBA(r=1.0, g=0.8, b=0.3, a=1.0)
_OBJECT = ColorRGBA(r=1.0, g=1.0, b=1.0, a=1.0)
_GONE = ColorRGBA(r=0.6, g=0.6, b=0.6, a=0.7)
_RELATION = ColorRGBA(r=0.4, g=0.9, b=0.5, a=0.8)


def marker_array(graph: nx.MultiDiGraph, view_distance: float, stamp: Time) -> MarkerArray:
    """Markers of a memory graph; the first one deletes those of the last message."""
    make = _Maker(graph.graph["frame_id"] or "map", stamp)
    make.add("", 0, action=Marker.DELETEALL)
    points: dict[str, Point] = {}
    stacks: dict[tuple[int, int], int] = defaultdict(int)
    for key, node in graph.nodes(data=True):
        if node["kind"] == "place":
            make.place(node)
        elif node["kind"] == "object" and node["robot_pose"] is not None:
            points[key] = make.thing(node, view_distance, stacks)
    for room, (x, y) in _rooms(graph).items():
        make.text("rooms", room, Point(x=x, y=y, z=2.5), 0.5, _ROOM)
    for subject, target, edge in graph.edges(data=True):
        if subject in points and target in points and edge.get("current", False):
            make.relation(points[subject], points[target], edge["predicate"])
    return MarkerArray(markers=make.markers)


class _Maker:
    """Makes markers with numbers of their own in each namespace."""

    def __init__(self, frame_id: str, stamp: Time):
        self._frame, self._stamp = frame_id, stamp
        self._numbers: dict[str, int] = defaultdict(int)
        self.markers: list[Marker] = []

    def add(self, namespace: str, kind: int, **fields: Any) -> Marker:
        marker = Marker(ns=namespace, id=self._numbers[namespace], type=kind, **fields)
        marker.header.frame_id, marker.header.stamp = self._frame, self._stamp
        marker.pose.orientation.w = 1.0
        self._numbers[namespace] += 1
        self.markers.append(marker)
        return marker

    def text(self, namespace: str, words: str, point: Point, height: float, color: ColorRGBA) -> None:
        marker = self.add(namespace, Marker.TEXT_VIEW_FACING, text=words, color=color)
        marker.pose.position = point
        marker.scale.z = height

    def place(self, node: dict[str, Any]) -> None:
        marker = self.add("places", Marker.CYLINDER, color=_PLACE)
        marker.pose.position = Point(x=float(node["x"]), y=float(node["y"]), z=float(node["z"]) + 0.02)
        marker.scale.x = marker.scale.y = 0.3
        marker.scale.z = 0.04

    def thing(self, node: dict[str, Any], view_distance: float, stacks: dict[tuple[int, int], int]) -> Point:
        robot = node["robot_pose"]
        yaw = Pose("", **robot).yaw
        x, y = robot["x"] + view_distance * math.cos(yaw), robot["y"] + view_distance * math.sin(yaw)
        cell = round(2.0 * x), round(2.0 * y)
        point = Point(x=x, y=y, z=float(robot["z"]) + 0.6 + LINE_HEIGHT * stacks[cell])
        stacks[cell] += 1
        count = node["count"] or 1
        number = [str(count)] if count > 1 else []
        words = " ".join([*number, *looks_of(node), plural_of(node["label"]) if number else node["label"]])
        self.text("objects", words, point, 0.18, _GONE if node["gone"] else _OBJECT)
        return point

    def relation(self, start: Point, end: Point, predicate: str) -> None:
        marker = self.add("relations", Marker.ARROW, color=_RELATION, points=[start, end])
        marker.scale.x, marker.scale.y = 0.02, 0.05
        middle = Point(x=(start.x + end.x) / 2.0, y=(start.y + end.y) / 2.0, z=(start.z + end.z) / 2.0)
        self.text("relation names", predicate, middle, 0.1, _RELATION)


def _rooms(graph: nx.MultiDiGraph) -> dict[str, tuple[float, float]]:
    """Room -> mean position of its places, metres."""
    places: dict[str, list[tuple[float, float]]] = defaultdict(list)
    for _, node in graph.nodes(data=True):
        if node["kind"] == "place" and node["room"]:
            places[node["room"]].append((node["x"], node["y"]))
    return {
        room: (sum(x for x, _ in points) / len(points), sum(y for _, y in points) / len(points))
        for room, points in sorted(places.items())
    }
