"""Replay a recording through a captioner into a folder that can be resumed at any frame."""

from __future__ import annotations

import errno
import json
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from ser_ros import __version__
from ser_ros.errors import UNWRITABLE_DISK, UserError, cannot_write, no_room
from ser_ros.graph.memory.connection import disk_is_full
from ser_ros.lock import locked
from ser_ros.model.replace_files import replace_text
from ser_ros.replay.record import FrameRecord, read_records
from ser_ros.replay.source import Frame, Source, select
from ser_ros.replay.thumbnails import save_thumbnail
from ser_ros.replay.trajectory import Trajectory
from ser_ros.runtime.captioner import Captioner, CaptionOptions

FULL_OR_READ_ONLY = (*UNWRITABLE_DISK, errno.EACCES)
KEPT = "what was captioned is kept, run the same command again to go on"
LEAST_FREE = 100_000  # bytes; with less even an empty memory cannot be opened


@dataclass(frozen=True)
class ReplaySettings:
    """What decides the captions; two runs with equal settings give equal captions.

    Attributes:
        source: the recording.
        camera: its image topic, or folder or file name.
        model: checkpoint folder.
        source_bytes, model_digest: their contents (`fingerprint`), so that another recording or model at the
            same path is not taken for the old one.
        every: caption every n-th frame, from 1.
        rate: caption at most this many frames a second of recorded time instead; None uses `every`.
        options: how to caption.
    """

    source: str
    camera: str
    model: str
    source_bytes: int = 0
    model_digest: str = ""
    every: int = 1
    rate: float | None = None
    options: CaptionOptions = field(default_factory=CaptionOptions)


@dataclass
class RunFiles:
    """The files of a replay's output folder."""

    folder: Path

    @property
    def settings(self) -> Path:
        """Settings of the run, JSON."""
        return self.folder / "run.json"

    @property
    def captions(self) -> Path:
        """One `FrameRecord` a line."""
        return self.folder / "captions.jsonl"

    @property
    def timings(self) -> Path:
        """Seconds per stage, one JSON object a captioned frame: {"index": …, "total": …, "tower": …}."""
        return self.folder / "timings.jsonl"

    @property
    def thumbnails(self) -> Path:
        """Small pictures of the frames, NNNNNNNN.jpg by frame index."""
        return self.folder / "thumbnails"

    def thumbnail(self, index: int) -> Path:
        """The small picture of one frame."""
        return self.thumbnails / f"{index:08d}.jpg"


def caption_frames(
    source: Source,
    trajectory: Trajectory,
    captioner: Captioner,
    settings: ReplaySettings,
    files: RunFiles,
    on_frame: Callable[[int], object] = lambda position: None,
) -> list[FrameRecord]:
    """Caption the selected frames of `source`, going on after the last line of an earlier run.

    `on_frame` is called with the number of frames of the recording that are dealt with so far.

    Raises:
        UserError: the folder holds a run with other settings, another process writes to it, or the disk is
            full; what was written stays.
    """
    with disk_errors(files.folder), _alone(files):
        records = _begin(settings, files)
        done = {record.index for record in records}
        on_frame(records[-1].index + 1 if records else 0)
        with (
            files.captions.open("a", encoding="utf-8") as lines,
            files.timings.open("a", encoding="utf-8") as times,
        ):
            for frame in select(source.frames(), settings.every, settings.rate):
                if frame.index in done:
                    continue
                record, timings = _caption(frame, trajectory, captioner, settings.options)
                if frame.image is not None:
                    save_thumbnail(frame.image, files.thumbnail(frame.index))
                if timings:
                    times.write(json.dumps({"index": frame.index, **timings}) + "\n")
                    times.flush()
                lines.write(record.to_json() + "\n")
                lines.flush()
                records.append(record)
                on_frame(frame.index + 1)
    return records


def _caption(
    frame: Frame, trajectory: Trajectory, captioner: Captioner, options: CaptionOptions
) -> tuple[FrameRecord, dict[str, float]]:
    record = FrameRecord(frame.index, frame.stamp, frame.camera, frame.frame_id, trajectory.at(frame.stamp))
    if frame.image is None:
        record.error = frame.error
        return record, {}
    start = time.monotonic()
    description = captioner.describe([frame.image], options)[0]
    total = time.monotonic() - start
    record.initial, record.refined = description.initial, description.refined
    record.edits = [asdict(edit) for edit in description.edits]
    # Six digits hide the last bits, in which threads may differ from run to run.
    record.confidence = round(description.confidence, 6)
    record.initial_confidence = round(description.initial_confidence, 6)
    record.flags = list(description.flags)
    return record, {"total": total, **description.timings}


@contextmanager
def _alone(files: RunFiles) -> Iterator[None]:
    """Keep a second replay out of the folder; the lock goes with the process."""
    try:
        files.thumbnails.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        if error.errno in FULL_OR_READ_ONLY:
            raise
        raise cannot_write(files.folder, error) from error
    with locked(files.folder, f"{files.folder}: another replay is writing to it; choose another --out"):
        yield


def _begin(settings: ReplaySettings, files: RunFiles) -> list[FrameRecord]:
    """Check or write run.json; return the records of an earlier run, its cut last lines removed."""
    told = {"version": __version__, **asdict(settings)}
    records = read_records(files.captions) if files.captions.is_file() else []
    if not records:  # a run that captioned nothing binds nobody
        replace_text(files.settings, json.dumps(told, indent=2) + "\n")
        return []
    before = read_settings(files)
    changed = sorted(key for key in told if before.get(key) != told[key])
    if changed:
        raise UserError(
            f"{files.folder}: holds a replay with other settings ({', '.join(changed)});"
            " choose another --out or delete the folder"
        )
    done = {record.index for record in records}
    timings = [one for one in read_timings(files) if one["index"] in done]
    replace_text(files.captions, "".join(record.to_json() + "\n" for record in records))
    replace_text(files.timings, "".join(json.dumps(one) + "\n" for one in timings))
    return records


def read_settings(files: RunFiles) -> dict[str, Any]:
    """What run.json tells.

    Raises:
        UserError: it is missing or no JSON object.
    """
    try:
        settings = json.loads(files.settings.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        settings = None
    if not isinstance(settings, dict):
        raise UserError(f"{files.settings}: cannot be read; choose another folder or delete this one")
    return settings


def read_timings(files: RunFiles) -> list[dict[str, float]]:
    """Lines of timings.jsonl; one that a kill cut short is left out."""
    lines = files.timings.read_text(encoding="utf-8").splitlines() if files.timings.is_file() else []
    return [json.loads(line) for line in lines if line.endswith("}")]


@contextmanager
def disk_errors(folder: Path) -> Iterator[None]:
    """Turn a full or read-only disk into one sentence; whatever is written by then stays."""
    try:
        yield
    except OSError as error:
        if error.errno not in FULL_OR_READ_ONLY:
            raise
        raise cannot_write(folder, error, KEPT) from error
    except UserError as error:
        # SQLite calls a full disk an I/O error, too.
        crowded = folder.is_dir() and shutil.disk_usage(folder).free < LEAST_FREE
        if not crowded and not disk_is_full(error.__cause__):
            raise
        raise no_room(folder, KEPT) from error
