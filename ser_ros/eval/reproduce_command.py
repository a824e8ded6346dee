"""`ser_ros reproduce [TABLE]`: a table of the paper, trained, predicted and scored."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ser_ros.errors import UserError
from ser_ros.eval.score_command import add_bert_arguments, add_server_arguments, server_options

if TYPE_CHECKING:
    from rich.console import Console
    from rich.table import Table as Grid

    from ser_ros.eval.paper_tables import Table
    from ser_ros.eval.reproduce import Place

MARKS = "¹²³⁴⁵⁶⁷⁸⁹"
"""Beside the name of a row that has no number of ours: which of the reasons below the table is its."""
TOY = "Toy models on a toy home: ours say that every step runs, nothing about the method."


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
    add_bert_arguments(parser)
    one("--encoder", type=Path, metavar="FOLDER", help="sentence encoder for CAPTURE")
    one("--batch", type=int, default=8, help="images at once (default: %(default)s)")
    one("--device", default="auto", help="auto, cpu or cuda")
    add_server_arguments(parser)
    one("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """List the tables, or run one; a second call goes on."""
    from ser_ros.eval.paper_tables import is_there, load_table, needed, tables, training_recipe
    from ser_ros.eval.reproduce import Place

    if args.batch < 1:
        raise UserError("--batch must be at least 1")
    if args.table is None:
        return _list([load_table(name) for name in tables()], args)
    table = load_table(args.table)
    rows = [row for row in table.rows if args.rows in row.name]
    if not rows:
        raise UserError(f"no row of {table.name} has {args.rows!r} in its name")
    table.rows[:] = rows
    if args.on == "sim":
        from ser_ros.eval.reproduce_sim import on_sim, sim_place

        result = _run(on_sim(table), args, sim_place(args.runs / "sim"))
    else:
        missing = [path for path in needed(table) if not is_there(args.root, path)]
        if missing:
            raise UserError(
                f"{table.name} needs {', '.join(missing)} below {args.root} (see docs/evaluation.md); "
                "--on sim needs no data"
            )
        result = _run(table, args, Place(args.root, args.runs, training_recipe))
    if args.json:
        print(json.dumps(result))
    else:
        _print(result)
    return 0


def _run(table: Table, args: argparse.Namespace, place: Place) -> dict[str, Any]:
    from ser_ros.eval.reproduce import run_row
    from ser_ros.eval.score import ScoreOptions

    options = ScoreOptions(
        encoder=args.encoder, bert_model=args.bert_model, bert_layer=args.bert_layer,
        bert_baseline=args.bert_baseline, server=server_options(args), cache=args.cache, intervals=False,
    )  # fmt: skip
    prediction = {"batch": args.batch, "device": args.device}
    rows: list[dict[str, Any]] = []
    notes = [TOY] if args.on == "sim" else []
    sharing: dict[str, list[str]] = {}
    for row in table.rows:
        found = run_row(table, row, place, options, prediction)
        why = {"why": row.why} if row.why else {}
        rows.append({"name": row.name, "ours": found.ours, "paper": row.paper, **why})
        if found.pretrained:
            rows[-1]["pretrained"] = found.pretrained
            sharing.setdefault(found.pretrained, []).append(row.name)
        notes += found.notes
    notes += [f"pretrained once in {folder} for: {', '.join(names)}" for folder, names in sharing.items()]
    return {
        "table": table.name, "title": table.title, "on": args.on, "rows": rows,
        "notes": list(dict.fromkeys(notes)),
    }  # fmt: skip


def _list(all_tables: list[Table], args: argparse.Namespace) -> int:
    from rich.box import SIMPLE_HEAD
    from rich.table import Table as Grid

    from ser_ros.eval.paper_tables import is_there, needed

    entries = []
    for table in all_tables:
        paths = {path: is_there(args.root, path) for path in needed(table)}
        entries.append(
            {
                "table": table.name, "title": table.title, "rows": len(table.rows),
                "present": [path for path, here in paths.items() if here],
                "missing": [path for path, here in paths.items() if not here],
            }
        )  # fmt: skip
    if args.json:
        print(json.dumps({"root": str(args.root), "tables": entries}))
        return 0
    grid = Grid("table", "what", "rows", title=f"data folder {args.root}", box=SIMPLE_HEAD, pad_edge=False)
    for column in ("data here", "data missing"):
        grid.add_column(column, overflow="fold")
    for entry in entries:
        what = str(entry["title"]).partition(": ")[2]
        here, missing = ("\n".join(entry[key]) or "-" for key in ("present", "missing"))  # type: ignore[arg-type]
        grid.add_row(str(entry["table"]), what, str(entry["rows"]), here, missing, end_section=True)
    _console(grid).print(grid)
    return 0


def _console(grid: Grid) -> Console:
    """As wide as the table where the output goes to a file, which has no edge to fold at."""
    from rich.console import Console

    console = Console()
    if not console.is_terminal:
        unbound = console.options.update(max_width=1000)
        console.width = max(console.width, console.measure(grid, options=unbound).maximum)
    return console


def _print(result: dict[str, Any]) -> None:
    from rich.box import SIMPLE_HEAD
    from rich.markup import escape
    from rich.table import Table as Grid

    from ser_ros.eval.reproduce import COLUMNS

    columns = [column for column in COLUMNS if any(column in row["paper"] for row in result["rows"])]
    grid = Grid(box=SIMPLE_HEAD, padding=0, pad_edge=False)
    grid.add_column("row", overflow="fold")
    for column in columns:
        grid.add_column(column, justify="right")
    reasons = list(dict.fromkeys(row["why"] for row in result["rows"] if "why" in row))
    for row in result["rows"]:
        mark = f" {MARKS[reasons.index(row['why'])]}" if "why" in row else ""
        grid.add_row(escape(row["name"]) + mark, *[_cell(row, column) for column in columns])
    console = _console(grid)
    console.print(f"{result['title']}: ours / paper", style="bold", markup=False, soft_wrap=True)
    console.print(grid)
    for note in [*map("{} {}".format, MARKS, reasons), *result["notes"]]:
        console.print(note, highlight=False, markup=False, soft_wrap=True)


def _cell(row: dict[str, Any], column: str) -> str:
    """Our number beside the paper's; empty where the paper has no such cell."""
    if column not in row["paper"]:
        return ""
    return f"{_number(column, row['ours'].get(column))} / {_number(column, row['paper'][column])}"


def _number(column: str, value: float | None) -> str:
    """With the decimals that the paper prints."""
    from ser_ros.eval.reproduce import METRICS

    if value is None:
        return "-"
    if column not in METRICS:
        return f"{round(value, 2):g}"
    return f"{value:.2f}" if column == "MLLM judge" else f"{value:.1f}"
