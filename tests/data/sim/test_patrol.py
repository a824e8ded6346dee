from __future__ import annotations

import io
import json

import numpy as np
import pytest
from PIL import Image
from rosbags.rosbag2 import Reader
from rosbags.typesys import Stores, get_typestore

from ser_ros.cli import main
from ser_ros.data.sim import house
from ser_ros.data.sim.patrol_bag import CAMERA_FORWARD, CAMERA_HEIGHT


def test_a_patrol_is_a_bag_that_opens_with_the_truth_of_every_picture(scene, tmp_path, capsys):
    out = tmp_path / "patrol"
    command = ["sim", "patrol", str(out), "--seconds", "5", "--rate", "1", "--size", "96", "--json"]
    assert main(command) == 0
    assert json.loads(capsys.readouterr().out)["pictures"] == 5
    truth = json.loads((out / "ground_truth.json").read_text())
    store = get_typestore(Stores.ROS2_JAZZY)
    stamps, poses, static = [], {}, []
    with Reader(out / "bag") as reader:
        for link, _, raw in reader.messages():
            message = store.deserialize_cdr(raw, link.msgtype)
            if link.topic == "/camera/image_raw/compressed":
                stamp = message.header.stamp
                stamps.append(stamp.sec * 10**9 + stamp.nanosec)
                assert Image.open(io.BytesIO(message.data.tobytes())).size == (96, 96)
            elif link.topic == "/tf":
                move = message.transforms[0]
                stamp = move.header.stamp
                poses[stamp.sec * 10**9 + stamp.nanosec] = move.transform.translation
            elif link.topic == "/tf_static":
                static = message.transforms
    assert stamps == [f["stamp"] for f in truth["frames"]]
    for frame in truth["frames"]:
        at = poses[frame["stamp"]]
        assert (at.x, at.y) == pytest.approx((frame["pose"]["x"], frame["pose"]["y"]), abs=0.02)
    camera = next(t for t in static if t.child_frame_id == "camera_link").transform.translation
    assert (camera.x, camera.z) == (CAMERA_FORWARD, CAMERA_HEIGHT)
    assert main(command) == 2
    assert "exists already" in capsys.readouterr().err


def test_the_way_is_a_closed_loop_through_every_room_and_hits_nothing():
    rooms = house.home(np.random.default_rng([0, 7]))
    poses = house.path(60, 20)
    assert len(poses) == 1200
    visited = {house.room_at(rooms, p.x, p.y).type.name for p in poses}
    assert visited == {"hallway", "living room", "kitchen", "office", "bedroom"}
    assert np.hypot(poses[0].x - poses[-1].x, poses[0].y - poses[-1].y) < 0.2
    solid = [
        t.rect()
        for r in rooms
        for t in r.things
        if t.relation == "on floor" and t.kind.noun not in ("rug", "door")
    ]
    for pose in poses:
        assert not any(
            x0 - 0.1 < pose.x < x1 + 0.1 and y0 - 0.1 < pose.y < y1 + 0.1 for x0, y0, x1, y1 in solid
        )


def test_hosts_of_a_home_count_over_all_rooms():
    rooms = house.home(np.random.default_rng([0, 7]))
    things = [t for r in rooms for t in r.things]
    for thing in things:
        if thing.host is not None:
            assert things[thing.host].room == thing.room


@pytest.mark.parametrize("seconds", ["4", "nan", "inf"])
def test_a_length_that_is_none_is_named(seconds, tmp_path, capsys):
    assert main(["sim", "patrol", str(tmp_path / "out"), "--seconds", seconds]) == 2
    assert "--seconds must be at least 5" in capsys.readouterr().err
