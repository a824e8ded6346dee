"""What a robot tells memory_node, and what a person asks it."""

from __future__ import annotations

import math
from typing import Any

from builtin_interfaces.msg import Time
from geometry_msgs.msg import TransformStamped
from nav_msgs.msg import Odometry
from std_msgs.msg import Header
from std_srvs.srv import Trigger

from ser_ros.graph.parser import parse
from ser_ros.msg import SceneGraph
from ser_ros.node.graph_messages import to_message
from ser_ros.srv import QueryMemory
from tests.node.robot import Robot, values, wait_until

START = 1_790_000_000  # seconds; `second` below counts from here


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


def ask(robot: Robot, text: str, **limits: Any) -> QueryMemory.Response:
    return robot.call("/memory_node/query", QueryMemory, QueryMemory.Request(text=text, **limits))


def trigger(robot: Robot, name: str) -> Trigger.Response:
    return robot.call(f"/memory_node/{name}", Trigger, Trigger.Request())


def tell(robot: Robot, *scenes: SceneGraph) -> None:
    """Send scenes and wait until the node has written them."""
    before = written(robot)
    for one in scenes:
        robot.send("scene_graph", one, 10)
    wait_until(lambda: written(robot) >= before + len(scenes), f"{len(scenes)} scenes written")


def written(robot: Robot) -> int:
    """Scenes that the node has written: its own count, or what the diagnostics of a process say."""
    if robot.memory_node is not None:
        return robot.memory_node.written
    wait_until(lambda: robot.status("memory_node"), "diagnostics")
    return int(values(robot.status("memory_node")).get("scenes written", 0))
