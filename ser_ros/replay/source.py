"""Where frames come from: a bag, a folder of images or a video, all as one stream of `Frame`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np

from ser_ros.errors import UserError

VIDEO_SUFFIXES = {".mp4", ".mkv", ".avi", ".mov", ".webm", ".m4v"}


@dataclass
class Frame:
    """One picture of the recording.

    Attributes:
        index: position among the frames of its topic, folder or video, from 0.
        stamp: nanoseconds; from the message header, the file name or the video clock.
        camera: topic, or the name of the folder or file.
        frame_id: coordinate frame of the camera, empty outside bags.
        image: RGB [H, W, 3] uint8, None where it could not be read.
        error: why `image` is None.
    """

    index: int
    stamp: int
    camera: str
    frame_id: str
    image: np.ndarray | None
    error: str = ""


class Source(Protocol):
    """A recording that can be read from its start any number of times."""

    camera: str
    count: int  # frames expected, 0 where unknown
    warnings: list[str]

    def frames(self) -> Iterator[Frame]:
        """All frames in order."""
        ...


def open_source(path: Path, topic: str | None = None) -> Source:
    """Open `path` by what it is.

    Raises:
        UserError: it is none of bag, folder of images, video; or the bag has no or several image topics
            and `topic` does not choose one.
    """
    from ser_ros.replay.bag import storage_files
    from ser_ros.replay.bag_source import BagSource
    from ser_ros.replay.folder_source import FolderSource, image_files
    from ser_ros.replay.video_source import VideoSource

    if not path.exists():
        raise UserError(f"{path}: no such file or folder")
    is_rosbag2 = (path / "metadata.yaml").is_file() or storage_files(path)
    if path.suffix == ".bag" or is_rosbag2:
        return BagSource(path, topic)
    if topic is not None:
        raise UserError(f"--topic {topic}: {path} is no bag and has no topics")
    if path.is_dir() and image_files(path):
        return FolderSource(path)
    if path.suffix.lower() in VIDEO_SUFFIXES:
        return VideoSource(path)
    raise UserError(f"{path}: is no rosbag (.mcap, .db3, .bag), no folder of images and no video")


def select(frames: Iterator[Frame], every: int, rate: float | None) -> Iterator[Frame]:
    """Every `every`-th frame, or at most `rate` frames a second of recorded time."""
    due: int | None = None
    for frame in frames:
        if rate is None:
            if frame.index % every == 0:
                yield frame
        elif due is None or frame.stamp >= due or frame.stamp < due - int(2e9 / rate):
            # A jump back in time (a looped bag) starts a new schedule.
            period = int(1e9 / rate)
            in_step = due is not None and 0 <= frame.stamp - due < period
            due = (due if due is not None and in_step else frame.stamp) + period
            yield frame
