"""The markers that RViz and Foxglove draw."""

from __future__ import annotations

import math

from builtin_interfaces.msg import Time
from visualization_msgs.msg import Marker

from ser_ros.graph.memory import Memory
from ser_ros.node.markers import marker_array
from tests.graph.memory_scenes import blind, pose, seen


def markers_of(memory: Memory) -> list[Marker]:
    return list(marker_array(memory.to_networkx(), 2.0, Time(sec=7)).markers)


def test_all_are_finite_of_one_frame_and_told_apart() -> None:
    with Memory.open() as memory:
        memory.observe(seen("a kitchen with two green bottles on a table", 0, pose(1.0)))
        memory.observe(blind("a dog", 1))  # nobody knew where: not drawn
        markers = markers_of(memory)
    assert markers[0].action == Marker.DELETEALL
    drawn = markers[1:]
    assert len({(marker.ns, marker.id) for marker in drawn}) == len(drawn)
    assert {(marker.header.frame_id, marker.header.stamp.sec) for marker in markers} == {("map", 7)}
    for marker in drawn:
        points = [marker.pose.position, *marker.points]
        numbers = [value for point in points for value in (point.x, point.y, point.z)]
        assert all(map(math.isfinite, numbers))
        assert marker.color.a > 0.0
    texts = {marker.text: marker.scale.z for marker in drawn if marker.type == Marker.TEXT_VIEW_FACING}
    assert set(texts) == {"2 green bottles", "table", "kitchen", "on"}
    assert all(0.05 <= height <= 1.0 for height in texts.values())


def test_what_is_forgotten_is_deleted() -> None:
    with Memory.open() as memory:
        memory.observe(seen("a red chair"))
        assert len(markers_of(memory)) > 1
        memory.clear()
        assert [marker.action for marker in markers_of(memory)] == [Marker.DELETEALL]
