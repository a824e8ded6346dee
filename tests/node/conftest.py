"""A small random model, nodes in this process, and a robot around them."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="no ROS here")
pytest.importorskip("ser_ros.msg", reason="the messages are not compiled")

from geometry_msgs.msg import PoseStamped
from rclpy.parameter import Parameter
from std_msgs.msg import String
from visualization_msgs.msg import MarkerArray

from ser_ros.msg import Caption, SceneGraph
from ser_ros.node.caption_node import CaptionNode
from ser_ros.node.memory_node import LATCHED, MemoryNode
from tests.node.robot import QUICK, Robot, Spinner, wait_until


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of a two-layer random model: its captions are noise, its stages are real."""
    toys = pytest.importorskip("tests.model.toys", reason="torch is not installed")
    folder = tmp_path_factory.mktemp("model") / "toy"
    toys.toy_model().save_pretrained(folder)
    return folder


@pytest.fixture(scope="session")
def patient_peers(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of a process that peers forget when it says goodbye, not 20 s after its last word."""
    lease = "<discovery_config><leaseDuration><sec>86400</sec></leaseDuration></discovery_config>"
    profile = Path(os.environ["FASTDDS_DEFAULT_PROFILES_FILE"]).read_text()
    path = tmp_path_factory.mktemp("profile") / "patient.xml"
    path.write_text(profile.replace("<rtps>", f"<rtps><builtin>{lease}</builtin>"))
    return {**os.environ, "FASTDDS_DEFAULT_PROFILES_FILE": str(path)}


@pytest.fixture
def robot() -> Iterator[Robot]:
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture
def start_node(robot: Robot) -> Iterator[Callable[..., Any]]:
    """`start_node(make_node, **parameters) -> node`, spinning in a thread until the test ends."""
    running: list[tuple[Any, Spinner]] = []

    def start(make_node: Callable[..., Any], **parameters: Any) -> Any:
        # the robot's context: one DDS participant a test, made and discovered far sooner than two
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = make_node(context=robot.context, parameter_overrides=overrides)
        running.append((node, Spinner(node)))
        return node

    yield start
    for node, spinner in running:
        spinner.end()
        if node.state != "finalized":
            node.trigger_shutdown()
        node.destroy_node()
    if running:
        running.clear()
        del node, spinner
        # A destroyed lifecycle node keeps its state services until it is collected. Collected during the next
        # test, it could make the clients there wait for ever for the services of the next node of this name.
        gc.collect()


@pytest.fixture
def start_caption_node(start_node: Any, robot: Robot, toy_folder: Path) -> Callable[..., CaptionNode]:
    """`start_caption_node(**parameters)` gives an active node; captions and graphs are heard."""
    robot.listen("/caption_node/caption", Caption)
    robot.listen("/caption_node/scene_graph", SceneGraph)

    def start(**parameters: Any) -> CaptionNode:
        node = start_node(CaptionNode, model=str(toy_folder), **{**QUICK, **parameters})
        wait_until(lambda: node.state == "active", "active")
        return node

    return start


@pytest.fixture
def start_memory_node(start_node: Any, robot: Robot, tmp_path: Path) -> Iterator[Callable[..., MemoryNode]]:
    """`start_memory_node(**parameters)` gives an active node that writes into the test's folder."""
    robot.listen("/memory_node/announcement", String, 10)
    robot.listen("/goal_pose", PoseStamped, 10)
    robot.listen("/memory_node/graph", String, LATCHED)
    robot.listen("/memory_node/markers", MarkerArray, LATCHED)

    def start(**parameters: Any) -> MemoryNode:
        defaults = {
            "store": str(tmp_path / "memory.db"),
            "save_path": str(tmp_path / "saved.db"),
            "publish_period": 0.1,
            "pose_timeout": 0.3,
            "timezone": "UTC",
        }
        node = start_node(MemoryNode, **{**defaults, **parameters})
        wait_until(lambda: node.state == "active", "active")
        robot.memory_node = node
        return node

    yield start
    robot.memory_node = None
