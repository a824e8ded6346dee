"""RViz configuration and Foxglove layout show topics that the nodes publish."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import yaml

from ser_ros.node.caption_node import CaptionNode
from ser_ros.node.memory_node import LATCHED, MemoryNode
from tests.node.robot import wait_until

CONFIG = Path(__file__).resolve().parents[2] / "config"
TOPICS = {"/memory_node/markers", "/caption_node/annotated", "/goal_pose", "/odom"}
DISPLAYED = {
    "rviz_default_plugins/MarkerArray": "visualization_msgs/msg/MarkerArray",
    "rviz_default_plugins/Image": "sensor_msgs/msg/Image",
    "rviz_default_plugins/Pose": "geometry_msgs/msg/PoseStamped",
    "rviz_default_plugins/Odometry": "nav_msgs/msg/Odometry",
}


def rviz_displays() -> list[dict[str, Any]]:
    """Those that show a topic."""
    config = yaml.safe_load((CONFIG / "memory.rviz").read_text())
    return [display for display in config["Visualization Manager"]["Displays"] if "Topic" in display]


def test_rviz_shows_the_memory_latched() -> None:
    topics = {display["Topic"]["Value"]: display["Topic"] for display in rviz_displays()}
    assert set(topics) == TOPICS
    assert topics["/memory_node/markers"]["Durability Policy"] == "Transient Local"


def test_the_foxglove_layout_names_only_its_panels() -> None:
    layout = json.loads((CONFIG / "memory_foxglove.json").read_text())

    def leaves(node: object) -> list[str]:
        return [node] if isinstance(node, str) else leaves(node["first"]) + leaves(node["second"])  # type: ignore[index]

    assert sorted(leaves(layout["layout"])) == sorted(layout["configById"])
    assert set(layout["configById"]["3D!memory"]["topics"]) == TOPICS - {"/caption_node/annotated"}
    query = layout["configById"]["CallService!query"]
    assert query["serviceName"] == "/memory_node/query"
    assert json.loads(query["requestPayload"])["text"]


def test_every_display_fits_the_messages_that_our_nodes_publish(start_node) -> None:
    nodes = [start_node(kind, autostart=False) for kind in (CaptionNode, MemoryNode)]

    def published() -> dict[str, str]:
        listed = [node.get_publisher_names_and_types_by_node(node.get_name(), "/") for node in nodes]
        return {topic: types[0] for topics in listed for topic, types in topics}

    # the graph of DDS hears of a publisher a moment after it was made
    wait_until(
        lambda: TOPICS - {"/odom"} <= set(published()), "the publishers", shown=lambda: str(published())
    )
    messages = {"/odom": "nav_msgs/msg/Odometry", **published()}  # odometry is the robot's
    durable = {
        topic
        for topic in published()
        if nodes[0].get_publishers_info_by_topic(topic)[0].qos_profile.durability is LATCHED.durability
    }

    for display in rviz_displays():
        topic = display["Topic"]["Value"]
        assert DISPLAYED[display["Class"]] == messages[topic], topic
        latched = display["Topic"]["Durability Policy"] == "Transient Local"
        assert latched == (topic in durable), topic
    panels = json.loads((CONFIG / "memory_foxglove.json").read_text())["configById"]
    raw = [
        panel["topicPath"].split(".")[0] for name, panel in panels.items() if name.startswith("RawMessages")
    ]
    assert {*raw, panels["Image!camera"]["imageMode"]["imageTopic"]} <= set(messages)
