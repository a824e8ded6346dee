"""The pose at a stamp: interpolated, or honestly unknown."""

from __future__ import annotations

import math

import pytest

from ser_ros.graph.pose import Pose
from ser_ros.node.pose_buffer import PoseBuffer, Unknown
from ser_ros.node.stamps import SECOND


def facing(x: float, degrees: float = 0.0, frame: str = "odom") -> Pose:
    half = math.radians(degrees) / 2.0
    return Pose(frame, x, 0.0, 0.0, 0.0, 0.0, math.sin(half), math.cos(half))


def test_between_two_poses_it_is_interpolated() -> None:
    buffer = PoseBuffer()
    buffer.add(10 * SECOND, facing(0.0, 0.0))
    buffer.add(11 * SECOND, facing(2.0, 90.0))
    found = buffer.at(10 * SECOND + SECOND // 2)
    assert isinstance(found, Pose)
    assert found.x == pytest.approx(1.0)
    assert found.yaw == pytest.approx(math.pi / 4.0)
    assert buffer.at(11 * SECOND) == facing(2.0, 90.0)


def test_what_is_not_known_is_said() -> None:
    buffer = PoseBuffer()
    assert buffer.at(SECOND) is Unknown.NOT_YET
    buffer.add(10 * SECOND, facing(0.0))
    assert buffer.at(9 * SECOND) is Unknown.NEVER
    assert buffer.at(11 * SECOND) is Unknown.NOT_YET
    buffer.add(20 * SECOND, facing(1.0))
    assert buffer.at(15 * SECOND) is Unknown.NEVER  # a hole of ten seconds
    assert buffer.newest_within(20 * SECOND + 5, 10) == facing(1.0)
    assert buffer.newest_within(21 * SECOND, 10) is None


def test_it_stays_small_and_survives_a_clock_that_jumps_back() -> None:
    buffer = PoseBuffer(length=5 * SECOND)
    for i in range(1000):
        buffer.add(i * SECOND // 10, facing(float(i)))
    assert buffer.at(90 * SECOND) is Unknown.NEVER
    assert isinstance(buffer.at(96 * SECOND), Pose)
    buffer.add(SECOND, facing(7.0))
    assert buffer.at(SECOND) == facing(7.0)
    assert buffer.at(96 * SECOND) is Unknown.NOT_YET


def test_poses_of_two_frames_are_not_mixed() -> None:
    buffer = PoseBuffer()
    buffer.add(SECOND, facing(0.0))
    buffer.add(SECOND + SECOND // 2, facing(0.0, frame="map"))
    assert buffer.at(SECOND + SECOND // 4) is Unknown.NEVER
