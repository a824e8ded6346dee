"""`ser_ros reproduce [TABLE]`: a table of the paper, trained, predicted and scored."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_ros.errors import UserError
from ser_ros.eval.score_command import add_server_arguments, server_options

if TYPE_CHECKING:
    from ser_ros.eval.reproduce import Row, Table


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    one = parser.add_argument
    one("table", nargs="?", help="table3, figure9, ...; without it: what there is and what data each needs")
    one("--root", type=Path, default=Path(), help="data folder (default: here)")
    one(
        "--runs",
        type=Path,
        default=Path("runs/reproduce"),
        help="models and predictions (default: %(default)s)",
    )
    one(
        "--on",
        choices=("paper", "sim"),
        default="paper",
        help="sim: the simulated home, without any download",
    )
    one("--size", choices=("toy",), default="toy", help="of the run on sim")
    one("--rows", default="", help="only rows whose name contains this text")
    one("--images", type=Path, metavar="FOLDER", help="the pictures, for the judge")
    one("--bert-model", type=Path, metavar="FOLDER", help="encoder for BERTScore")
    one("--encoder", type=Path, metavar="FOLDER", help="sentence encoder for CAPTURE")
    one("--batch", type=int, default=8, help="images at once (default: %(default)s)")
    one("--device", default="auto", help="auto, cpu or cuda")
    add_server_arguments(parser)
    one("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """List the tables, or run one; a second call goes on."""
    from ser_ros.eval.reproduce import load_table, needed, tables

    if args.table is None:
        return _list([load_table(name) for name in tables()], args)
    table = load_table(args.table)
    if args.on == "sim":
        result = _run_on_sim(table, args)
    else:
        missing = [path for path in needed(table) if not (args.root / path).exists()]
        if missing:
            raise UserError(
                f"{table.name} needs {', '.join(missing)} below {args.root} (see docs/evaluation.md); "
                "--on sim needs no data"
            )
        result = _run(table, args, args.root, args.runs, lambda row: None)
    if args.json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0


def _run_on_sim(table: Table, args: argparse.Namespace) -> dict[str, Any]:
    from ser_ros.eval.reproduce_sim import on_sim, prepare, toy_recipe

    runs = args.runs / "sim"
    root = prepare(runs)
    return _run(on_sim(table), args, root, runs, lambda row: toy_recipe(row, root, runs))


def _run(
    table: Table, args: argparse.Namespace, root: Path, runs: Path, recipe_of: Callable[[Row], Path | None]
) -> dict[str, Any]:
    from ser_ros.eval.reproduce import run_row
    from ser_ros.eval.score import ScoreOptions

    options = ScoreOptions(
        images=args.images, encoder=args.encoder, bert_model=args.bert_model, server=server_options(args),
        cache=args.cache, intervals=False,
    )  # fmt: skip
    rows: list[dict[str, Any]] = []
    chosen: list[Row] = [row for row in table.rows if args.rows in row.name]
    if not chosen:
        raise UserError(f"no row of {table.name} has {args.rows!r} in its name")
    for row in chosen:
        prediction = {"batch": args.batch, "device": args.device}
        ours = run_row(table, row, root, runs, options, prediction, recipe_of(row))
        rows.append({"name": row.name, "ours": ours, "paper": row.paper})
    return {"table": table.name, "title": table.title, "on": args.on, "rows": rows}


def _list(all_tables: list[Table], args: argparse.Namespace) -> int:
    from rich.console import Console
    from rich.table import Table as Grid

    from ser_ros.eval.reproduce import needed

    entries = [
        {
            "table": table.name, "title": table.title, "rows": len(table.rows),
            "present": [path for path in needed(table) if (args.root / path).exists()],
            "missing": [path for path in needed(table) if not (args.root / path).exists()],
        }
        for table in all_tables
    ]  # fmt: skip
    if args.json:
        print(json.dumps({"root": str(args.root), "tables": entries}))
        return 0
    grid = Grid("table", "what", "rows", "data here", "data missing", title=f"data folder {args.root}")
    for entry in entries:
        here, missing = ("\n".join(entry[key]) or "-" for key in ("present", "missing"))  # type: ignore[arg-type]
        grid.add_row(str(entry["table"]), str(entry["title"]), str(entry["rows"]), here, missing)
    Console().print(grid)
    return 0


def _print(result: dict[str, Any]) -> None:
    from rich.console import Console
    from rich.table import Table as Grid

    names = list(dict.fromkeys(metric for row in result["rows"] for metric in row["paper"]))
    grid = Grid("row", *[f"{name}\nours / paper" for name in names], title=result["title"])
    for row in result["rows"]:
        cells = [(row["ours"].get(name), row["paper"].get(name)) for name in names]
        grid.add_row(row["name"], *[f"{_number(ours)} / {_number(paper)}" for ours, paper in cells])
    Console().print(grid)


def _number(value: float | None) -> str:
    return "-" if value is None else f"{value:.2f}".rstrip("0").rstrip(".")
