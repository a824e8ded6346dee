"""The Rerun recording of a replay holds image, captions, graph and map on the stamps of the images."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from ser_ros.replay.bag import Bag
from ser_ros.replay.outputs import derive
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.run import RunFiles, save_thumbnail
from ser_ros.replay.trajectory import read_trajectory
from tests.replay.bags import START, write_rosbag2

pytest.importorskip("rerun", reason="rerun-sdk is not installed (extra [viz])")


def test_recording_holds_everything_on_one_timeline(tmp_path):
    from ser_ros.replay.rerun_recording import write_rerun

    with Bag(write_rosbag2(tmp_path / "bag")) as bag:
        trajectory = read_trajectory(bag)
    files = RunFiles(tmp_path)
    files.thumbnails.mkdir()
    save_thumbnail(np.zeros((48, 64, 3), np.uint8), files.thumbnail(0))
    said = "a red chair next to a table"
    record = FrameRecord(0, START, "/camera", "camera", trajectory.at(START), said, said)
    write_rerun(tmp_path / "run.rrd", [record], derive([record], files), files, trajectory)

    program = Path(sys.executable).with_name("rerun")
    listed = subprocess.run(
        [program, "rrd", "print", "-vv", tmp_path / "run.rrd"], capture_output=True, text=True, timeout=120
    )
    assert listed.returncode == 0
    for entity in ("/camera", "/caption", "/scene_graph", "/relations", "/map/path", "/map/robot"):
        assert entity in listed.stdout
    assert "stamp" in listed.stdout
