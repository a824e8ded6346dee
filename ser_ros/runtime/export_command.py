"""`ser_ros export MODEL OUT`: write a checkpoint as ONNX graphs."""

from __future__ import annotations

import argparse
import importlib.util
import json
import shlex
import sys
from pathlib import Path

from ser_ros.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("model", metavar="MODEL", help='checkpoint folder; "" is the one that comes with us')
    parser.add_argument(
        "out", type=Path, metavar="OUT", help="folder to write; an earlier export is replaced"
    )
    parser.add_argument(
        "--int8", action="store_true", help="weights of matrix products in 8 bits: smaller, tokens may differ"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    needs = ("torch", "transformers", "onnx", "onnxruntime")
    missing = [package for package in needs if importlib.util.find_spec(package) is None]
    if missing:
        raise UserError(f"export needs {', '.join(missing)}: pip install 'ser-ros[torch,onnx]'")
    from tqdm import tqdm

    from ser_ros.runtime.load import DEFAULT_MODEL
    from ser_ros.runtime.onnx_export import export

    with tqdm(desc="export", unit="graph", file=sys.stderr, disable=args.json or None, leave=False) as bar:

        def show(name: str) -> None:
            bar.set_postfix_str(name)
            bar.update()

        sizes = export(args.model or DEFAULT_MODEL, args.out, int8=args.int8, on_graph=show)
    if args.json:
        dtype = "int8" if args.int8 else "fp32"
        print(json.dumps({"out": str(args.out), "dtype": dtype, "files": sizes}))
    else:
        _print(args.out, sizes)
    return 0


def _print(out: Path, sizes: dict[str, int]) -> None:
    from rich.console import Console
    from rich.table import Table

    table = Table("file", box=None)
    table.add_column("MB", justify="right")
    for name, size in sizes.items():
        table.add_row(name, f"{size / 1e6:.2f}")
    table.add_row("all", f"{sum(sizes.values()) / 1e6:.2f}", style="bold")
    console = Console(soft_wrap=True, highlight=False)
    console.print(table)
    console.print(f"Caption with it: ser_ros caption IMAGE --model {shlex.quote(str(out))}", markup=False)
