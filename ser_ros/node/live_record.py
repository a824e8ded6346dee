"""A caption heard live becomes the record that a replay writes, so that both can be compared."""

from __future__ import annotations

from ser_ros.graph.pose import Pose
from ser_ros.msg import Caption, CaptionEdit
from ser_ros.node.stamps import nanoseconds
from ser_ros.replay.record import FrameRecord

_KINDS = {CaptionEdit.INSERT: "insert", CaptionEdit.DELETE: "delete", CaptionEdit.REPLACE: "replace"}
_FLAGS = {
    "repetition": Caption.REPETITION,
    "truncated": Caption.TRUNCATED,
    "refinement_skipped": Caption.REFINEMENT_SKIPPED,
}


def record_of(message: Caption, index: int = 0, pose: Pose | None = None) -> FrameRecord:
    """The record of a caption message.

    Args:
        message: refined caption of one image.
        index: position of its image in the recording.
        pose: where the robot stood, None where unknown.
    """
    return FrameRecord(
        index=index,
        stamp=nanoseconds(message.header.stamp),
        camera=message.camera,
        frame_id=message.header.frame_id,
        pose=pose,
        initial=message.initial,
        refined=message.refined,
        edits=[
            {"kind": _KINDS[e.kind], "start": e.start, "end": e.end, "text": e.text} for e in message.edits
        ],
        confidence=round(message.confidence, 6),
        initial_confidence=round(message.initial_confidence, 6),
        flags=[name for name, bit in _FLAGS.items() if message.flags & bit],
    )
