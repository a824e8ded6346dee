"""`ser_ros data check RECIPE`: counts, gaps and sample pictures of all datasets of a recipe."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any


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
    from ser_ros.train.recipe_file import load_recipe
    from ser_ros.train.rows import initial_captions, read_source

    recipe = load_recipe(args.recipe, args.set)
    root = Path(recipe.root).expanduser()
    wanted = [(name, source) for name, stage in recipe.stages.items() for source in stage.data]
    if recipe.validation is not None:
        wanted.append(("validation", recipe.validation))
    checks: list[SourceCheck] = []
    for name, source in wanted:
        samples = read_source(source, root)
        initials = initial_captions(samples, source, root) if name == "stage2" else {}
        how = {"shown": args.pictures, "decode": args.decode}
        checks.append(check_source(name, source, root, samples, initials, **how))
    args.html.write_text(page(f"Data of the recipe {recipe.name}", checks), encoding="utf-8")
    bad = any(check.problems for check in checks)
    if args.json:
        content: dict[str, Any] = {"ok": not bad, "page": str(args.html)}
        print(json.dumps(content | {"sources": [check.to_dict() for check in checks]}))
    else:
        _table(checks, args.html)
    return 1 if bad else 0


def _table(checks: list[Any], page: Path) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table(
        "stage", "dataset", "pictures", "captions", "initial captions", "words", "missing", "broken"
    )
    for check in checks:
        table.add_row(
            check.stage,
            check.path,
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
            console.print(f"[red]{check.stage}, {check.path}: {problem}")
    console.print(f"pictures and captions: {page}")
