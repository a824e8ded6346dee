"""`ser_ros bench`: where the time of one image goes, on this machine (paper Table 6 and Figure 9)."""

from __future__ import annotations

import argparse
import json
import platform
import sys
import tempfile
from contextlib import ExitStack
from pathlib import Path

from ser_ros.errors import UserError
from ser_ros.runtime.bench_model import SIZES, write_model


def add_arguments(parser: argparse.ArgumentParser) -> None:
    which = parser.add_mutually_exclusive_group()
    which.add_argument(
        "--model", default="", metavar="DIR", help="model folder (default: the one that comes with us)"
    )
    which.add_argument("--size", choices=sorted(SIZES), help="random weights of this size instead")
    parser.add_argument("--backend", default="auto", help="auto, torch or onnx")
    parser.add_argument("--device", default="auto", help="as the backend names it")
    parser.add_argument("--dtype", default="auto", help="auto, fp32, bf16, fp16; onnx: fp32 or int8")
    parser.add_argument("--tokens", type=int, default=20, metavar="N", help="of each caption (default: 20)")
    parser.add_argument(
        "--edits", type=int, default=1, metavar="N", help="tokens the second glance replaces (default: 1)"
    )
    parser.add_argument(
        "--iterations", type=int, default=100, metavar="N", help="images, one at a time (default: 100)"
    )
    parser.add_argument(
        "--power", action="store_true", help="energy an image and mean power (RAPL, Jetson INA, NVML)"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    for name, value, low, high in (
        ("--tokens", args.tokens, 1, 500),
        ("--edits", args.edits, 0, args.tokens),
        ("--iterations", args.iterations, 1, 100_000),
    ):
        if not low <= value <= high:
            raise UserError(f"{name} is {value}; it must be {low} to {high}")
    from tqdm import tqdm

    from ser_ros.runtime.bench import measure
    from ser_ros.runtime.load import load_captioner
    from ser_ros.runtime.two_glances import TwoGlanceCaptioner

    with ExitStack() as stack:
        model: str | Path = args.model
        if args.size:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="ser_ros_bench_")))
            print(f"building a model of size {args.size} ...", file=sys.stderr)
            model = write_model(folder, args.size, args.backend, args.dtype == "int8")
        captioner = load_captioner(model, args.backend, args.device, args.dtype)
        stack.callback(captioner.close)
        if not isinstance(captioner, TwoGlanceCaptioner):
            raise UserError(f"backend {captioner.backend} cannot be measured; use torch or onnx")
        bar = tqdm(
            total=args.iterations, unit="image", file=sys.stderr, disable=args.json or None, leave=False
        )
        stack.callback(bar.close)
        result = measure(
            captioner, args.tokens, args.edits, args.iterations, power=args.power, on_image=bar.update
        )
    about = {
        "model": args.size or str(args.model or "ser-sim"),
        "backend": captioner.backend,
        "device": captioner.device,
        "dtype": args.dtype,
        "machine": f"{platform.machine()} {platform.system()}",
    }
    if args.json:
        print(json.dumps({**about, **result}))
    else:
        _print(about, result)
    return 0


def _print(about: dict, result: dict) -> None:
    from rich.console import Console
    from rich.table import Table

    console = Console(soft_wrap=True, highlight=False)
    console.print(
        f"{about['model']} on {about['backend']}, {about['device']}, dtype {about['dtype']}; "
        f"{result['tokens']} tokens, edits: {result['edits']}, {result['iterations']} images one at a time",
        markup=False,
    )
    table = Table("stage", box=None)
    for column in ("median ms", "share"):
        table.add_column(column, justify="right")
    total = result["refined_seconds"]
    for stage, seconds in result["stages"].items():
        table.add_row(stage, f"{seconds * 1e3:.1f}", f"{seconds / total:.0%}")
    table.add_row("one glance", f"{result['single_seconds'] * 1e3:.1f}", "", style="bold")
    if result["second_glance"]:
        table.add_row("both glances", f"{total * 1e3:.1f}", "", style="bold")
    console.print(table)
    speeds = f"{1 / result['single_seconds']:.2f} images/s with one glance"
    if result["second_glance"]:
        added = total / result["single_seconds"] - 1
        speeds += f", {1 / total:.2f} with both (the second adds {added:.0%})"
    console.print(speeds)
    peak = result["peak_rss_mb"]
    console.print("peak memory " + ("not available" if peak is None else f"{peak:.0f} MB (RSS)"))
    if "watts" in result:
        told = ", ".join(
            f"{name} {joules:.2f} J an image, {result['watts'][name]:.1f} W"
            for name, joules in result["joules_per_image"].items()
        )
        console.print(
            f"energy {told or 'not available: no RAPL, INA or NVML counter that may be read'}", markup=False
        )
