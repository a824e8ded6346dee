"""`ser_ros replay --compare RUN_A RUN_B`: a table for people, a page to look at, or JSON."""

from __future__ import annotations

from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.replay.compare import Comparison, as_json, differences, write_comparison
from ser_ros.replay.marking import mark
from ser_ros.replay.record import read_records
from ser_ros.replay.references import beside, read_references
from ser_ros.replay.run import RunFiles, read_settings
from ser_ros.replay.scores_verb import all_scores


def compare_runs(a: Path, b: Path, references: Path | None, out: Path | None, print_json: bool) -> int:
    """Print the comparison of two replay folders and write compare.html.

    Args:
        a, b: finished replays.
        references: ground truth; None takes that beside the recording, if it is still there.
        out: folder of compare.html; None takes `b`.
        print_json: print one JSON object instead of the table.

    Raises:
        UserError: a folder holds no replay, or the two have no frame in common.
    """
    first, second = (read_records(RunFiles(folder).captions) for folder in (a, b))
    common = {record.stamp for record in first} & {record.stamp for record in second}
    if not common:
        raise UserError(f"{a} and {b} have no frame in common; compare two replays of one recording")
    source, style = _settings(b)
    path = references or (beside(source) if source else None)
    truth = read_references(path, style) if path else {}
    changed = differences(first, second, truth)
    rows = [
        all_scores([record for record in run if record.stamp in common], truth, []) for run in (first, second)
    ]
    scores = [(ours.name, ours.refined, theirs.refined) for ours, theirs in zip(*rows, strict=True)]
    comparison = Comparison(a, b, len(common), changed, scores)
    page = (out or b) / "compare.html"
    page.parent.mkdir(parents=True, exist_ok=True)
    write_comparison(comparison, page)
    if print_json:
        print(as_json(comparison))
    else:
        _print(comparison, page)
    return 0


def _settings(run: Path) -> tuple[Path | None, str]:
    """The recording and the prompt style of a run; (None, "") where run.json is lost."""
    files = RunFiles(run)
    if not files.settings.is_file():
        return None, ""
    settings = read_settings(files)
    return Path(settings["source"]), settings["options"]["style"]


def _print(comparison: Comparison, page: Path) -> None:
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    console = Console(highlight=False)
    names = [escape(name) for name in comparison.names]
    table = Table("frame", f"{names[0]} → {names[1]}", *(["gain"] if comparison.judged else []))
    for one in comparison.differences:
        old = mark(one.pieces, "gone", lambda text: f"[red]{escape(text)}[/]", escape)
        new = mark(one.pieces, "new", lambda text: f"[green]{escape(text)}[/]", escape)
        gain = ["" if one.gain is None else f"{one.gain:+.1f}"] if comparison.judged else []
        table.add_row(str(one.index), f"{old}\n{new}", *gain)
    if comparison.differences:
        console.print(table)
    if comparison.scores:
        measures = Table("measure", *names, "difference")
        for name, a, b in comparison.scores:
            measures.add_row(name, f"{a:.1f}", f"{b:.1f}", f"{b - a:+.1f}")
        console.print(measures)
    better, worse = comparison.count("better"), comparison.count("worse")
    verdict = f", {better} better, {worse} worse" if comparison.judged else ""
    console.print(f"{len(comparison.differences)} of {comparison.frames} captions differ{verdict}.")
    console.print(f"page {page}", soft_wrap=True)
