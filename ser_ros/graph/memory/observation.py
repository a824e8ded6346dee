"""What comes into the memory: one caption's scene, when and from where it was seen."""

from __future__ import annotations

from dataclasses import dataclass

from ser_ros.graph.pose import Pose
from ser_ros.graph.triples import SceneTriples


@dataclass(frozen=True)
class Observation:
    """One image as its caption tells it.

    Attributes:
        stamp_ns: stamp of the image, nanoseconds since the epoch of the robot's clock.
        camera: name of the camera.
        triples: what the caption says.
        pose: where the ROBOT stood at `stamp_ns`; None where nobody knew.
        confidence: of the whole caption, in [0, 1].
    """

    stamp_ns: int
    camera: str
    triples: SceneTriples
    pose: Pose | None = None
    confidence: float = 1.0
