"""A small random model, nodes in this process, and a robot around them."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("rclpy", reason="no ROS here")
pytest.importorskip("ser_ros.msg", reason="the messages are not compiled")

from rclpy.executors import SingleThreadedExecutor
from rclpy.parameter import Parameter

from tests.node.robot import Robot


@pytest.fixture(scope="session")
def toy_folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A checkpoint folder of a two-layer random model: its captions are noise, its stages are real."""
    toys = pytest.importorskip("tests.model.toys", reason="torch is not installed")
    folder = tmp_path_factory.mktemp("model") / "toy"
    toys.toy_model().save_pretrained(folder)
    return folder


@pytest.fixture
def robot() -> Iterator[Robot]:
    robot = Robot()
    yield robot
    robot.close()


@pytest.fixture
def start_node(robot: Robot) -> Iterator[Callable[..., Any]]:
    """`start_node(make_node, **parameters) -> node`, spinning in a thread until the test ends."""
    running: list[tuple[Any, SingleThreadedExecutor, threading.Thread]] = []

    def start(make_node: Callable[..., Any], **parameters: Any) -> Any:
        # the robot's context: one DDS participant a test, made and discovered far sooner than two
        overrides = [Parameter(name, value=value) for name, value in parameters.items()]
        node = make_node(context=robot.context, parameter_overrides=overrides)
        executor = SingleThreadedExecutor(context=robot.context)
        executor.add_node(node)
        thread = threading.Thread(target=executor.spin)
        thread.start()
        running.append((node, executor, thread))
        return node

    yield start
    for node, executor, thread in running:
        executor.shutdown()
        thread.join(10)
        if node.state != "finalized":
            node.trigger_shutdown()
        node.destroy_node()
