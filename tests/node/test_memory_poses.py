"""Where the robot stood when it saw a thing: odometry, a pose topic, tf, or nothing."""

from __future__ import annotations

import math

import pytest
from builtin_interfaces.msg import Time
from diagnostic_msgs.msg import DiagnosticStatus
from geometry_msgs.msg import PoseStamped
from rclpy.qos import DurabilityPolicy, QoSProfile

from tests.node.memory_robot import START, ask, odometry, scene, tell, transform
from tests.node.robot import wait_until


def test_a_scene_is_remembered_with_the_interpolated_pose_of_its_stamp(start_memory_node, robot):
    start_memory_node()
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


def test_without_a_pose_nothing_waits(start_memory_node, robot):
    start_memory_node(pose_source="none")
    tell(robot, scene("a red chair", 1))
    match = ask(robot, "red chair").matches[0]
    assert not match.pose_valid
    assert match.pose == PoseStamped()
    assert match.place == ""
    robot.wait_for_status("memory_node", "no pose for any scene", DiagnosticStatus.WARN)


def test_a_pose_that_never_comes_costs_only_the_timeout(start_memory_node, robot):
    start_memory_node(pose_timeout=0.2)
    robot.send("odom", odometry(1.0, 1.0))
    tell(robot, scene("a red chair", 1.1), scene("a dog", 60))
    assert ask(robot, "red chair").matches[0].pose_valid  # the last sample is 0.1 s old
    assert not ask(robot, "dog").matches[0].pose_valid


def test_poses_from_a_pose_topic(start_memory_node, robot):
    start_memory_node(pose_source="pose", pose_topic="/amcl")
    message = PoseStamped()
    message.header.frame_id = "/map"
    message.header.stamp.sec = START
    message.pose.position.y = 3.0
    message.pose.orientation.w = 1.0
    robot.send("/amcl", message)
    tell(robot, scene("a red chair", 0))
    match = ask(robot, "chair").matches[0]
    assert (match.pose.header.frame_id, match.pose.pose.position.y) == ("map", 3.0)


def test_poses_from_tf(start_memory_node, robot):
    """Chained over a static transform, interpolated; without a wait where tf does not know."""
    pytest.importorskip("tf2_ros", reason="tf2_ros comes with a ROS install, not from PyPI")
    from tf2_msgs.msg import TFMessage

    start_memory_node(pose_source="auto", frame_id="map", pose_timeout=0.2)
    latched = QoSProfile(depth=100, durability=DurabilityPolicy.TRANSIENT_LOCAL)
    robot.send("/tf_static", TFMessage(transforms=[transform("map", "odom", 0.0, 5.0)]), latched)
    for i in range(11):
        robot.send("/tf", TFMessage(transforms=[transform("odom", "base_link", i / 10, i / 10)]), 100)
    tell(robot, scene("a red chair", 0.55), scene("a dog", 60))
    pose = ask(robot, "red chair").matches[0].pose
    assert (pose.header.frame_id, pose.pose.position.x) == ("map", pytest.approx(5.55))
    assert not ask(robot, "dog").matches[0].pose_valid


def test_poses_in_another_frame_are_refused_aloud(start_memory_node, robot):
    start_memory_node(frame_id="map")
    robot.send("odom", odometry(0.0, 1.0))
    tell(robot, scene("a red chair", 0))
    assert not ask(robot, "chair").matches[0].pose_valid
    robot.wait_for_status("memory_node", "another frame", DiagnosticStatus.WARN)


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda one: setattr(one.pose.pose.orientation, "w", 0.0), "a quaternion of length 0"),
        (lambda one: setattr(one.pose.pose.position, "y", math.nan), "not finite"),
        (lambda one: setattr(one.header, "frame_id", ""), "names no frame"),
    ],
)
def test_what_is_no_pose_is_left_out_aloud(start_memory_node, robot, change, reason):
    start_memory_node()
    unusable = odometry(0.0, 1.0)
    change(unusable)
    robot.send("odom", unusable)
    robot.wait_for_status("memory_node", reason, DiagnosticStatus.WARN)
    tell(robot, scene("a red chair", 0))
    answer = ask(robot, "chair", publish_goal=True)
    assert not answer.matches[0].pose_valid
    assert not answer.goal_sent
    robot.send("odom", odometry(1.0, 1.0))
    tell(robot, scene("a blue ball", 1))
    assert ask(robot, "ball").matches[0].pose_valid
    wait_until(lambda: reason not in robot.status("memory_node").message, "a status without the reason")
