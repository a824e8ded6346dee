"""Scenes that wait for the pose at their stamp: never long, and none is lost for want of one."""

from __future__ import annotations

from collections import deque
from dataclasses import replace

from ser_ros.graph.memory import Observation
from ser_ros.graph.pose import Pose
from ser_ros.node.poses import PoseSource

# More wait only while the disk takes no writes; then the oldest are dropped.
MOST_WAITING = 1000


class SceneQueue:
    """Observations without a pose, in order of arrival.

    Attributes:
        posed, unposed: how many left with a pose and without one.
        dropped: how many fell out because too many waited.
    """

    def __init__(self) -> None:
        self._waiting: deque[tuple[Observation, float]] = deque()
        self._ready: list[Observation] = []
        self.posed = self.unposed = self.dropped = 0

    def __len__(self) -> int:
        return len(self._waiting) + len(self._ready)

    def add(self, observation: Observation, now: float) -> None:
        """Let an observation wait; `now` is in seconds of a steady clock."""
        self._waiting.append((observation, now))
        if len(self._waiting) > MOST_WAITING:
            self._waiting.popleft()
            self.dropped += 1

    def take(self, source: PoseSource, now: float, timeout: float) -> list[Observation]:
        """Those whose pose is known, and those that waited `timeout` seconds, with the best there is."""
        still: deque[tuple[Observation, float]] = deque()
        for observation, since in self._waiting:
            found = source.at(observation.stamp_ns)
            if not isinstance(found, Pose) and now - since < timeout:
                still.append((observation, since))
                continue
            pose = found if isinstance(found, Pose) else source.at_last(observation.stamp_ns)
            self.posed, self.unposed = self.posed + (pose is not None), self.unposed + (pose is None)
            self._ready.append(replace(observation, pose=pose))
        self._waiting = still
        ready, self._ready = self._ready, []
        return ready

    def put_back(self, observations: list[Observation]) -> None:
        """Keep what could not be written for the next `take`."""
        self.dropped += max(0, len(observations) - MOST_WAITING)
        self._ready = observations[-MOST_WAITING:] + self._ready

    def counts(self) -> dict[str, int]:
        """What the diagnostics say of the scenes so far."""
        return {
            "scenes with a pose": self.posed,
            "scenes without a pose": self.unposed,
            "scenes waiting": len(self),
            "scenes dropped": self.dropped,
        }

    def clear(self) -> None:
        """Drop all that wait."""
        self._waiting.clear()
        self._ready.clear()
