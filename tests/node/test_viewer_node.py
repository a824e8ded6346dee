"""viewer_node as a process with a real Rerun viewer behind it: what the viewer gets, and who can reach it."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import time
from pathlib import Path

import networkx as nx
import psutil
import pytest
from nav_msgs.msg import Odometry
from std_msgs.msg import String

from ser_ros.graph.parser import parse
from ser_ros.msg import Caption, CaptionEdit
from ser_ros.node.graph_messages import to_message
from ser_ros.node.viewer_node import LATCHED
from tests.node.robot import image, scene, values, wait_until
from tests.processes import PATIENCE, python_module

rerun_cli = pytest.importorskip("rerun_cli", reason="rerun-sdk is not installed (extra [viz])")
RERUN = Path(rerun_cli.__file__).with_name("rerun")
SAID = "a red chair next to a table"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


@pytest.fixture
def ports() -> dict[str, int]:
    return {"port": free_port(), "web_port": free_port()}


@pytest.fixture
def viewer(robot, start_process, ports, tmp_path):
    settings = {"window": "never", "pose_source": "odometry", **ports}
    arguments = [word for key, value in settings.items() for word in ("-p", f"{key}:={value}")]
    environment = {**os.environ, "XDG_DATA_HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}
    environment.pop("CI", None)
    command = python_module("ser_ros.node.viewer_node", "--ros-args", *arguments)
    process = start_process(command, env=environment)
    process.wait_for(": active")
    return process


def publish_all(robot) -> None:
    """A picture, its caption and scene, the robot 3 m ahead of where it was, and the memory's graph."""
    header = image(scene(1), robot.now()).header
    header.frame_id = "camera"
    for x in (1.0, 1.5):
        odometry = Odometry(header=header)
        odometry.header.frame_id, odometry.pose.pose.position.x = "map", x
        robot.send("/odom", odometry)
    robot.send("/image", image(scene(1), header.stamp))
    edit = CaptionEdit(kind=CaptionEdit.REPLACE, start=2, end=6, text="red")
    initial = "a blue chair next to a table"
    caption = Caption(header=header, camera="image", initial=initial, refined=SAID, edits=[edit])
    robot.send("/caption_node/caption", caption, 10)
    robot.send("/caption_node/scene_graph", to_message(parse(SAID), header, "image"), 10)
    world = nx.MultiDiGraph(kind="memory")
    world.add_node("place 1", kind="place", x=1.0, y=0.0, room="kitchen")
    world.add_node("object 1", kind="object", place="place 1", label="chair", attributes=[])
    text = json.dumps(nx.node_link_data(world, edges="edges"))
    robot.send("/memory_node/graph", String(data=text), LATCHED)


def shown(robot) -> set[str]:
    status = robot.status("viewer_node")
    return set(values(status)) if status else set()


def test_the_viewer_gets_all_that_the_nodes_publish(viewer, robot, ports, tmp_path):
    kinds = {"images shown", "captions shown", "scenes shown", "maps shown"}

    def sent_and_shown() -> bool:
        publish_all(robot)  # again and again: best effort may lose an image or a pose
        time.sleep(0.5)
        return kinds <= shown(robot)

    wait_until(sent_and_shown, "all that was sent", shown=lambda: str(shown(robot)))
    # A second viewer asks the first for all that it has.
    copy = tmp_path / "copy.rrd"
    source = f"rerun+http://127.0.0.1:{ports['port']}/proxy"
    command = [RERUN, "--bind", "127.0.0.1", "--port", str(free_port()), "--save", copy, source]
    saver = subprocess.Popen(command, env={**os.environ, "CI": "1"})
    try:
        wait_until(lambda: copy.is_file() and b"map/places" in copy.read_bytes(), "the copy")
    finally:
        saver.send_signal(signal.SIGINT)
        saver.wait(PATIENCE)
    listed = subprocess.run([RERUN, "rrd", "print", "-vvv", copy], capture_output=True, text=True, timeout=60)
    for entity in ("cameras/image/image", "cameras/image/caption", "cameras/image/scene_graph", "map/robot"):
        assert f"/{entity}" in listed.stdout
    assert "**red**" in listed.stdout
    assert "~~blue~~" in listed.stdout


def test_the_viewer_listens_on_this_machine_alone_and_tells_nobody(viewer, ports, tmp_path):
    (child,) = psutil.Process(viewer.popen.pid).children()
    heard_on = {
        connection.laddr for connection in child.net_connections("tcp") if connection.status == "LISTEN"
    }
    assert {address.ip for address in heard_on} == {"127.0.0.1"}
    assert {address.port for address in heard_on} == set(ports.values())
    assert not list(tmp_path.rglob("analytics*"))
    assert viewer.interrupt() == 0
    assert not child.is_running()


def test_a_taken_port_is_named(start_process, ports):
    with socket.create_server(("127.0.0.1", ports["port"])):
        arguments = ("--ros-args", "-p", f"port:={ports['port']}")
        process = start_process(python_module("ser_ros.node.viewer_node", *arguments))
        process.wait_for(f"parameter port is {ports['port']}, but that port is taken")


def test_a_closed_viewer_is_opened_again_by_configure(viewer, robot):
    (child,) = psutil.Process(viewer.popen.pid).children()
    child.terminate()
    viewer.wait_for("the viewer was closed")
    assert robot.state("viewer_node") == "unconfigured"
    assert robot.change_state("viewer_node", "configure")
    assert robot.change_state("viewer_node", "activate")
