"""memory_node over real DDS: scenes in; graph, markers, announcements out."""

from __future__ import annotations

import json

import networkx as nx
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from rclpy.parameter import Parameter
from visualization_msgs.msg import Marker

from tests.node.memory_robot import START, ask, odometry, scene, tell
from tests.node.robot import wait_until


def test_graph_and_markers_are_latched_and_complete(start_memory_node, robot):
    start_memory_node()
    robot.send("odom", odometry(0.0, 1.0))
    tell(robot, scene("a kitchen with a white cup on a wooden table", 0.0))
    graphs = robot.heard["/memory_node/graph"]
    wait_until(lambda: graphs and "cup" in graphs[-1].data, "the graph")
    graph = nx.node_link_graph(json.loads(graphs[-1].data), edges="edges")
    labels = {node.get("label") for _, node in graph.nodes(data=True) if node["kind"] == "object"}
    assert labels == {"cup", "table"}
    assert "room:kitchen" in graph
    assert any(edge["predicate"] == "on" for *_, edge in graph.edges(data=True))
    heard = robot.heard["/memory_node/markers"]
    wait_until(lambda: heard and len(heard[-1].markers) > 1, "markers")
    markers = heard[-1].markers
    assert markers[0].action == Marker.DELETEALL
    assert {marker.text for marker in markers} >= {"white cup", "wooden table", "kitchen", "on"}
    assert {marker.header.frame_id for marker in markers} == {"odom"}
    cup = next(marker for marker in markers if marker.text == "white cup")
    assert cup.pose.position.x == pytest.approx(3.0)  # two metres before the robot


def test_announcements_are_made_once(start_memory_node, robot):
    start_memory_node(pose_source="none", announce_interval=2.0)
    tell(robot, *(scene("a red chair and a dog", i / 10) for i in range(10)))
    heard = robot.heard["/memory_node/announcement"]
    wait_until(lambda: heard, "an announcement")
    tell(robot, scene("a red chair, a dog and a bottle", 3))
    wait_until(lambda: len(heard) == 2, "a second announcement")
    assert [message.data for message in heard] == ["I see a dog and a red chair.", "I see a bottle."]


def test_scenes_that_say_nothing_do_no_harm(start_memory_node, robot):
    start_memory_node(pose_source="none")
    without_stamp = scene("a cat", 0)
    without_stamp.header.stamp = Time()
    broken = scene("a cat on a mat", 1)
    broken.relations[0].object = 77
    broken.objects[0].attribute_starts = [5, 6, 7]
    tell(robot, scene("", 0.5), broken)
    robot.send("scene_graph", without_stamp, 10)
    robot.wait_for_status("memory_node", "has no stamp", DiagnosticStatus.ERROR)
    assert ask(robot, "cat").matches[0].times_seen == 1


def test_a_stamp_from_the_future_does_not_end_the_announcements(start_memory_node, robot):
    start_memory_node(pose_source="none", announce_gather=0.0, announce_interval=0.5)
    heard = robot.heard["/memory_node/announcement"]
    tell(robot, scene("a red chair", 5000))
    wait_until(lambda: heard, "an announcement")
    tell(robot, scene("a bottle", 1))
    wait_until(lambda: len(heard) == 2, "an announcement after the step back")
    assert heard[1].data == "I see a bottle."


def test_cameras_of_two_clocks_are_named(start_memory_node, robot):
    start_memory_node(pose_source="none")
    tell(robot, scene("a red chair", 5000), scene("a bottle", 1, camera="rear"))
    robot.wait_for_status("memory_node", "camera 'rear' are 4999 s older", DiagnosticStatus.WARN)


@pytest.mark.parametrize("clear", [False, True])
def test_a_clock_that_jumps_back(start_memory_node, robot, clear):
    node = start_memory_node(pose_source="none", clear_on_time_jump=clear)
    node.set_parameters([Parameter("use_sim_time", value=True)])
    robot.set_clock(START + 100)
    tell(robot, scene("a red chair", 100))
    robot.set_clock(START + 1)
    wait_until(lambda: bool(ask(robot, "chair").matches) is not clear, "the memory after the jump")
    tell(robot, scene("a dog", 1))
    assert ask(robot, "dog").matches
