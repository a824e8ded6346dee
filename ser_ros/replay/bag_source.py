"""Frames of one image topic of a bag."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.replay.bag import Bag
from ser_ros.replay.source import Frame
from ser_ros.replay.trajectory import nanoseconds
from ser_ros.runtime.image_messages import compressed_to_rgb, image_to_rgb

IMAGE_TYPE = "sensor_msgs/msg/Image"
COMPRESSED_TYPE = "sensor_msgs/msg/CompressedImage"


class BagSource:
    """The image topic `topic` of a bag, or its only one."""

    def __init__(self, path: Path, topic: str | None = None):
        self.bag = Bag(path)
        self.warnings = self.bag.warnings
        self.camera = choose_topic(self.bag, topic)
        self.count = self.bag.topics[self.camera].count
        self._compressed = self.bag.topics[self.camera].type == COMPRESSED_TYPE

    def frames(self) -> Iterator[Frame]:
        """One frame a message; a message that holds no colour image carries its error."""
        convert = compressed_to_rgb if self._compressed else image_to_rgb
        for index, item in enumerate(self.bag.messages([self.camera])):
            if item.message is None:
                yield Frame(index, item.log_time, self.camera, "", None, item.error)
                continue
            header = item.message.header
            # An unstamped image is placed by the time it was recorded.
            stamp = nanoseconds(header.stamp) or item.log_time
            image, error = None, ""
            try:
                image = convert(item.message)
            except ValueError as problem:
                error = str(problem)
            yield Frame(index, stamp, self.camera, header.frame_id, image, error)


def choose_topic(bag: Bag, wanted: str | None) -> str:
    """The image topic to replay.

    Raises:
        UserError: none, several without a choice, or `wanted` is not an image topic of the bag.
    """
    images = {name: t for name, t in sorted(bag.topics.items()) if t.type in (IMAGE_TYPE, COMPRESSED_TYPE)}
    listed = ", ".join(f"{name} ({topic.type}, {topic.count} messages)" for name, topic in images.items())
    if not images:
        raise UserError(
            f"{bag.path}: has no image topic; it holds {', '.join(sorted(bag.topics)) or 'no topics'}"
        )
    if wanted is not None:
        if wanted not in images:
            raise UserError(f"--topic {wanted}: not an image topic of {bag.path}; choose from {listed}")
        return wanted
    if len(images) > 1:
        raise UserError(f"{bag.path}: has several image topics, choose one with --topic: {listed}")
    return next(iter(images))
