"""`ser_ros predict RECIPE.yaml`: images to a prediction file that `ser_ros score` reads."""

from __future__ import annotations

import argparse
import json
import re
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
    parser.add_argument("--shard", default="0/1", metavar="I/N", help="the I-th of N parts, counted from 0")
    parser.add_argument("--json", action="store_true", help="one JSON object on stdout")


def run(args: argparse.Namespace) -> int:
    """Predict; a second call resumes."""
    from ser_ros.eval.predict import load_predict_recipe, predict

    parts = re.fullmatch(r"(\d+)/(\d+)", args.shard)
    if not parts or int(parts.group(1)) >= int(parts.group(2)):
        raise UserError(f"--shard {args.shard}: write I/N with I from 0 to N-1")
    summary = predict(load_predict_recipe(args.recipe, args.set), (int(parts[1]), int(parts[2])))
    if args.json:
        print(json.dumps(summary))
    else:
        where = summary["out"] or "waits for the other shards"
        print(f"{summary['images']} images ({summary['done_before']} done before): {where}")
    return 0
