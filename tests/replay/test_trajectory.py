"""The robot's pose at an image's stamp, from odometry or from tf."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from rosbags.rosbag2 import Writer

from ser_ros.errors import UserError
from ser_ros.graph.pose import Pose, compose, interpolate, pose_from
from ser_ros.replay.bag import Bag
from ser_ros.replay.trajectory import read_trajectory
from tests.replay.bags import PERIOD, START, STORE, header, odometry, write_rosbag2


def transform(stamp: int, parent: str, child: str, x: float, yaw: float) -> Any:
    types = STORE.types
    return types["geometry_msgs/msg/TransformStamped"](
        header=header(stamp, parent),
        child_frame_id=child,
        transform=types["geometry_msgs/msg/Transform"](
            translation=types["geometry_msgs/msg/Vector3"](x=x, y=0.0, z=0.0),
            rotation=types["geometry_msgs/msg/Quaternion"](
                x=0.0, y=0.0, z=math.sin(yaw / 2), w=math.cos(yaw / 2)
            ),
        ),
    )


def write_tf_bag(path: Path) -> Path:
    """map -> odom is static and turned by 90 degrees, odom -> base_link drives 1 m/s along its x."""
    kind = "tf2_msgs/msg/TFMessage"
    with Writer(path, version=9) as writer:
        static = writer.add_connection("/tf_static", kind, typestore=STORE)
        moving = writer.add_connection("/tf", kind, typestore=STORE)
        message = STORE.types[kind](transforms=[transform(0, "map", "odom", 5.0, math.pi / 2)])
        writer.write(static, START, STORE.serialize_cdr(message, kind))
        for index in range(5):
            stamp = START + index * PERIOD
            message = STORE.types[kind](transforms=[transform(stamp, "odom", "base_link", 0.2 * index, 0.0)])
            writer.write(moving, stamp, STORE.serialize_cdr(message, kind))
    return path


def test_odometry_is_interpolated_at_the_stamp(tmp_path):
    with Bag(write_rosbag2(tmp_path / "bag")) as bag:
        trajectory = read_trajectory(bag)
    assert trajectory.description == "/odom"
    pose = trajectory.at(START + PERIOD // 2)
    assert pose is not None
    assert (pose.frame_id, pose.x) == ("map", pytest.approx(0.05))


def test_pose_is_unknown_outside_the_recording(tmp_path):
    with Bag(write_rosbag2(tmp_path / "bag")) as bag:
        trajectory = read_trajectory(bag)
    assert trajectory.at(START - 10**9) is None
    assert trajectory.at(START + 10 * PERIOD) is None


def test_tf_chain_is_composed_from_the_root_to_the_base(tmp_path):
    with Bag(write_tf_bag(tmp_path / "bag")) as bag:
        trajectory = read_trajectory(bag)
    pose = trajectory.at(START + PERIOD)
    assert trajectory.description == "/tf from map to base_link"
    assert pose is not None
    assert (pose.frame_id, pose.x, pose.y) == ("map", pytest.approx(5.0), pytest.approx(0.2))
    assert pose.yaw == pytest.approx(math.pi / 2)
    assert np.allclose(trajectory.path()[-1], (5.0, 0.8))


def test_bag_without_poses_has_an_empty_trajectory(tmp_path):
    path = write_rosbag2(tmp_path / "bag", with_odometry=False)
    with Bag(path) as bag:
        trajectory = read_trajectory(bag)
    assert trajectory.at(START) is None
    assert trajectory.path().shape == (0, 2)


def position(x: float = 0.0, y: float = 0.0, z: float = 0.0) -> Any:
    return STORE.types["geometry_msgs/msg/Point"](x=x, y=y, z=z)


def quaternion(x: float = 0.0, y: float = 0.0, z: float = 0.0, w: float = 1.0) -> Any:
    return STORE.types["geometry_msgs/msg/Quaternion"](x=x, y=y, z=z, w=w)


def test_an_orientation_is_made_a_unit_quaternion():
    assert pose_from("/map", position(x=3.0), quaternion(z=2.0, w=2.0)) == Pose(
        "map", 3.0, 0.0, qz=pytest.approx(math.sqrt(0.5)), qw=pytest.approx(math.sqrt(0.5))
    )


@pytest.mark.parametrize(
    ("frame", "where", "turn", "reason"),
    [
        ("map", position(x=math.nan), quaternion(), "not finite"),
        ("map", position(), quaternion(z=math.inf), "not finite"),
        ("map", position(), quaternion(w=0.0), "length 0"),
        ("", position(), quaternion(), "names no frame"),
    ],
)
def test_what_is_no_pose_says_why(frame, where, turn, reason):
    with pytest.raises(UserError, match=reason):
        pose_from(frame, where, turn)


def test_poses_of_a_lost_localisation_are_left_out_and_counted(tmp_path):
    kind = "nav_msgs/msg/Odometry"
    with Writer(tmp_path / "bag", version=9) as writer:
        topic = writer.add_connection("/odom", kind, typestore=STORE)
        for index in range(4):
            stamp = START + index * PERIOD
            message = odometry(stamp, math.nan if index in (1, 2) else 0.1 * index)
            writer.write(topic, stamp, STORE.serialize_cdr(message, kind))
    with Bag(tmp_path / "bag") as bag:
        trajectory = read_trajectory(bag)
        assert bag.warnings == ["/odom: 2 poses are left out; of the first, its numbers are not finite"]
    assert np.isfinite(trajectory.path()).all()
    assert trajectory.at(START + PERIOD).x == pytest.approx(0.1)  # between its neighbours


angles = st.floats(-3.1, 3.1)
lengths = st.floats(-100, 100)


def flat(x: float, y: float, yaw: float) -> Pose:
    return Pose("map", x, y, 0.0, 0.0, 0.0, math.sin(yaw / 2), math.cos(yaw / 2))


@given(lengths, lengths, angles, lengths, angles)
def test_compose_adds_turns_and_turns_positions(x, y, yaw, ahead, turn):
    pose = compose(flat(x, y, yaw), flat(ahead, 0.0, turn))
    assert pose.x == pytest.approx(x + ahead * math.cos(yaw), abs=1e-6)
    assert pose.y == pytest.approx(y + ahead * math.sin(yaw), abs=1e-6)
    assert math.cos(pose.yaw - yaw - turn) == pytest.approx(1.0, abs=1e-6)


@given(angles, angles, st.floats(0, 1))
def test_interpolation_stays_a_rotation_and_meets_its_ends(yaw, other, fraction):
    start, end = flat(0, 0, yaw), flat(1, 2, other)
    pose = interpolate(start, end, fraction)
    assert math.hypot(pose.qz, pose.qw) == pytest.approx(1.0)
    assert interpolate(start, end, 0.0).yaw == pytest.approx(yaw, abs=1e-6)
    assert math.cos(interpolate(start, end, 1.0).yaw - other) == pytest.approx(1.0)
