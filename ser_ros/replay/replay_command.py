"""`ser_ros replay BAG`: captions, graphs, a memory, a bag and a report of a recording, without ROS."""

from __future__ import annotations

import argparse
import json
import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from ser_ros.errors import UserError
from ser_ros.runtime.captioner import CaptionOptions

if TYPE_CHECKING:
    from ser_ros.replay.run import ReplaySettings, RunFiles
    from ser_ros.replay.source import Source

DEFAULTS = CaptionOptions()


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Arguments of `ser_ros replay`."""
    from ser_ros.runtime.load import DEFAULT_MODEL

    parser.add_argument(
        "bag", type=Path, nargs="?", help="rosbag1/2, storage file, folder of images or video"
    )
    parser.add_argument("--topic", help="image topic; needed where the bag has several")
    parser.add_argument(
        "--model", default=str(DEFAULT_MODEL), help="checkpoint folder (default: the shipped one)"
    )
    choice = parser.add_mutually_exclusive_group()
    choice.add_argument(
        "--every", type=int, default=1, help="caption every n-th frame (default: %(default)s)"
    )
    choice.add_argument("--rate", type=float, help="caption at most so many frames a second of recorded time")
    parser.add_argument("--out", type=Path, help="output folder (default: replay_NAME; of --compare: RUN_B)")
    parser.add_argument(
        "--style", default=DEFAULTS.style, help="prompt of the checkpoint (default: %(default)s)"
    )
    parser.add_argument(
        "--refinements", type=int, default=DEFAULTS.refinements, help="second glances, 0 to 4"
    )
    parser.add_argument("--beams", type=int, default=DEFAULTS.beams, help="beam width, 1 is greedy")
    parser.add_argument(
        "--max-tokens", type=int, default=DEFAULTS.max_tokens, help="most tokens of a caption"
    )
    parser.add_argument("--backend", default="auto", choices=("auto", "torch", "onnx"))
    parser.add_argument("--device", default="auto", help="auto, cpu, cuda, cuda:1, …")
    parser.add_argument(
        "--references",
        type=Path,
        help="ground truth of the frames (default: ground_truth.json beside the bag)",
    )
    parser.add_argument("--rerun", type=Path, metavar="OUT.rrd", help="write a Rerun recording as well")
    parser.add_argument(
        "--compare",
        nargs=2,
        type=Path,
        metavar=("RUN_A", "RUN_B"),
        help="show two finished replays side by side",
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object instead of a table")


def run(args: argparse.Namespace) -> int:
    """Replay, or compare two replays."""
    if args.compare:
        from ser_ros.replay.compare_verb import compare_runs

        first, second = args.compare
        return compare_runs(first, second, args.references, args.out, print_json=args.json)
    if args.bag is None:
        raise UserError("name the recording to replay, or two runs with --compare")
    from ser_ros.replay.run import RunFiles

    if args.every < 1:
        raise UserError(f"--every {args.every}: must be 1 or more")
    if args.rate is not None and not 0 < args.rate < math.inf:
        raise UserError(f"--rate {args.rate}: must be above 0")
    files = RunFiles(args.out or Path(f"replay_{args.bag.resolve().stem}"))
    try:
        summary = replay(args, files)
    except KeyboardInterrupt:
        if files.captions.is_file():
            kept = f"{files.folder} keeps what was captioned, the same command goes on"
            print(f"stopped; {kept}", file=sys.stderr)
        raise
    if args.json:
        print(json.dumps(summary))
    else:
        _print_summary(summary)
    if summary["frames"] == 0:
        raise UserError(f"{args.bag}: holds no frame on {summary['camera']}")
    if summary["captioned"] == 0:
        raise UserError(
            f"{args.bag}: no frame could be captioned; the first error was: {summary['first_error']}"
        )
    return 0


def replay(args: argparse.Namespace, files: RunFiles) -> dict:
    """Caption the recording and write all outputs; returns the summary that is printed."""
    from tqdm import tqdm

    from ser_ros.replay.bag_source import BagSource
    from ser_ros.replay.outputs import derive
    from ser_ros.replay.references import beside, read_references
    from ser_ros.replay.report import ReportInput, write_report
    from ser_ros.replay.rerun_drawing import import_rerun
    from ser_ros.replay.run import caption_frames, disk_errors, read_timings
    from ser_ros.replay.scores_verb import all_scores
    from ser_ros.replay.source import open_source
    from ser_ros.replay.trajectory import Trajectory, read_trajectory
    from ser_ros.runtime.load import load_captioner

    source = open_source(args.bag, args.topic)
    trajectory = read_trajectory(source.bag) if isinstance(source, BagSource) else Trajectory()
    # What is missing is said before an hour of captioning, not after.
    if args.rerun:
        import_rerun()
    truth = args.references or beside(args.bag)
    references = read_references(truth, args.style) if truth else {}
    captioner = load_captioner(args.model, backend=args.backend, device=args.device)
    settings = _settings(args, source)
    try:
        # All frames of the recording, also those that --every and --rate skip: their number is known.
        with tqdm(total=source.count or None, unit="frame", disable=None, file=sys.stderr) as bar:
            records = caption_frames(
                source,
                trajectory,
                captioner,
                settings,
                files,
                on_frame=lambda position: bar.update(position - bar.n),
            )
    finally:
        captioner.close()
    with disk_errors(files.folder):
        derived = derive(records, files)
        timings = read_timings(files)
        scores = all_scores(records, references, source.warnings)
        if truth and not any(record.stamp in references for record in records):
            source.warnings.append(f"{truth}: is of other frames (no stamp is equal); nothing was scored")
        name = "/".join(args.bag.resolve().parts[-2:])  # many a bag is called "bag"
        subtitle = f"{name}, {source.camera}; model {Path(args.model).name}; poses from " + (
            trajectory.description or "nowhere (the recording has none)"
        )
        report = ReportInput(
            title="What the robot saw",
            subtitle=subtitle,
            records=records,
            triples=derived.triples,
            world=derived.world,
            path=trajectory.path(),
            timings=timings,
            warnings=source.warnings,
            scores=[(row.name, f"{row.initial:.1f}", f"{row.refined:.1f}") for row in scores],
        )
        write_report(report, files, files.folder / "report.html")
        if args.rerun:
            from ser_ros.replay.rerun_recording import write_rerun

            write_rerun(args.rerun, records, derived, files, trajectory)
    failed = [record.error for record in records if record.error]
    return {
        "out": str(files.folder),
        "camera": source.camera,
        "frames": len(records),
        "captioned": len(records) - len(failed),
        "changed": sum(record.initial != record.refined for record in records),
        "unreadable": len(failed),
        "first_error": failed[0] if failed else "",
        "things": sum(data.get("kind") == "object" for _, data in derived.world.nodes(data=True)),
        "warnings": source.warnings,
        "scores": {
            row.name: {"initial": round(row.initial, 4), "refined": round(row.refined, 4)} for row in scores
        },
        "report": str(files.folder / "report.html"),
    }


def _settings(args: argparse.Namespace, source: Source) -> ReplaySettings:
    from ser_ros.replay.fingerprint import model_digest, recording_bytes
    from ser_ros.replay.run import ReplaySettings
    from ser_ros.runtime.load import DEFAULT_MODEL

    model = Path(args.model or DEFAULT_MODEL).expanduser().resolve()
    return ReplaySettings(
        source=str(args.bag.resolve()),
        camera=source.camera,
        model=str(model),
        source_bytes=recording_bytes(args.bag),
        model_digest=model_digest(model),
        every=args.every,
        rate=args.rate,
        options=CaptionOptions(args.style, args.refinements, args.max_tokens, args.beams),
    )


def _print_summary(summary: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(show_header=False, box=None)
    for key in ("captioned", "changed", "unreadable", "things"):
        table.add_row(key, str(summary[key]))
    for name, row in summary["scores"].items():
        table.add_row(name, f"initial {row['initial']:.1f}  refined {row['refined']:.1f}")
    table.add_row("report", summary["report"])
    Console().print(table)
    for warning in summary["warnings"]:
        print(f"warning: {warning}", file=sys.stderr)
    if summary["first_error"] and summary["captioned"]:
        print(f"warning: the first unreadable frame: {summary['first_error']}", file=sys.stderr)
