"""memory_node over real DDS: scenes and odometry in; answers, graph, markers, goals out."""

from __future__ import annotations

import json
import math
import os
import signal
from pathlib import Path

import networkx as nx
import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped, TransformStamped
from nav_msgs.msg import Odometry
from rclpy.parameter import Parameter
from rclpy.qos import DurabilityPolicy, QoSProfile
from std_msgs.msg import Header, String
from std_srvs.srv import Trigger
from visualization_msgs.msg import Marker, MarkerArray

from ser_ros.graph.memory import Memory
from ser_ros.graph.parser import parse
from ser_ros.msg import SceneGraph
from ser_ros.node.graph_messages import to_message
from ser_ros.node.memory_node import MemoryNode
from ser_ros.srv import QueryMemory
from tests.node.robot import values, wait_until
from tests.processes import python_module

LATCHED = QoSProfile(depth=1, durability=DurabilityPolicy.TRANSIENT_LOCAL)
START = 1_790_000_000


def scene(caption: str, second: float, camera: str = "front") -> SceneGraph:
    header = Header(frame_id="camera")
    header.stamp = Time(sec=START + int(second), nanosec=int(second % 1 * 1e9))
    return to_message(parse(caption), header, camera)


def odometry(second: float, x: float, degrees: float = 0.0) -> Odometry:
    message = Odometry()
    message.header.frame_id = "odom"
    message.header.stamp = Time(sec=START + int(second), nanosec=round(second % 1 * 1e9))
    message.pose.pose.position.x = x
    message.pose.pose.orientation.z = math.sin(math.radians(degrees) / 2)
    message.pose.pose.orientation.w = math.cos(math.radians(degrees) / 2)
    return message


def transform(parent: str, child: str, second: float, x: float) -> TransformStamped:
    message = TransformStamped(child_frame_id=child)
    message.header.frame_id = parent
    message.header.stamp = Time(sec=START + int(second), nanosec=round(second % 1 * 1e9))
    message.transform.translation.x = x
    message.transform.rotation.w = 1.0
    return message


@pytest.fixture
def start(start_node, robot, tmp_path):
    """`start(**parameters)` gives an active node that writes into the test's folder."""
    robot.listen("/memory_node/announcement", String, 10)
    robot.listen("/goal_pose", PoseStamped, 10)
    robot.listen("/memory_node/graph", String, LATCHED)
    robot.listen("/memory_node/markers", MarkerArray, LATCHED)

    def start_memory_node(**parameters):
        defaults = {
            "store": str(tmp_path / "memory.db"),
            "save_path": str(tmp_path / "saved.db"),
            "publish_period": 0.1,
            "pose_timeout": 0.3,
            "timezone": "UTC",
        }
        node = start_node(MemoryNode, **{**defaults, **parameters})
        wait_until(lambda: node.state == "active", "active", 60)
        robot.memory_node = node
        return node

    return start_memory_node


def ask(robot, text: str, **limits) -> QueryMemory.Response:
    return robot.call("/memory_node/query", QueryMemory, QueryMemory.Request(text=text, **limits))


def trigger(robot, name: str) -> Trigger.Response:
    return robot.call(f"/memory_node/{name}", Trigger, Trigger.Request())


def tell(robot, *scenes: SceneGraph) -> None:
    """Send scenes and wait until the node has written them."""
    before = written(robot)
    for one in scenes:
        robot.send("scene_graph", one, 10)
    wait_until(lambda: written(robot) >= before + len(scenes), f"{len(scenes)} scenes written")


def written(robot) -> int:
    """Scenes that the node has written: its own count, or what the diagnostics of a process say."""
    if hasattr(robot, "memory_node"):
        return robot.memory_node.written
    wait_until(lambda: robot.status("memory_node"), "diagnostics")
    return int(values(robot.status("memory_node")).get("scenes written", 0))


