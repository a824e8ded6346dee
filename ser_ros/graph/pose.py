"""Where the robot stood: a pose in a fixed frame, composed and interpolated."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np

from ser_ros.errors import UserError


@dataclass(frozen=True)
class Pose:
    """Position in metres and orientation as a unit quaternion, in the frame `frame_id`."""

    frame_id: str
    x: float
    y: float
    z: float = 0.0
    qx: float = 0.0
    qy: float = 0.0
    qz: float = 0.0
    qw: float = 1.0

    @property
    def yaw(self) -> float:
        """Heading about z in radians, counter-clockwise from x."""
        return float(
            np.arctan2(2 * (self.qw * self.qz + self.qx * self.qy), 1 - 2 * (self.qy**2 + self.qz**2))
        )

    def is_finite(self) -> bool:
        """False for the NaN and infinity that a lost localisation publishes."""
        return all(map(math.isfinite, (self.x, self.y, self.z, self.qx, self.qy, self.qz, self.qw)))


def pose_from(frame_id: str, position: Any, orientation: Any) -> Pose:
    """The pose that a message gives: a geometry_msgs position (or translation) and orientation (or rotation).

    Raises:
        UserError: a lost localisation's NaN, a quaternion of length 0 that nobody filled in, or no frame.
    """
    place = [float(getattr(position, axis)) for axis in "xyz"]
    turn = [float(getattr(orientation, axis)) for axis in "xyzw"]
    length = math.hypot(*turn)
    if not all(map(math.isfinite, (*place, length))):
        raise UserError("its numbers are not finite")
    if length < 1e-6:
        raise UserError("its orientation is a quaternion of length 0, which is no direction")
    if not frame_id.strip("/"):
        raise UserError("its header names no frame (frame_id is empty)")
    return Pose(frame_id.lstrip("/"), *place, *(part / length for part in turn))


def compose(outer: Pose, inner: Pose) -> Pose:
    """`inner`, given in the frame that `outer` places, expressed in the frame of `outer`."""
    ax, ay, az, aw = outer.qx, outer.qy, outer.qz, outer.qw
    bx, by, bz, bw = inner.qx, inner.qy, inner.qz, inner.qw
    axis, position = np.array([ax, ay, az]), np.array([inner.x, inner.y, inner.z])
    turned = position + 2 * np.cross(axis, np.cross(axis, position) + aw * position)
    return Pose(
        outer.frame_id,
        float(outer.x + turned[0]),
        float(outer.y + turned[1]),
        float(outer.z + turned[2]),
        aw * bx + ax * bw + ay * bz - az * by,
        aw * by - ax * bz + ay * bw + az * bx,
        aw * bz + ax * by - ay * bx + az * bw,
        aw * bw - ax * bx - ay * by - az * bz,
    )


def interpolate(start: Pose, end: Pose, fraction: float) -> Pose:
    """Pose between two of the same frame: linear in position, spherical in orientation.

    Args:
        fraction: 0 is `start`, 1 is `end`.
    """
    a = np.array([start.qx, start.qy, start.qz, start.qw])
    b = np.array([end.qx, end.qy, end.qz, end.qw])
    cosine = float(a @ b)
    if cosine < 0:  # q and -q are one rotation; take the short way
        b, cosine = -b, -cosine
    if cosine > 0.9995:  # slerp divides by a vanishing sine here
        q = a + fraction * (b - a)
    else:
        angle = np.arccos(cosine)
        q = (np.sin((1 - fraction) * angle) * a + np.sin(fraction * angle) * b) / np.sin(angle)
    q /= np.linalg.norm(q)
    x, y, z = (
        p + fraction * (r - p)
        for p, r in zip((start.x, start.y, start.z), (end.x, end.y, end.z), strict=True)
    )
    return Pose(start.frame_id, x, y, z, *(float(v) for v in q))
