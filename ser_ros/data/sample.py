"""One training pair: a picture and one caption that people wrote for it."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Sample:
    """One (image, ground-truth caption) pair of any dataset.

    Attributes:
        image: path of the picture below the dataset's image folder.
        caption: ground-truth caption, stripped.
        image_id: the dataset's own id of the picture, as text.
        number: running number of this caption among the captions of its picture, from 0.
        question: what the human asks in a conversation file (without `<image>`); None where the
            dataset has captions only. The training asks the checkpoint's own prompt instead.
        pre_caption: initial caption to be refined (stage 2); None for a first glance.
        style: name of the checkpoint's prompt this caption answers ("default", "detailed").
    """

    image: str
    caption: str
    image_id: str
    number: int = 0
    question: str | None = None
    pre_caption: str | None = None
    style: str = "default"

    @property
    def key(self) -> str:
        """Names the ground-truth caption within its dataset; pseudo captions are filed under it."""
        return f"{self.image_id}#{self.number}"


class CaptionCounter:
    """Numbers the captions of each picture in the order of the file."""

    def __init__(self) -> None:
        self._seen: dict[str, int] = {}

    def next(self, image_id: str) -> int:
        """0 for the first caption of this picture, then 1, 2, …"""
        number = self._seen.get(image_id, 0)
        self._seen[image_id] = number + 1
        return number
