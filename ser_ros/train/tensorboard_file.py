"""TensorBoard's event file, written when it is told to.

torch's SummaryWriter writes in a thread of its own, which prints a trace when the disk is full.
"""

from __future__ import annotations

import io
import os
import socket
import time
from collections.abc import Mapping
from pathlib import Path

from tensorboard.compat.proto.event_pb2 import Event, SessionLog
from tensorboard.compat.proto.summary_pb2 import Summary
from tensorboard.summary.writer.record_writer import RecordWriter


class TensorBoardFile:
    """The scalars of one call of a training; earlier calls have files of their own in the folder."""

    def __init__(self, folder: Path, first_step: int) -> None:
        """`first_step` and what follows it is hidden in the files of earlier calls, which were killed.

        Raises:
            OSError: the folder cannot be written.
        """
        folder.mkdir(parents=True, exist_ok=True)
        now = time.time()
        self.path = folder / f"events.out.tfevents.{now:.0f}.{socket.gethostname()}.{os.getpid()}"
        self._write(
            Event(wall_time=now, file_version="brain.Event:2"),
            Event(wall_time=now, step=first_step, session_log=SessionLog(status=SessionLog.START)),
        )

    def add(self, values: Mapping[str, object], step: int) -> None:
        """Append the numbers among the values.

        Raises:
            OSError: the file cannot be written.
        """
        numbers = {tag: value for tag, value in values.items() if isinstance(value, int | float)}
        scalars = [Summary.Value(tag=tag, simple_value=value) for tag, value in numbers.items()]
        self._write(Event(wall_time=time.time(), step=step, summary=Summary(value=scalars)))

    def _write(self, *events: Event) -> None:
        records = io.BytesIO()
        for event in events:
            RecordWriter(records).write(event.SerializeToString())
        with self.path.open("ab") as file:
            file.write(records.getvalue())
