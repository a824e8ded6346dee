"""Two replays of one recording side by side: which captions changed, and for better or worse."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from ser_ros.model.edits import word_edits
from ser_ros.replay.marking import Piece, html_initial, html_refined, pieces
from ser_ros.replay.page import write_page
from ser_ros.replay.record import FrameRecord
from ser_ros.replay.references import Reference
from ser_ros.replay.run import RunFiles
from ser_ros.replay.scoring import best_sentence, score_caption
from ser_ros.replay.thumbnails import data_urls

VERDICTS = ("better", "worse", "equal")


@dataclass(frozen=True)
class Difference:
    """A frame that the two runs caption differently.

    Attributes:
        index: of the frame in the recording.
        stamp: of the image, nanoseconds.
        a, b: the refined captions.
        gain: graph F1 of `b` minus that of `a`, in points; None without a reference.
        truth: the reference sentence that `b` fits best, "" without one.
    """

    index: int
    stamp: int
    a: str
    b: str
    gain: float | None
    truth: str = ""

    @property
    def verdict(self) -> str:
        """What `b` is against `a`: "better", "worse", "equal", or "" without a reference."""
        if self.gain is None:
            return ""
        return "better" if self.gain > 0 else "worse" if self.gain < 0 else "equal"

    @property
    def pieces(self) -> list[Piece]:
        """Words of both captions: the same, gone from `a`, new in `b`."""
        return pieces(self.a, self._edits)

    @property
    def html(self) -> tuple[str, str]:
        """Both captions with what differs marked."""
        return html_initial(self.a, self._edits), html_refined(self.a, self._edits)

    @property
    def _edits(self) -> list[dict[str, Any]]:
        return [asdict(edit) for edit in word_edits(self.a, self.b)]


@dataclass(frozen=True)
class Comparison:
    """Two runs of one recording.

    Attributes:
        a, b: their folders.
        frames: how many frames both have.
        differences: where they say something else, in order of time.
        scores: (measure, per cent of `a`, per cent of `b`) of the refined captions; () without references.
    """

    a: Path
    b: Path
    frames: int
    differences: Sequence[Difference]
    scores: Sequence[tuple[str, float, float]] = ()

    @property
    def names(self) -> tuple[str, str]:
        """What to call the runs: the ends of their paths, as long as it takes to tell them apart."""
        a, b = self.a.resolve().parts, self.b.resolve().parts
        length = next((n for n in range(1, min(len(a), len(b))) if a[-n:] != b[-n:]), 1)
        return "/".join(a[-length:]), "/".join(b[-length:])

    def count(self, verdict: str) -> int:
        """How many captions of `b` are "better", "worse" or "equal"."""
        return sum(one.verdict == verdict for one in self.differences)

    @property
    def judged(self) -> bool:
        """Whether any differing frame has a reference."""
        return any(one.verdict for one in self.differences)


def differences(
    a: Sequence[FrameRecord], b: Sequence[FrameRecord], references: Mapping[int, Reference]
) -> list[Difference]:
    """Frames of both runs with unequal captions, in order of time."""
    other = {record.stamp: record for record in b}
    found = []
    for record in a:
        twin = other.get(record.stamp)
        if twin is None or record.refined == twin.refined:
            continue
        gain, truth = None, ""
        if reference := references.get(record.stamp):
            ours, theirs = (score_caption(text, reference) for text in (record.refined, twin.refined))
            gain = 100 * (theirs.all.f1 - ours.all.f1)
            truth = best_sentence(twin.refined, reference)
        found.append(Difference(record.index, record.stamp, record.refined, twin.refined, gain, truth))
    return found


def write_comparison(comparison: Comparison, out: Path) -> None:
    """Write the comparison as one self-contained page; pictures come from the first run."""
    from markupsafe import Markup

    from ser_ros.replay.report import clock

    files = RunFiles(comparison.a)
    pictures = data_urls({one.index: files.thumbnail(one.index) for one in comparison.differences})
    rows = [
        {
            "index": one.index,
            "clock": clock(one.stamp),
            "thumbnail": pictures.get(one.index, ""),
            "text": f"{one.a} {one.b}".lower(),
            "marked": [Markup(text) for text in one.html],
            "b": one.b,
            "verdict": one.verdict,
            "gain": f"{one.gain:+.1f} points" if one.gain else "",
            "truth": one.truth,
        }
        for one in comparison.differences
    ]
    tiles = [("Frames of both", comparison.frames), ("Captions that differ", len(rows))]
    if comparison.judged:
        tiles += [(verdict.capitalize(), comparison.count(verdict)) for verdict in VERDICTS]
    scores = [(name, f"{a:.1f}", f"{b:.1f}", f"{b - a:+.1f}") for name, a, b in comparison.scores]
    write_page(
        out,
        "compare.html.j2",
        "compare.js",
        names=comparison.names,
        tiles=tiles,
        rows=rows,
        scores=scores,
        judged=comparison.judged,
    )


def as_json(comparison: Comparison) -> str:
    """The comparison as one JSON object."""
    return json.dumps(
        {
            "frames": comparison.frames,
            "changed": len(comparison.differences),
            **{verdict: comparison.count(verdict) for verdict in VERDICTS},
            "scores": {name: {"a": a, "b": b} for name, a, b in comparison.scores},
            "differences": [asdict(one) for one in comparison.differences],
        }
    )
