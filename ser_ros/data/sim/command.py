"""`ser_ros sim render` and `ser_ros sim patrol`."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ser_ros.data.sim.dataset import SPLITS, RenderOptions, render
from ser_ros.data.sim.patrol import PatrolOptions, record


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Options of the verb."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    default = RenderOptions()
    one = actions.add_parser("render", help="pictures, captions and true graphs of a split")
    one.add_argument("--split", choices=SPLITS, default=default.split)
    one.add_argument("--count", type=int, default=default.count, help="pictures (default: %(default)s)")
    one.add_argument("--size", type=int, default=default.size, help="pixels of a side (default: %(default)s)")
    one.add_argument("--seed", type=int, default=default.seed, help="of the home (default: %(default)s)")
    one.add_argument("--workers", type=int, default=default.workers, help="processes (default: %(default)s)")
    one.add_argument(
        "--references", type=int, default=default.references, help="captions a style (default: %(default)s)"
    )
    one.add_argument("--out", type=Path, required=True, help="folder of the split; run again to resume")
    one.add_argument("--json", action="store_true", help="print one JSON object")
    drive = actions.add_parser("patrol", help="a recording of a robot that drives through a home")
    drive.add_argument("out", type=Path, help="folder of the new recording")
    ride = PatrolOptions()
    drive.add_argument("--seconds", type=float, default=ride.seconds, help="length (default: %(default)s)")
    drive.add_argument(
        "--rate", type=float, default=ride.rate, help="pictures a second (default: %(default)s)"
    )
    drive.add_argument("--size", type=int, default=ride.size, help="pixels of a side (default: %(default)s)")
    drive.add_argument("--seed", type=int, default=ride.seed, help="of the home (default: %(default)s)")
    drive.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    """Run the verb."""
    if args.action == "render":
        options = RenderOptions(args.split, args.count, args.size, args.seed, args.workers, args.references)
        summary = render(args.out, options)
    else:
        summary = record(args.out, PatrolOptions(args.seconds, args.rate, args.size, args.seed))
    if args.json:
        print(json.dumps(summary))
        return 0
    from rich.console import Console
    from rich.table import Table

    table = Table("what", "value")
    for key, value in summary.items():
        table.add_row(key, str(value))
    Console().print(table)
    return 0
