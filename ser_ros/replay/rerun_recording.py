"""A replay as a Rerun recording, a file that the Rerun viewer opens (extra `[viz]`)."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from ser_ros.replay.map_drawing import sightings
from ser_ros.replay.outputs import Derived
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.rerun_drawing import (
    APPLICATION,
    blueprint,
    import_rerun,
    log_caption,
    log_image,
    log_places,
    log_robot,
    log_scene,
    log_way,
    set_stamp,
)
from ser_ros.replay.run import RunFiles
from ser_ros.replay.trajectory import Trajectory


def write_rerun(
    path: Path, records: Sequence[FrameRecord], derived: Derived, files: RunFiles, trajectory: Trajectory
) -> None:
    """Write an .rrd file; open it with `rerun FILE`.

    Raises:
        UserError: rerun-sdk is not installed.
    """
    recording = import_rerun().RecordingStream(APPLICATION)
    cameras = list(dict.fromkeys(record.camera for record in records))
    recording.save(str(path), default_blueprint=blueprint(cameras))
    log_replay(recording, records, derived, files, trajectory)
    recording.flush()
    recording.disconnect()


def log_replay(
    recording: Any,
    records: Sequence[FrameRecord],
    derived: Derived,
    files: RunFiles,
    trajectory: Trajectory,
) -> None:
    """Log a replay to a connected `rerun.RecordingStream`."""
    log_way(recording, trajectory.path(), static=True)
    log_places(recording, sightings(derived.world), static=True)
    for record, triples in zip(records, derived.triples, strict=True):
        set_stamp(recording, record.stamp)
        thumbnail = files.thumbnail(record.index)
        if thumbnail.is_file():
            log_image(recording, record.camera, thumbnail.read_bytes())
        if record.pose is not None:
            log_robot(recording, record.pose)
        if not record.error:
            log_caption(recording, record.camera, record.initial, record.edits, record.confidence)
            log_scene(recording, record.camera, triples)
