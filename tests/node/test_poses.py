"""Which source of poses is used."""

from __future__ import annotations

from ser_ros.graph.pose import Pose
from ser_ros.node.pose_buffer import PoseBuffer, Unknown
from ser_ros.node.poses import FirstPoses


class Recorded:
    """Poses that are given beforehand."""

    trouble = ""

    def __init__(self, frame: str, *stamps: int):
        self._buffer, self.description, self.closed = PoseBuffer(), frame, False
        for stamp in stamps:
            self._buffer.add(stamp, Pose(frame, float(stamp), 0.0))

    def at(self, stamp: int) -> Pose | Unknown:
        return self._buffer.at(stamp)

    def at_last(self, stamp: int) -> Pose | None:
        return self._buffer.newest_within(stamp, 5)

    def clear(self) -> None:
        self._buffer.clear()

    def close(self) -> None:
        self.closed = True


def test_tf_is_preferred_while_a_scene_can_wait() -> None:
    tf, odometry = Recorded("map"), Recorded("odom", 10, 20)
    poses = FirstPoses(tf, odometry)
    assert poses.description == "map, or else odom"
    assert poses.at(15) is Unknown.NOT_YET  # odometry knows, but tf may still come
    tf._buffer.add(10, Pose("map", 0.0, 0.0))
    tf._buffer.add(20, Pose("map", 1.0, 0.0))
    assert poses.at(15) == Pose("map", 0.5, 0.0)
    assert (poses.description, odometry.closed) == ("map", True)


def test_odometry_is_used_where_tf_never_knows_and_then_at_once() -> None:
    tf, odometry = Recorded("map"), Recorded("odom", 10, 20)
    poses = FirstPoses(tf, odometry)
    assert poses.at_last(15) == Pose("odom", 15.0, 0.0)
    assert poses.at(12) == Pose("odom", 12.0, 0.0)
    assert (poses.description, tf.closed) == ("odom", True)
    assert poses.at_last(23) == Pose("odom", 20.0, 0.0)


def test_nobody_knows() -> None:
    poses = FirstPoses(Recorded("map"), Recorded("odom"))
    assert poses.at_last(1) is None
    poses.close()
