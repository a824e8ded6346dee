"""`ser_ros doctor`: is everything here that captioning and the nodes need, and what to do where not."""

from __future__ import annotations

import argparse
import json
import sys
from dataclasses import asdict
from pathlib import Path

from ser_ros.health import Check, captioning, jetson, machine, ros

COLOURS = {"ok": "green", "warning": "yellow", "missing": "red"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--model", type=Path, metavar="DIR", help="model folder to check (the shipped one)")
    parser.add_argument("--nodes", action="store_true", help="ROS 2 counts as needed for the exit code")
    parser.add_argument("--json", action="store_true", help="one JSON object instead of a table")


def run(args: argparse.Namespace) -> int:
    """Print every check; return 1 when something needed is missing, else 0."""
    checks = [
        *machine.checks(),
        *jetson.checks(),
        *captioning.checks(args.model),
        *ros.checks(needed=args.nodes),
    ]
    well = not any(check.needed and check.status == "missing" for check in checks)
    if args.json:
        print(json.dumps({"ok": well, "checks": [asdict(check) for check in checks]}))
    else:
        show(checks, well)
    return 0 if well else 1


def show(checks: list[Check], well: bool) -> None:
    """Print the table for people and the sentence below it."""
    from rich import box
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=box.SIMPLE_HEAD)
    for column in ("", "State", "Found", "What to do"):
        table.add_column(column, overflow="fold")
    for check in checks:
        state = f"[{COLOURS[check.status]}]{check.status}[/]"
        if check.status == "missing" and not check.needed:
            state = "[yellow]missing[/] (optional)"
        table.add_row(check.name, state, escape(check.found), escape(check.fix))
    # A pipe has no width: long paths must not be folded there.
    Console(width=None if sys.stdout.isatty() else 200).print(table)
    print("All that is needed is here." if well else "Something needed is missing: see the rows in red.")
