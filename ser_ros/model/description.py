"""What a captioner returns for one image: two captions, what changed, and how sure it is."""

from __future__ import annotations

from dataclasses import asdict, dataclass, field
from typing import Literal

Flag = Literal["repetition", "truncated", "refinement_skipped"]


@dataclass(frozen=True)
class Edit:
    """One word-level change from the initial to the refined caption.

    Attributes:
        kind: "insert", "delete" or "replace".
        start: first character of the changed words in the initial caption.
        end: one past their last character; equal to `start` for an insertion.
        text: the new words; empty for a deletion.
    """

    kind: Literal["insert", "delete", "replace"]
    start: int
    end: int
    text: str


@dataclass
class Description:
    """Caption of one image before and after the second glance.

    Attributes:
        initial: caption of the first glance.
        refined: caption after the last refinement; equal to `initial` where it was skipped.
        edits: word-level changes that turn `initial` into `refined`, in order of position.
        log_probs: natural-log probability of each token of `refined`, the end token included.
        confidence: geometric mean token probability of `refined`, in [0, 1].
        initial_confidence: the same of `initial`.
        flags: what a reader must know about this caption (paper D.3).
        timings: seconds per stage (preprocess, tower, connector, prefill, decode, deeplens, refine).
    """

    initial: str
    refined: str
    edits: list[Edit] = field(default_factory=list)
    log_probs: list[float] = field(default_factory=list)
    confidence: float = 0.0
    initial_confidence: float = 0.0
    flags: list[Flag] = field(default_factory=list)
    timings: dict[str, float] = field(default_factory=dict)

    def to_dict(self) -> dict:
        """The same as plain JSON types."""
        return asdict(self)