def test_a_scene_is_remembered_with_the_interpolated_pose_of_its_stamp(start, robot):
    start()
    robot.send("odom", odometry(9.9, 1.0))
    robot.send("scene_graph", scene("a red chair next to a window", 10.0), 10)
    robot.send("odom", odometry(10.1, 2.0, 90.0))
    wait_until(lambda: ask(robot, "where is the red chair?").matches, "the chair")
    answer = ask(robot, "where is the red chair?")
    assert answer.success
    assert answer.understood == "find red chair"
    assert "red chair" in answer.speech
    match = answer.matches[0]
    assert (match.label, list(match.attributes), match.times_seen, match.camera) == (
        "chair",
        ["red"],
        1,
        "front",
    )
    assert match.caption[match.start : match.end] == "chair"
    assert match.pose_valid
    assert match.pose.header.frame_id == "odom"
    assert match.pose.header.stamp == match.last_seen == Time(sec=START + 10)
    assert match.pose.pose.position.x == pytest.approx(1.5)
    assert match.pose.pose.orientation.z == pytest.approx(math.sin(math.pi / 8))


def test_without_a_pose_nothing_waits(start, robot):
    start(pose_source="none")
    tell(robot, scene("a red chair", 1))
    match = ask(robot, "red chair").matches[0]
    assert not match.pose_valid
    assert match.pose == PoseStamped()
    assert match.place == ""
    robot.wait_for_status("memory_node", "no pose for any scene", DiagnosticStatus.WARN)


def test_a_pose_that_never_comes_costs_only_the_timeout(start, robot):
    start(pose_timeout=0.2)
    robot.send("odom", odometry(1.0, 1.0))
    tell(robot, scene("a red chair", 1.1), scene("a dog", 60))
    assert ask(robot, "red chair").matches[0].pose_valid  # the last sample is 0.1 s old
    assert not ask(robot, "dog").matches[0].pose_valid


def test_poses_from_a_pose_topic(start, robot):
    start(pose_source="pose", pose_topic="/amcl")
    message = PoseStamped()
    message.header.frame_id = "/map"
    message.header.stamp.sec = START
    message.pose.position.y = 3.0
    message.pose.orientation.w = 1.0
    robot.send("/amcl", message)
    tell(robot, scene("a red chair", 0))
    match = ask(robot, "chair").matches[0]
    assert (match.pose.header.frame_id, match.pose.pose.position.y) == ("map", 3.0)


def test_poses_from_tf(start, robot):
    """Chained over a static transform, interpolated; without a wait where tf does not know."""
    pytest.importorskip("tf2_ros", reason="tf2_ros comes with a ROS install, not from PyPI")
    from tf2_msgs.msg import TFMessage

    start(pose_source="auto", frame_id="map", pose_timeout=0.2)
    latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    robot.send("/tf_static", TFMessage(transforms=[transform("map", "odom", 0.0, 5.0)]), latched)
    for i in range(11):
        robot.send("/tf", TFMessage(transforms=[transform("odom", "base_link", i / 10, i / 10)]), 100)
    tell(robot, scene("a red chair", 0.55), scene("a dog", 60))
    pose = ask(robot, "red chair").matches[0].pose
    assert (pose.header.frame_id, pose.pose.position.x) == ("map", pytest.approx(5.55))
    assert not ask(robot, "dog").matches[0].pose_valid


def test_graph_and_markers_are_latched_and_complete(start, robot):
    start()
    robot.send("odom", odometry(0.0, 1.0))
    tell(robot, scene("a kitchen with a white cup on a wooden table", 0.0))
    graphs = robot.heard["/memory_node/graph"]
    wait_until(lambda: graphs and "cup" in graphs[-1].data, "the graph")
    graph = nx.node_link_graph(json.loads(graphs[-1].data), edges="edges")
    labels = {node.get("label") for _, node in graph.nodes(data=True) if node["kind"] == "object"}
    assert labels == {"cup", "table"}
    assert "room:kitchen" in graph
    assert any(edge["predicate"] == "on" for *_, edge in graph.edges(data=True))
    wait_until(lambda: len(robot.heard["/memory_node/markers"][-1].markers) > 1, "markers")
    markers = robot.heard["/memory_node/markers"][-1].markers
    assert markers[0].action == Marker.DELETEALL
    assert {marker.text for marker in markers} >= {"white cup", "wooden table", "kitchen", "on"}
    assert {marker.header.frame_id for marker in markers} == {"odom"}
    cup = next(marker for marker in markers if marker.text == "white cup")
    assert cup.pose.position.x == pytest.approx(3.0)  # two metres before the robot


