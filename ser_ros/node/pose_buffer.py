"""Poses of the last seconds, and the one at the stamp of an image."""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from enum import Enum

from ser_ros.graph.pose import Pose, interpolate
from ser_ros.node.stamps import SECOND


class Unknown(Enum):
    """Why there is no pose at a stamp."""

    NOT_YET = "the stamp is newer than the newest pose"
    NEVER = "no pose was received for that time"


class PoseBuffer:
    """The newest poses in order of their stamps.

    Args:
        length: nanoseconds of poses that are kept.
        gap: over a longer hole between two poses nothing is known, nanoseconds.
    """

    def __init__(self, length: int = 30 * SECOND, gap: int = SECOND):
        self._length, self._gap = length, gap
        self._stamps: deque[int] = deque()
        self._poses: deque[Pose] = deque()

    def add(self, stamp: int, pose: Pose) -> None:
        """Take in a pose; a stamp more than a second back is a clock that jumped and starts anew."""
        if self._stamps and stamp <= self._stamps[-1]:
            if self._stamps[-1] - stamp < SECOND:
                return
            self.clear()
        if self._poses and self._poses[-1].frame_id != pose.frame_id:
            self.clear()
        self._stamps.append(stamp)
        self._poses.append(pose)
        while stamp - self._stamps[0] > self._length:
            self._stamps.popleft()
            self._poses.popleft()

    def clear(self) -> None:
        """Forget all poses."""
        self._stamps.clear()
        self._poses.clear()

    def at(self, stamp: int) -> Pose | Unknown:
        """The pose at a stamp, interpolated between its neighbours."""
        if not self._stamps or stamp > self._stamps[-1]:
            return Unknown.NOT_YET
        after = bisect_left(self._stamps, stamp)
        if self._stamps[after] == stamp:
            return self._poses[after]
        if after == 0:
            return Unknown.NEVER
        start, end = self._stamps[after - 1], self._stamps[after]
        if end - start > self._gap:
            return Unknown.NEVER
        return interpolate(self._poses[after - 1], self._poses[after], (stamp - start) / (end - start))

    def newest_within(self, stamp: int, tolerance: int) -> Pose | None:
        """The newest pose where it is at most `tolerance` nanoseconds older than the stamp."""
        if self._stamps and 0 <= stamp - self._stamps[-1] <= tolerance:
            return self._poses[-1]
        return None
