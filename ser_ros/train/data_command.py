"""`ser_ros data check RECIPE`: counts, gaps and sample pictures of all datasets of a recipe."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

from ser_ros.errors import UserError, cannot_write


def add_arguments(parser: argparse.ArgumentParser) -> None:
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    check = actions.add_parser("check", help="validate the datasets of a training recipe")
    check.add_argument("recipe", type=Path, help="YAML file, see config/train/")
    check.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help="change a parameter")
    check.add_argument("--html", type=Path, default=Path("data-check.html"), help="page with sample pictures")
    check.add_argument("--pictures", type=int, default=12, help="sample pictures per dataset, 0 or more")
    check.add_argument("--decode", type=int, default=200, help="pictures opened per dataset, 0: all")
    check.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Check; exit code 1 where something is wrong with the data, 0 where all is well."""
    from ser_ros.data.check import SourceCheck, check_source, page
    from ser_ros.data.sample import Sample
    from ser_ros.train.recipe_file import load_recipe
    from ser_ros.train.rows import initial_captions, read_source

    for option in ("pictures", "decode"):
        if getattr(args, option) < 0:
            raise UserError(f"--{option} must be at least 0")
    recipe = load_recipe(args.recipe, args.set)
    try:  # before opening half a million pictures, not after it
        args.html.open("a").close()
    except OSError as error:
        raise cannot_write(args.html, error) from None
    root = Path(recipe.root).expanduser()
    wanted = [(name, source) for name, stage in recipe.stages.items() for source in stage.data]
    if recipe.validation is not None:
        wanted.append(("validation", recipe.validation))
    checks: list[SourceCheck] = []
    for name, source in wanted:
        problems: list[str] = []
        samples: list[Sample] = []
        initials: dict[str, list[str]] = {}
        try:
            samples = read_source(source, root)
            if name == "stage2":
                initials = initial_captions(samples, source, root)
        except UserError as error:
            problems.append(str(error))
        how = {"shown": args.pictures, "decode": args.decode}
        found = check_source(name, source, root, samples, initials, **how)
        # What could not be read explains the counts that follow from it.
        found.problems = problems or found.problems
        checks.append(found)
    args.html.write_text(page(f"Data of the recipe {recipe.name}", checks), encoding="utf-8")
    bad = any(check.problems for check in checks)
    if args.json:
        content: dict[str, Any] = {"ok": not bad, "page": str(args.html)}
        print(json.dumps(content | {"sources": [check.to_dict() for check in checks]}))
    else:
        _table(checks, args.html)
    return 1 if bad else 0


def _table(checks: list[Any], page: Path) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.console import Console
    from rich.markup import escape
    from rich.table import Table

    table = Table(box=SIMPLE_HEAD, padding=0, pad_edge=False)  # leaves room for paths
    table.add_column("stage: dataset", overflow="fold")
    for column in ("pictures", "captions", "initials", "words", "missing", "broken"):
        table.add_column(column, justify="right", no_wrap=True)
    for check in checks:
        table.add_row(
            escape(f"{check.stage}: {check.path}"),
            f"{check.images:,}",
            f"{check.captions:,}",
            f"{check.initials:,}" if check.stage == "stage2" else "",
            str(check.words),
            f"{len(check.missing):,}",
            f"{len(check.broken):,}",
        )
    console = Console()
    console.print(table)
    for check in checks:
        for problem in check.problems:
            line = f"{check.stage}, {check.path}: {problem}"
            console.print(line, style="red", markup=False, highlight=False, soft_wrap=True)
    console.print(f"pictures and captions: {page}", highlight=False, markup=False, soft_wrap=True)
