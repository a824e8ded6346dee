"""The Rerun recording of a replay holds image, captions, graph and map on the stamps of the images."""

from __future__ import annotations

import subprocess
from dataclasses import asdict
from pathlib import Path

import numpy as np
import pytest

from ser_ros.model.edits import word_edits
from ser_ros.replay.bag import Bag
from ser_ros.replay.outputs import derive
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.rerun_drawing import camera_entity
from ser_ros.replay.run import RunFiles
from ser_ros.replay.thumbnails import save_thumbnail
from ser_ros.replay.trajectory import read_trajectory
from tests.replay.bags import START, write_rosbag2

rerun_cli = pytest.importorskip("rerun_cli", reason="rerun-sdk is not installed (extra [viz])")


def test_recording_holds_everything_on_one_timeline(tmp_path):
    from ser_ros.replay.rerun_recording import write_rerun

    with Bag(write_rosbag2(tmp_path / "bag")) as bag:
        trajectory = read_trajectory(bag)
    files = RunFiles(tmp_path)
    files.thumbnails.mkdir()
    save_thumbnail(np.zeros((48, 64, 3), np.uint8), files.thumbnail(0))
    initial, refined = "a blue chair next to a table", "a red chair next to a table"
    edits = [asdict(edit) for edit in word_edits(initial, refined)]
    record = FrameRecord(0, START, "/camera", "camera", trajectory.at(START), initial, refined, edits)
    write_rerun(tmp_path / "run.rrd", [record], derive([record], files), files, trajectory)

    program = Path(rerun_cli.__file__).with_name("rerun")
    listed = subprocess.run(
        [program, "rrd", "print", "-vvv", tmp_path / "run.rrd"], capture_output=True, text=True, timeout=120
    )
    assert listed.returncode == 0
    for entity in ("image", "caption", "scene_graph"):
        assert f"/cameras/camera/{entity}" in listed.stdout
    for entity in ("way", "robot", "places"):
        assert f"/map/{entity}" in listed.stdout
    assert "stamp" in listed.stdout
    assert "**red**" in listed.stdout


def test_topics_become_branches_of_the_entity_tree():
    assert camera_entity("/front/image_raw") == "cameras/front_image_raw"
    assert camera_entity("/") == "cameras/image"
