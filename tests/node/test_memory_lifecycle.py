"""The store of memory_node through states, restarts, signals and files that are none."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest
from diagnostic_msgs.msg import DiagnosticStatus

from ser_ros.graph.memory import Memory
from ser_ros.node.memory_node import MemoryNode
from tests.graph.memory_scenes import seen
from tests.node.memory_robot import ask, scene, tell, trigger
from tests.node.robot import wait_until
from tests.processes import python_module
from tests.read_only import needs_mounts, read_only


def test_save_load_and_clear(start_memory_node, robot, tmp_path):
    start_memory_node(pose_source="none")
    assert not trigger(robot, "load").success
    tell(robot, scene("a red chair", 0))
    assert trigger(robot, "save").message == f"saved to {tmp_path / 'saved.db'}"
    assert trigger(robot, "clear").success
    assert not ask(robot, "chair").matches
    assert trigger(robot, "load").success
    assert ask(robot, "chair").matches


def test_without_a_home_folder_the_path_is_asked_for(start_memory_node, robot):
    start_memory_node(save_path="~nobody_here/saved.db")
    for service in ("save", "load"):
        answer = trigger(robot, service)
        assert not answer.success
        assert "no home folder for '~nobody_here/saved.db'" in answer.message


def test_a_file_that_somebody_deletes_is_missed(start_memory_node, robot, tmp_path):
    start_memory_node(pose_source="none")
    tell(robot, scene("a red chair", 0))
    for file in tmp_path.glob("memory.db*"):
        file.unlink()
    robot.wait_for_status("memory_node", "was deleted or replaced", DiagnosticStatus.ERROR)
    assert trigger(robot, "save").success
    assert trigger(robot, "load").success
    assert ask(robot, "chair").matches


def test_a_finalized_node_is_to_be_started_again(start_memory_node, robot):
    start_memory_node()
    assert robot.change_state("memory_node", "shutdown")
    assert trigger(robot, "save").message.endswith("memory_node is finalized; it has ended, start it again")


def test_a_restart_remembers(start_memory_node, start_node, robot, tmp_path):
    start_memory_node(pose_source="none")
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


def test_settings_change_at_run_time_and_others_say_why_not(start_memory_node, robot):
    start_memory_node()
    assert robot.set("memory_node", announce_interval=9.0).successful
    refused = robot.set("memory_node", store="/tmp/other.db")
    assert not refused.successful
    assert "cannot change now" in refused.reason
    assert not robot.set("memory_node", announce_interval=-1.0).successful
    assert "give the path of a file" in robot.set("memory_node", save_path="").reason


@needs_mounts
def test_a_memory_that_cannot_be_written_is_asked_only_and_the_node_says_so(start_process, robot, tmp_path):
    store = tmp_path / "disk" / "memory.db"
    with Memory.open(store) as memory:
        memory.observe(seen("a red chair"))
    arguments = ["--ros-args", "-p", f"store:={store}", "-p", "pose_source:=none"]
    process = start_process(
        [*read_only(store.parent), *python_module("ser_ros.node.memory_node"), *arguments]
    )
    output = process.wait_for("active (listening to nothing")
    warning = (
        f"cannot write the memory {store}: its disk is mounted read-only; questions are answered from what it"
        " holds, but nothing new is remembered or announced: make it writable or give another file as"
        " parameter store, and start the node again"
    )
    assert warning in output
    robot.wait_for_status("memory_node", warning, DiagnosticStatus.WARN)
    assert ask(robot, "where is the chair").speech.startswith("I last saw the red chair")
    assert "read only" in trigger(robot, "clear").message
    assert process.interrupt() == 0


@needs_mounts
def test_without_a_memory_to_ask_a_read_only_disk_is_an_error(start_process, robot, tmp_path):
    store = tmp_path / "memory.db"
    arguments = ["--ros-args", "-p", f"store:={store}"]
    process = start_process([*read_only(tmp_path), *python_module("ser_ros.node.memory_node"), *arguments])
    sentence = f"cannot make the memory {store}: its disk is mounted read-only; give another path"
    process.wait_for(f"unconfigured, not inactive: {sentence}")
    robot.wait_for_status("memory_node", sentence, DiagnosticStatus.ERROR)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_process_cleanly(start_process, robot, patient_peers, tmp_path: Path, number):
    store = tmp_path / "memory.db"
    arguments = ["--ros-args", "-p", f"store:={store}", "-p", "pose_source:=none"]
    process = start_process([*python_module("ser_ros.node.memory_node"), *arguments], patient_peers)
    process.wait_for("active")
    tell(robot, scene("a red chair", 0))
    process.popen.send_signal(number)
    process.popen.send_signal(number)
    assert process.wait() == 0
    assert "Traceback" not in process.output
    wait_until(lambda: "memory_node" not in robot.node.get_node_names(), "the goodbye")
    with Memory.open(store, read_only=True) as memory:
        assert memory.query("chair").matches


def test_sigkill_loses_nothing_written(start_process, robot, tmp_path: Path):
    store = tmp_path / "memory.db"
    arguments = ["--ros-args", "-p", f"store:={store}", "-p", "pose_source:=none"]
    process = start_process([*python_module("ser_ros.node.memory_node"), *arguments])
    process.wait_for("active")
    tell(robot, scene("a red chair", 0))
    os.kill(process.popen.pid, signal.SIGKILL)
    process.wait()
    with Memory.open(store) as memory:
        assert memory.query("chair").matches
