"""`ser_ros predict RECIPE.yaml`: images to a prediction file that `ser_ros score` reads."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from ser_ros.errors import UserError


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Declare the options."""
    parser.add_argument("recipe", type=Path, help="YAML file, see config/predict.yaml")
    parser.add_argument(
        "--set",
        action="append",
        default=[],
        metavar="KEY=VALUE",
        help="change a parameter, e.g. model=FOLDER",
    )
    parser.add_argument("--shard", default="1/1", metavar="I/N", help="do part I of N, I from 1 to N")
    parser.add_argument("--ray", action="store_true", help="run on Ray Data (RAY_ADDRESS, else a local Ray)")
    parser.add_argument("--workers", type=int, default=1, help="CPUs of a local Ray (default: %(default)s)")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Predict; a second call resumes."""
    from ser_ros.data.shard import Shard
    from ser_ros.eval.predict import load_predict_recipe, predict

    if args.workers < 1:
        raise UserError("--workers must be at least 1")
    recipe = load_predict_recipe(args.recipe, args.set)
    summary = predict(recipe, Shard.parse(args.shard), args.workers if args.ray else 0)
    if args.json:
        print(json.dumps(summary))
    else:
        where = summary["out"] or "waits for the other shards"
        print(f"{summary['images']} images ({summary['done_before']} done before): {where}")
    return 0
