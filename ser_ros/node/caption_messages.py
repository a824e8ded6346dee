"""A Description becomes `ser_ros/msg/Caption`.

Every number is cast: rclpy sends a NumPy scalar or an int in a float field as 0.0 without a word.
"""

from __future__ import annotations

from std_msgs.msg import Header

from ser_ros.model.description import Description
from ser_ros.msg import Caption, CaptionEdit

_FLAGS = {
    "repetition": Caption.REPETITION,
    "truncated": Caption.TRUNCATED,
    "refinement_skipped": Caption.REFINEMENT_SKIPPED,
}
_KINDS = {"insert": CaptionEdit.INSERT, "delete": CaptionEdit.DELETE, "replace": CaptionEdit.REPLACE}


def caption_message(
    description: Description,
    header: Header,
    camera: str,
    *,
    initial_only: bool = False,
    inference_time: float = 0.0,
    age: float = -1.0,
    dropped: int = 0,
) -> Caption:
    """The message of one image.

    Args:
        description: both captions.
        header: header of the image; it is shared, not copied.
        camera: name of the camera, as in the parameter `cameras`.
        initial_only: published early; the refined caption follows.
        inference_time: seconds the model worked on this image.
        age: seconds from the header's stamp until now, -1 without a stamp.
        dropped: images of this camera that a newer one replaced since the last message.
    """
    flags = sum(_FLAGS[flag] for flag in set(description.flags))
    return Caption(
        header=header,
        camera=camera,
        initial=_text(description.initial),
        refined=_text(description.refined),
        edits=[
            CaptionEdit(
                kind=_KINDS[edit.kind], start=int(edit.start), end=int(edit.end), text=_text(edit.text)
            )
            for edit in description.edits
        ],
        confidence=float(description.confidence),
        initial_confidence=float(description.initial_confidence),
        flags=flags | (Caption.INITIAL_ONLY if initial_only else 0),
        inference_time=float(inference_time),
        age=float(age),
        dropped_frames=min(int(dropped), 2**32 - 1),
    )


def _text(text: str) -> str:
    # a NUL ends a DDS string early; U+FFFD keeps every span where it was
    return text.replace("\0", "\N{REPLACEMENT CHARACTER}")