def test_a_goal_is_sent_only_when_asked_for_and_sure(start, robot):
    start()
    robot.send("odom", odometry(0.0, 4.0))
    tell(robot, scene("a red chair", 0.0))
    goals = robot.heard["/goal_pose"]
    assert not ask(robot, "red chair").goal_sent
    assert not ask(robot, "green chair", publish_goal=True).goal_sent
    assert not ask(robot, "elephant", publish_goal=True).goal_sent
    assert ask(robot, "red chair", publish_goal=True).goal_sent
    wait_until(lambda: goals, "a goal")
    assert (goals[0].header.frame_id, goals[0].pose.position.x) == ("odom", 4.0)
    assert len(goals) == 1
    robot.set("memory_node", goal_min_score=1.0)
    tell(robot, scene("a blue ball", 0.0, camera="rear"))
    assert not ask(robot, "chair", publish_goal=True).goal_sent or goals[-1] != goals[0]


def test_announcements_are_made_once(start, robot):
    start(pose_source="none", announce_interval=2.0)
    tell(robot, *(scene("a red chair and a dog", i / 10) for i in range(10)))
    heard = robot.heard["/memory_node/announcement"]
    wait_until(lambda: heard, "an announcement")
    tell(robot, scene("a red chair, a dog and a bottle", 3))
    wait_until(lambda: len(heard) == 2, "a second announcement")
    assert [message.data for message in heard] == ["I see a dog and a red chair.", "I see a bottle."]


def test_questions_that_cannot_be_answered_say_why(start, robot):
    start(pose_source="none")
    for request, reason in (
        ({"text": ""}, "names nothing to look for"),
        ({"text": "chair", "max_matches": 101}, "max_matches"),
        ({"text": "chair", "min_score": 2.0}, "min_score"),
        ({"text": "chair", "use_area": True}, "radius"),
    ):
        answer = robot.call("/memory_node/query", QueryMemory, QueryMemory.Request(**request))
        assert not answer.success
        assert reason in answer.message
    assert ask(robot, "chair").speech == "I have not seen a chair."


def test_time_and_area_limit_a_question(start, robot):
    start()
    robot.send("odom", odometry(0.0, 0.0))
    tell(robot, scene("a red chair", 0.0))
    robot.send("odom", odometry(0.5, 10.0))
    robot.send("odom", odometry(1.0, 10.0))
    tell(robot, scene("a blue chair", 1.0))
    assert len(ask(robot, "chair").matches) == 2
    (match,) = ask(robot, "chair", since=Time(sec=START, nanosec=500_000_000)).matches
    assert list(match.attributes) == ["blue"]
    area = QueryMemory.Request(text="chair", use_area=True, radius=2.0)
    assert [list(m.attributes) for m in robot.call("/memory_node/query", QueryMemory, area).matches] == [
        ["red"]
    ]
    area.center.header.frame_id = "elsewhere"
    assert "frame 'elsewhere'" in robot.call("/memory_node/query", QueryMemory, area).message


def test_save_load_and_clear(start, robot, tmp_path):
    start(pose_source="none")
    assert not trigger(robot, "load").success
    tell(robot, scene("a red chair", 0))
    assert trigger(robot, "save").message == f"saved to {tmp_path / 'saved.db'}"
    assert trigger(robot, "clear").success
    assert not ask(robot, "chair").matches
    assert trigger(robot, "load").success
    assert ask(robot, "chair").matches


def test_a_restart_remembers(start, start_node, robot, tmp_path):
    start(pose_source="none")
    tell(robot, scene("a red chair", 0))
    assert robot.change_state("memory_node", "deactivate")
    assert robot.change_state("memory_node", "cleanup")
    assert "not open" in ask(robot, "chair").message
    assert robot.change_state("memory_node", "configure")
    assert ask(robot, "chair").matches  # answers while inactive
    assert robot.change_state("memory_node", "activate")


