"""What goes wrong on robots, done to real processes."""

from __future__ import annotations

import os
import shutil
import signal
import sys
import time
from pathlib import Path

import pytest

from ser_ros.msg import Caption
from tests.node.robot import QUICK, Robot, image, scene, values, wait_until
from tests.processes import PATIENCE, Process, python_module


def command(model: Path, *remaps: str, module: str = "ser_ros.node.caption_node", **parameters) -> list[str]:
    arguments = ["--ros-args"]
    for name, value in {"model": model, **QUICK, "camera_timeout": 1.0, **parameters}.items():
        text = str(value).lower() if isinstance(value, bool) else str(value)
        arguments += ["-p", f"{name}:={text}"]
    for remap in remaps:
        arguments += ["-r", remap]
    return python_module(module, *arguments)


@pytest.fixture(scope="module")
def model(toy_folder: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the model that a drill may delete."""
    return Path(shutil.copytree(toy_folder, tmp_path_factory.mktemp("drill") / "model"))


@pytest.fixture(scope="module")
def process(model: Path, tmp_path_factory: pytest.TempPathFactory, patient_peers: dict[str, str]):
    """One node that lives through the drills of this file, in their order."""
    process = Process(command(model), tmp_path_factory.mktemp("log") / "node.log", patient_peers)
    process.wait_for("active (")
    yield process
    process.end()


@pytest.fixture
def captions(robot: Robot) -> list[Caption]:
    return robot.listen("/caption_node/caption", Caption)


def alive(process: Process) -> None:
    assert process.popen.poll() is None, process.output
    assert "Traceback" not in process.output


def test_camera_dies_and_returns(process, robot, captions):
    unplug = robot.stream("image", 10)
    wait_until(lambda: captions, "a caption")
    unplug()
    robot.wait_for_status("caption_node: camera image", "no image on /image for", level=b"\x02")
    heard = len(captions)
    robot.stream("image", 10)
    wait_until(lambda: len(captions) > heard, "captions again")
    robot.wait_for_status("caption_node: camera image", "ok", level=b"\x00")
    alive(process)


def test_camera_at_200_hz_is_dropped_not_queued(process, robot, captions):
    robot.stream("image", 200)
    wait_until(lambda: len(captions) > 20, "20 captions")
    assert any(caption.dropped_frames for caption in captions)
    robot.stop_cameras()
    count = len(captions)
    time.sleep(2)  # a queue of old images would go on for long
    assert len(captions) <= count + 5
    alive(process)


def test_images_of_4k(process, robot, captions):
    robot.film("image", scene(3, 2160, 3840), lambda: captions, "a caption")
    alive(process)


def test_another_domain_hears_nothing(process, robot, captions, model, start_process):
    # a topic of its own, in case another test run uses that domain
    topic = f"/secret_{os.getpid()}"
    domain = int(os.environ["ROS_DOMAIN_ID"]) % 101 + 1
    far = start_process(command(model, f"image:={topic}"), env={**os.environ, "ROS_DOMAIN_ID": str(domain)})
    far.wait_for("active (")
    there = Robot(domain)
    try:
        far_captions = there.listen("/caption_node/caption", Caption)
        robot.stream("image", 10)
        robot.publisher(topic, type(image(scene(1)))).publish(image(scene(1)))
        wait_until(lambda: len(captions) > 3, "captions here")
        assert not far_captions
        there.film(topic, scene(2), lambda: far_captions, "a caption there")
    finally:
        there.close()
    far.popen.send_signal(signal.SIGINT)
    far.popen.send_signal(signal.SIGINT)
    assert far.wait() == 0
    assert "finalized" in far.output
    assert "leaving" not in far.output
    assert "Traceback" not in far.output


def test_model_folder_deleted_while_running(process, robot, captions, model):
    shutil.rmtree(model)
    robot.stream("image", 10)
    wait_until(lambda: len(captions) > 3, "captions without the folder")
    assert robot.change_state("caption_node", "deactivate")
    assert robot.change_state("caption_node", "cleanup")
    assert not robot.change_state("caption_node", "configure")
    robot.wait_for_status("caption_node", str(model), level=b"\x02")
    assert robot.state("caption_node") == "unconfigured"
    alive(process)


def test_signals_until_the_end_change_nothing(process, robot):
    # the last drill of this process; `ros2 launch` sends SIGINT twice and SIGTERM to what takes long
    end = time.monotonic() + PATIENCE
    while process.popen.poll() is None and time.monotonic() < end:
        process.popen.send_signal(signal.SIGTERM)
        process.popen.send_signal(signal.SIGINT)
        time.sleep(0.01)
    assert process.wait() == 0
    names = robot.node.get_node_names
    wait_until(lambda: "caption_node" not in names(), "the goodbye")
    assert "finalized" in process.output
    assert "Traceback" not in process.output


@pytest.mark.slow
def test_a_killed_node_starts_again(toy_folder, robot, captions, start_process):
    for _ in range(2):
        process = start_process(command(toy_folder))
        process.wait_for("active (")
        robot.stream("image", 10)
        heard = len(captions)
        wait_until(lambda: len(captions) > heard, "a caption")  # noqa: B023
        process.popen.send_signal(signal.SIGKILL)  # leaves nothing in the way of the next one
        process.wait()
        robot.stop_cameras()


def test_ctrl_c_while_the_model_loads(toy_folder, start_process):
    process = start_process(command(toy_folder))
    process.wait_for("configuring")
    process.popen.send_signal(signal.SIGINT)
    process.popen.send_signal(signal.SIGINT)
    assert process.wait() == 0
    assert "Traceback" not in process.output


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("module", [["ser_ros.node.caption_node"], ["ser_ros.cli", "node", "caption"]])
def test_a_signal_while_python_imports(start_process, module, number):
    process = start_process([sys.executable, "-X", "importtime", "-m", *module])
    process.wait_for(" rpyutils\n")  # one of the first that rclpy imports
    process.popen.send_signal(number)
    assert process.wait() == 0
    assert "Traceback" not in process.output
    assert " ser_ros.node.lifecycle\n" not in process.output, "the signal came after the imports"


def test_out_of_memory_keeps_the_initial_caption(toy_folder, robot, captions, start_process):
    script = Path(__file__).with_name("out_of_memory_node.py")
    root = Path(__file__).resolve().parents[2]
    process = start_process(
        [sys.executable, str(script), *command(toy_folder, image_reliability="reliable")[3:]],
        env={**os.environ, "PYTHONPATH": str(root)},
    )
    process.wait_for("active (")
    for seed, expected, sentence in (
        (0, 1, "second glance"),
        (1, 2, ""),
        (2, 2, "enough memory"),
        (3, 3, ""),
    ):
        # Reliable: each image is sent once, and which of them fails is part of the drill.
        robot.send("image", image(scene(seed), robot.now()), qos=10)
        wait_until(lambda: len(captions) >= expected, "a caption", shown=lambda: process.output)  # noqa: B023
        robot.wait_for_status("caption_node", sentence, level=b"\x02")
    assert len(captions) == 3  # the third image did not fit at all
    for caption in captions:
        assert caption.flags & Caption.REFINEMENT_SKIPPED
        assert caption.refined == caption.initial != ""
    wait_until(lambda: values(robot.status("caption_node"))["errors"] == "4", "four errors")
    alive(process)
    assert process.interrupt() == 0


def test_bad_arguments_end_with_one_sentence(start_process):
    process = start_process(python_module("ser_ros.node.caption_node", "--ros-args", "-p", "model"))
    assert process.wait() == 2
    assert "the ROS arguments are wrong" in process.output
    assert "Traceback" not in process.output


def test_the_verb_starts_the_node(toy_folder, start_process):
    process = start_process(python_module("ser_ros.cli", "node", "caption", *command(toy_folder)[3:]))
    process.wait_for("configuring")
    assert process.interrupt() == 0
