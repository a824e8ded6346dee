"""Parameters of viewer_node; those of images and poses are the other nodes', with the same names."""

from __future__ import annotations

import dataclasses
from typing import Any

from ser_ros.node.caption_parameters import CaptionParameters
from ser_ros.node.memory_parameters import MemoryNodeParameters
from ser_ros.node.parameters import NodeParameters, parameter, rules

_STARTED = "the viewer is started with it when the node is configured"


def _same_as(kind: type, name: str) -> Any:
    default, rule = rules(kind)[name]
    return dataclasses.field(default=default, metadata={"rule": rule})


@dataclasses.dataclass(frozen=True)
class ViewerParameters(NodeParameters):
    """See the descriptions of the fields."""

    # the viewer
    window: str = parameter(
        "auto",
        "open a window, or serve a page to a browser; auto opens one where there is a screen",
        choices=("auto", "always", "never"),
        fixed=_STARTED,
    )
    port: int = parameter(
        9876, "port of this machine on which the viewer takes data", bounds=(1024, 65535), fixed=_STARTED
    )
    web_port: int = parameter(
        9090, "port of this machine on which it serves the page", bounds=(1024, 65535), fixed=_STARTED
    )
    memory_mb: int = parameter(
        500,
        "most data that the viewer keeps; the oldest are dropped",
        unit="MB",
        bounds=(50, 100_000),
        fixed=_STARTED,
    )
    max_rate_hz: float = parameter(
        5.0, "most images of each camera that are shown in a second", unit="Hz", bounds=(0.1, 60.0)
    )

    # the images, as caption_node gets them
    cameras: tuple[str, ...] = _same_as(CaptionParameters, "cameras")
    compressed: bool = _same_as(CaptionParameters, "compressed")
    image_reliability: str = _same_as(CaptionParameters, "image_reliability")
    rotation: int = _same_as(CaptionParameters, "rotation")
    camera_timeout: float = _same_as(CaptionParameters, "camera_timeout")

    # the robot's pose, as memory_node gets it
    pose_source: str = _same_as(MemoryNodeParameters, "pose_source")
    map_frame: str = parameter("map", "frame of the map, for tf", fixed=_STARTED)
    base_frame: str = _same_as(MemoryNodeParameters, "base_frame")
    odometry_topic: str = _same_as(MemoryNodeParameters, "odometry_topic")
    pose_topic: str = _same_as(MemoryNodeParameters, "pose_topic")
