"""A video file as a recording (PyAV, extra `[video]`)."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np

from ser_ros.errors import UserError
from ser_ros.replay.source import Frame


class VideoSource:
    """Frames of the first video stream, stamped by its own clock."""

    def __init__(self, path: Path):
        try:
            import av
        except ImportError as error:
            raise UserError(
                f"{path}: reading videos needs PyAV; run: pip install 'ser-ros[video]'"
            ) from error
        self._av = av
        self.path = path
        self.camera = path.name
        self.warnings: list[str] = []
        try:
            with av.open(str(path)) as container:
                if not container.streams.video:
                    raise UserError(f"{path}: holds no video stream")
                self.count = container.streams.video[0].frames
        except av.FFmpegError as error:
            raise UserError(f"{path}: cannot be read as a video ({error.strerror})") from error

    def frames(self) -> Iterator[Frame]:
        """Decoded frames; a damaged tail ends the video with a warning."""
        index = 0
        with self._av.open(str(self.path)) as container:
            try:
                for picture in container.decode(video=0):
                    stamp = int((picture.time or 0.0) * 1e9)
                    # A phone films sideways and notes by how much a player must turn the picture.
                    image = np.rot90(picture.to_ndarray(format="rgb24"), round(picture.rotation / 90))
                    yield Frame(index, stamp, self.camera, "", np.ascontiguousarray(image))
                    index += 1
            except self._av.FFmpegError as error:
                self.warnings.append(f"{self.path}: decoding stopped after frame {index} ({error.strerror})")
