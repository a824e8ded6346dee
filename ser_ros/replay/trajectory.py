"""Where the robot stood at a time: poses from the odometry, pose or tf topics of a bag."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from ser_ros.errors import UserError
from ser_ros.graph.pose import Pose, compose, interpolate, pose_from
from ser_ros.replay.bag import Bag

POSE_TYPES = (
    "nav_msgs/msg/Odometry",
    "geometry_msgs/msg/PoseStamped",
    "geometry_msgs/msg/PoseWithCovarianceStamped",
)
TF_TYPE = "tf2_msgs/msg/TFMessage"
BASE_FRAMES = ("base_footprint", "base_link")
MAX_GAP = 1_000_000_000  # ns; over a longer hole between two samples the pose is unknown
MAX_BEYOND = 100_000_000  # ns; how far before the first or after the last sample a pose still holds

Refused = dict[str, list[str]]  # topic: why each pose that is none was left out


@dataclass
class _Track:
    """One moving transform; stamps ascend."""

    stamps: list[int] = field(default_factory=list)
    poses: list[Pose] = field(default_factory=list)

    def add(self, stamp: int, pose: Pose) -> None:
        if self.stamps and stamp <= self.stamps[-1]:
            at = bisect_right(self.stamps, stamp)
            if at and self.stamps[at - 1] == stamp:
                return
            self.stamps.insert(at, stamp)
            self.poses.insert(at, pose)
        else:
            self.stamps.append(stamp)
            self.poses.append(pose)

    def at(self, stamp: int) -> Pose | None:
        if not self.stamps:
            return None
        after = bisect_left(self.stamps, stamp)
        if after == len(self.stamps):
            return self.poses[-1] if stamp - self.stamps[-1] <= MAX_BEYOND else None
        if self.stamps[after] == stamp:
            return self.poses[after]
        if after == 0:
            return self.poses[0] if self.stamps[0] - stamp <= MAX_BEYOND else None
        start, end = self.stamps[after - 1], self.stamps[after]
        if end - start > MAX_GAP:
            return None
        return interpolate(self.poses[after - 1], self.poses[after], (stamp - start) / (end - start))


class Trajectory:
    """Robot poses over time.

    The source is the first that the bag has: an odometry topic, a pose topic, /tf from its root to
    base_footprint or base_link. `description` names it.
    """

    def __init__(self, description: str = ""):
        self.description = description
        self._links: list[_Track] = []  # from the root frame down to the robot

    @property
    def frame_id(self) -> str:
        """The frame of the poses, "" without any."""
        return self._links[0].poses[0].frame_id if self._links and self._links[0].poses else ""

    def at(self, stamp: int) -> Pose | None:
        """Pose at `stamp` (ns), interpolated; None outside the recording or in a hole over 1 s."""
        pose: Pose | None = None
        for link in self._links:
            step = link.at(stamp)
            if step is None:
                return None
            pose = step if pose is None else compose(pose, step)
        return pose

    def path(self) -> np.ndarray:
        """[N, 2] float64 metres, x and y at every sample of the fastest link."""
        if not self._links:
            return np.zeros((0, 2))
        stamps = max((link.stamps for link in self._links), key=len)
        poses = (self.at(stamp) for stamp in stamps)
        return np.array([(p.x, p.y) for p in poses if p is not None]).reshape(-1, 2)


def read_trajectory(bag: Bag) -> Trajectory:
    """Read the poses of `bag` in one pass over its pose topics; those that are none become its warnings."""
    for kind in POSE_TYPES:
        topics = sorted(name for name, topic in bag.topics.items() if topic.type == kind)
        if topics:
            return _from_poses(bag, topics[0])
    topics = [name for name, topic in bag.topics.items() if topic.type == TF_TYPE]
    return _from_tf(bag, topics) if topics else Trajectory()


def _from_poses(bag: Bag, topic: str) -> Trajectory:
    trajectory, track, refused = Trajectory(topic), _Track(), Refused()
    for item in bag.messages([topic]):
        if item.message is not None:
            message = item.message
            pose = message.pose
            pose = getattr(pose, "pose", pose)  # Odometry and WithCovariance hold it one level deeper
            taken = _pose(topic, message.header.frame_id, pose.position, pose.orientation, refused)
            if taken is not None:
                track.add(nanoseconds(message.header.stamp), taken)
    trajectory._links = [track]
    _warn(bag, refused)
    return trajectory


def _from_tf(bag: Bag, topics: list[str]) -> Trajectory:
    tracks: dict[str, _Track] = {}
    parents: dict[str, str] = {}
    static: set[str] = set()
    refused = Refused()
    for topic, stamp, parent, child, pose in _transforms(bag, topics, refused):
        parents[child] = parent
        if topic.endswith("tf_static"):
            static.add(child)
        tracks.setdefault(child, _Track()).add(stamp, pose)
    _warn(bag, refused)
    for child in static:
        tracks[child] = _Static(tracks[child].poses[-1])
    base = next((f for f in BASE_FRAMES if f in parents), None)
    if base is None:
        return Trajectory()
    chain: list[str] = []
    frame = base
    while frame in parents and frame not in chain:
        chain.append(frame)
        frame = parents[frame]
    trajectory = Trajectory(f"/tf from {frame} to {base}")
    trajectory._links = [tracks[child] for child in reversed(chain)]
    return trajectory


class _Static(_Track):
    """A transform that holds at any time."""

    def __init__(self, pose: Pose):
        super().__init__([0], [pose])

    def at(self, stamp: int) -> Pose:
        return self.poses[0]


def _transforms(bag: Bag, topics: list[str], refused: Refused) -> Iterator[tuple[str, int, str, str, Pose]]:
    for item in bag.messages(topics):
        for transform in item.message.transforms if item.message is not None else ():
            header, moved = transform.header, transform.transform
            pose = _pose(item.topic, header.frame_id, moved.translation, moved.rotation, refused)
            if pose is not None:
                child = transform.child_frame_id.lstrip("/")
                yield item.topic, nanoseconds(header.stamp), pose.frame_id, child, pose


def _pose(topic: str, frame_id: str, position: Any, orientation: Any, refused: Refused) -> Pose | None:
    try:
        return pose_from(frame_id, position, orientation)
    except UserError as error:
        refused.setdefault(topic, []).append(str(error))
        return None


def _warn(bag: Bag, refused: Refused) -> None:
    for topic, reasons in refused.items():
        bag.warnings.append(f"{topic}: {len(reasons)} poses are left out; of the first, {reasons[0]}")


def nanoseconds(stamp) -> int:
    """builtin_interfaces/Time (ROS 2: nanosec; ROS 1: nsec) as integer nanoseconds."""
    return int(stamp.sec) * 10**9 + int(stamp.nanosec)
