"""RViz configuration and Foxglove layout show topics that the nodes publish."""

from __future__ import annotations

import json
from pathlib import Path

import yaml

CONFIG = Path(__file__).resolve().parents[2] / "config"
TOPICS = {"/memory_node/markers", "/caption_node/annotated", "/goal_pose", "/odom"}


def test_rviz_shows_the_memory_latched() -> None:
    shown = yaml.safe_load((CONFIG / "memory.rviz").read_text())["Visualization Manager"]["Displays"]
    topics = {display["Topic"]["Value"]: display["Topic"] for display in shown if "Topic" in display}
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
