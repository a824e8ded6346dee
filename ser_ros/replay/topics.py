"""Topics of a recording."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Topic:
    """`type` is spelled pkg/msg/Type; `count` is the number of messages."""

    type: str
    count: int


def full_type_name(name: str) -> str:
    """`sensor_msgs/Image`, as rosbag1 and some MCAP writers spell it, becomes `sensor_msgs/msg/Image`."""
    package, _, rest = name.partition("/")
    return name if rest.startswith("msg/") else f"{package}/msg/{rest}"
