"""The interfaces as another process sees them: every field arrives, every field is explained."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from tests.interface_samples import MESSAGES, SERVICES, filled, latched, message, service
from tests.processes import Process, python_module

ROOT = Path(__file__).resolve().parents[1]
EXPLAINED_BY_THEIR_TYPE = {"Caption caption", "SceneGraph scene_graph"}
DEFINITIONS = sorted([*ROOT.glob("msg/*.msg"), *ROOT.glob("srv/*.srv")])

rclpy = pytest.importorskip("rclpy")
pytest.importorskip("ser_ros.msg")


def test_samples_cover_every_definition() -> None:
    assert {path.stem for path in DEFINITIONS} == {*MESSAGES, *SERVICES}


@pytest.mark.parametrize("path", DEFINITIONS, ids=lambda path: path.stem)
def test_every_field_is_explained(path: Path) -> None:
    purpose, *lines = path.read_text(encoding="utf-8").splitlines()
    assert purpose.startswith("# ")
    for line in lines:
        if line and line != "---" and line not in EXPLAINED_BY_THEIR_TYPE:
            assert re.search(r"\S +# \S", line) or re.match(r"uint8 [A-Z]+=\d+$", line), line


@pytest.fixture
def listener() -> Iterator[Any]:
    context = rclpy.Context()
    rclpy.init(context=context)
    node = rclpy.create_node("listener", context=context)
    executor = rclpy.executors.SingleThreadedExecutor(context=context)
    executor.add_node(node)
    node.until = lambda done, timeout=30.0: _spin_until(executor, done, timeout)
    yield node
    executor.shutdown()
    node.destroy_node()
    rclpy.shutdown(context=context)


def _spin_until(executor: Any, done: Callable[[], bool], timeout: float) -> None:
    end = time.monotonic() + timeout
    while not done():
        assert time.monotonic() < end, f"nothing arrived in {timeout:g} s"
        executor.spin_once(timeout_sec=0.1)


def test_another_process_receives_field_for_field(
    listener: Any, start_process: Callable[[list[str]], Process]
) -> None:
    arrived: dict[str, Any] = {}
    for name in MESSAGES:
        listener.create_subscription(
            message(name), f"sample/{name}", partial(arrived.__setitem__, name), latched()
        )
    clients = {name: listener.create_client(service(name), f"sample/{name}") for name in SERVICES}
    talker = start_process(python_module("tests.interface_samples"))
    talker.wait_for("talking")

    listener.until(lambda: len(arrived) == len(MESSAGES))
    for name, sample in arrived.items():
        for field in message(name).get_fields_and_field_types():
            assert getattr(sample, field) == getattr(filled(message(name)), field), f"{name}.{field}"

    for name, client in clients.items():
        listener.until(client.service_is_ready)
        future = client.call_async(filled(service(name).Request))
        listener.until(future.done)
        response = filled(service(name).Response)
        assert future.result().success, f"the request of {name} arrived changed"
        response.success = True
        assert future.result() == response

    assert talker.interrupt() == 0, talker.output


def test_wrong_field_types_are_refused_in_tests() -> None:
    """Without ROS_PYTHON_CHECK_FIELDS=1 a NumPy float would silently be sent as 0."""
    with pytest.raises(AssertionError):
        message("Caption")().confidence = "high"


def test_hand_written_modules_stand_beside_the_generated() -> None:
    import ser_ros.graph.triples
    import ser_ros.msg

    assert Path(ser_ros.msg.__file__).parents[1] == Path(ser_ros.graph.triples.__file__).parents[1]
