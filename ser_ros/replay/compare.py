"""Two replays of one recording side by side: which captions changed, and for better or worse."""

from __future__ import annotations

import json
from dataclasses import asdict, dataclass
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.replay.marking import mark, pieces
from ser_ros.replay.record import FrameRecord, read_records
from ser_ros.replay.references import Reference, read_references
from ser_ros.replay.run import RunFiles
from ser_ros.replay.scoring import score_caption


@dataclass(frozen=True)
class Difference:
    """A frame that the two runs caption differently.

    Attributes:
        stamp: of the image, nanoseconds.
        a, b: the refined captions.
        gain: graph F1 of `b` minus that of `a`, in points; None without a reference.
    """

    stamp: int
    a: str
    b: str
    gain: float | None


def differences(
    a: list[FrameRecord], b: list[FrameRecord], references: dict[int, Reference]
) -> list[Difference]:
    """Frames of both runs with unequal captions, in order of time."""
    other = {record.stamp: record for record in b}
    found = []
    for record in a:
        twin = other.get(record.stamp)
        if twin is None or record.refined == twin.refined:
            continue
        gain = None
        if reference := references.get(record.stamp):
            scores = (score_caption(caption, reference).all.f1 for caption in (twin.refined, record.refined))
            gain = 100 * (next(scores) - next(scores))
        found.append(Difference(record.stamp, record.refined, twin.refined, gain))
    return found


def compare_runs(a: Path, b: Path, references: Path | None, as_json: bool) -> int:
    """Print the comparison of two replay folders.

    Raises:
        UserError: a folder holds no replay, or the two have no frame in common.
    """
    first, second = (read_records(RunFiles(folder).captions) for folder in (a, b))
    common = {record.stamp for record in first} & {record.stamp for record in second}
    if not common:
        raise UserError(f"{a} and {b} have no frame in common; compare two replays of one recording")
    changed = differences(first, second, read_references(references) if references else {})
    gains = [one.gain for one in changed if one.gain is not None]
    summary = {
        "frames": len(common),
        "changed": len(changed),
        "better": sum(gain > 0 for gain in gains),
        "worse": sum(gain < 0 for gain in gains),
        "equal": sum(gain == 0 for gain in gains),
    }
    if as_json:
        print(json.dumps({**summary, "differences": [asdict(one) for one in changed]}))
    else:
        _print(a, b, summary, changed, judged=bool(gains))
    return 0


def _print(a: Path, b: Path, summary: dict[str, int], changed: list[Difference], judged: bool) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    from ser_ros.model.edits import word_edits

    table = Table("time", f"{a.name} → {b.name}", *(["gain"] if judged else []))
    for one in changed:
        edits = [asdict(edit) for edit in word_edits(one.a, one.b)]
        parts = pieces(one.a, edits)
        old = mark(parts, "gone", lambda text: f"[red]{escape(text)}[/]", escape)
        new = mark(parts, "new", lambda text: f"[green]{escape(text)}[/]", escape)
        gain = [f"{one.gain:+.1f}"] if one.gain is not None else []
        table.add_row(f"{one.stamp / 1e9:.2f}", f"{old}\n{new}", *gain)
    console = Console()
    console.print(table)
    verdict = f", {summary['better']} better, {summary['worse']} worse" if judged else ""
    console.print(f"{summary['changed']} of {summary['frames']} captions differ{verdict}.")
