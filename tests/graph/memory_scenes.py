"""Observations for the tests of the memory: captions read by the real parser, seen from simple poses."""

from __future__ import annotations

import math

from ser_ros.graph.memory import Observation, Pose
from ser_ros.graph.parser import parse

START = 1_790_000_000_000_000_000  # 2026-09-21 14:13:20 UTC
SECOND = 1_000_000_000


def pose(x: float = 0.0, y: float = 0.0, degrees: float = 0.0, frame: str = "map") -> Pose:
    half = math.radians(degrees) / 2.0
    return Pose(frame, x, y, 0.0, 0.0, 0.0, math.sin(half), math.cos(half))


def seen(
    caption: str, second: float = 0.0, at: Pose | None = None, camera: str = "front", confidence: float = 1.0
) -> Observation:
    """The caption seen `second` seconds after the start, from the origin unless told otherwise."""
    stamp = START + round(second * SECOND)
    return Observation(stamp, camera, parse(caption), pose() if at is None else at, confidence)


def blind(caption: str, second: float = 0.0) -> Observation:
    """The same when nobody knows where the robot stands."""
    return Observation(START + round(second * SECOND), "front", parse(caption))
