"""One line of captions.jsonl: what was said of one frame. Every other output is derived from these lines."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.graph.pose import Pose


@dataclass
class FrameRecord:
    """A captioned frame; timings are kept apart so that two runs of one bag give the same bytes.

    Attributes:
        index, stamp, camera, frame_id: as in `Frame`.
        pose: where the robot stood, None where unknown.
        initial, refined, edits, confidence, initial_confidence, flags: as in `Description`;
            each edit is {kind, start, end, text}.
        error: why there is no caption; then the captions are empty.
    """

    index: int
    stamp: int
    camera: str
    frame_id: str
    pose: Pose | None = None
    initial: str = ""
    refined: str = ""
    edits: list[dict] = field(default_factory=list)
    confidence: float = 0.0
    initial_confidence: float = 0.0
    flags: list[str] = field(default_factory=list)
    error: str = ""

    def to_json(self) -> str:
        """One line without a line end."""
        return json.dumps(asdict(self), ensure_ascii=False)

    @classmethod
    def from_json(cls, line: str) -> FrameRecord:
        """The inverse of `to_json`."""
        values = json.loads(line)
        if values["pose"] is not None:
            values["pose"] = Pose(**values["pose"])
        return cls(**values)


def read_records(path: Path) -> list[FrameRecord]:
    """All records of a captions.jsonl; a last line that a kill cut short is left out.

    Raises:
        UserError: the file is missing or a line is not ours.
    """
    if not path.is_file():
        raise UserError(f"{path}: no such file; a replay writes it")
    records: list[FrameRecord] = []
    lines = path.read_text(encoding="utf-8").split("\n")
    for number, line in enumerate(lines, 1):
        if not line:
            continue
        try:
            records.append(FrameRecord.from_json(line))
        except (ValueError, KeyError, TypeError) as error:
            if number == len(lines):
                break
            raise UserError(f"{path}: line {number} is not a caption record ({error})") from error
    return records