@pytest.mark.parametrize(
    ("parameters", "reason"),
    [
        ({"store": "/proc/none/memory.db"}, "memory.db"),
        ({"embeddings": "/nowhere"}, "no model.safetensors in /nowhere"),
        ({"merge_radius": -1.0}, "parameter merge_radius is -1.0"),
        ({"timezone": "Nowhere/Atlantis"}, "Europe/Berlin"),
    ],
)
def test_what_cannot_be_opened_is_said(start_node, robot, tmp_path, parameters, reason):
    start_node(MemoryNode, **{"store": str(tmp_path / "memory.db"), **parameters})
    robot.wait_for_status("memory_node", reason, DiagnosticStatus.ERROR)
    assert robot.state("memory_node") == "unconfigured"


def test_a_foreign_file_is_left_alone(start_node, robot, tmp_path):
    notes = tmp_path / "notes.db"
    notes.write_text("my notes " * 100)
    start_node(MemoryNode, store=str(notes))
    robot.wait_for_status("memory_node", "notes.db", DiagnosticStatus.ERROR)
    assert notes.read_text() == "my notes " * 100


def test_scenes_that_say_nothing_do_no_harm(start, robot):
    start(pose_source="none")
    without_stamp = scene("a cat", 0)
    without_stamp.header.stamp = Time()
    broken = scene("a cat on a mat", 1)
    broken.relations[0].object = 77
    broken.objects[0].attribute_starts = [5, 6, 7]
    tell(robot, scene("", 0.5), broken)
    robot.send("scene_graph", without_stamp, 10)
    robot.wait_for_status("memory_node", "has no stamp", DiagnosticStatus.ERROR)
    assert ask(robot, "cat").matches[0].times_seen == 1


def test_poses_in_another_frame_are_refused_aloud(start, robot):
    start(frame_id="map")
    robot.send("odom", odometry(0.0, 1.0))
    tell(robot, scene("a red chair", 0))
    assert not ask(robot, "chair").matches[0].pose_valid
    robot.wait_for_status("memory_node", "another frame", DiagnosticStatus.WARN)


@pytest.mark.parametrize("clear", [False, True])
def test_a_clock_that_jumps_back(start, robot, clear):
    node = start(pose_source="none", clear_on_time_jump=clear)
    node.set_parameters([Parameter("use_sim_time", value=True)])
    robot.set_clock(START + 100)
    tell(robot, scene("a red chair", 100))
    robot.set_clock(START + 1)
    wait_until(lambda: bool(ask(robot, "chair").matches) is not clear, "the memory after the jump")
    tell(robot, scene("a dog", 1))
    assert ask(robot, "dog").matches


def test_settings_change_at_run_time_and_others_say_why_not(start, robot):
    start()
    assert robot.set("memory_node", announce_interval=9.0).successful
    refused = robot.set("memory_node", store="/tmp/other.db")
    assert not refused.successful
    assert "cannot change now" in refused.reason
    assert not robot.set("memory_node", announce_interval=-1.0).successful


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_cleanly(start_process, robot, tmp_path: Path, number):
    store = tmp_path / "memory.db"
    arguments = ["--ros-args", "-p", f"store:={store}", "-p", "pose_source:=none"]
    process = start_process([*python_module("ser_ros.node.memory_node"), *arguments])
    process.wait_for("active", 60)
    tell(robot, scene("a red chair", 0))
    process.popen.send_signal(number)
    process.popen.send_signal(number)
    assert process.wait(20) == 0
    assert "Traceback" not in process.output
    with Memory.open(store, read_only=True) as memory:
        assert memory.query("chair").matches


def test_sigkill_loses_nothing_written(start_process, robot, tmp_path: Path):
    store = tmp_path / "memory.db"
    arguments = ["--ros-args", "-p", f"store:={store}", "-p", "pose_source:=none"]
    process = start_process([*python_module("ser_ros.node.memory_node"), *arguments])
    process.wait_for("active", 60)
    tell(robot, scene("a red chair", 0))
    os.kill(process.popen.pid, signal.SIGKILL)
    process.wait(20)
    with Memory.open(store) as memory:
        assert memory.query("chair").matches
