"""What half the vision tokens cost in captions: a model with and without `towers.merge_after`.

    python benchmarks/token_merging.py --data SIM/test                 # the model that comes with ser_ros
    python benchmarks/token_merging.py --data SIM/test --after 0 1 --limit 100

Both glances, greedy, torch in float32. The model is not trained anew: its config.json alone differs.
"""

from __future__ import annotations

import argparse
import dataclasses
import json
import shutil
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.table import Table
from sim_scores import coco
from tqdm import tqdm

from ser_ros.model.config import SerConfig
from ser_ros.model.images import load_image
from ser_ros.runtime.captioner import CaptionOptions
from ser_ros.runtime.load import DEFAULT_MODEL, load_captioner

BATCH = 20


def merging(model: Path, folder: Path, after: int) -> Path:
    """A copy of a checkpoint that merges its tokens after a layer of the tower."""
    shutil.copytree(model, folder)
    config = SerConfig.load(model)
    towers = tuple(dataclasses.replace(tower, merge_after=after) for tower in config.towers)
    (folder / "config.json").write_text(dataclasses.replace(config, towers=towers).to_json())
    return folder


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="a split of the simulated home")
    parser.add_argument("--model", type=Path, default=DEFAULT_MODEL)
    parser.add_argument("--after", type=int, nargs="+", default=[1], help="layers to merge after")
    parser.add_argument("--style", default="default")
    parser.add_argument("--limit", type=int, default=0, help="only the first N pictures")
    args = parser.parse_args()
    rows = json.loads((args.data / "captions.json").read_text())["images"]
    rows = rows[: args.limit] if args.limit else rows
    table = Table("", "tokens", "CIDEr", "CIDEr refined")
    with tempfile.TemporaryDirectory() as work:
        models = {"as trained": args.model}
        for after in args.after:
            models[f"merged after layer {after}"] = merging(args.model, Path(work) / str(after), after)
        for name, model in models.items():
            captioner = load_captioner(model, "torch", dtype="fp32")
            said = []
            for start in tqdm(range(0, len(rows), BATCH), desc=name, file=sys.stderr):
                files = [args.data / "images" / row["file_name"] for row in rows[start : start + BATCH]]
                said += captioner.describe(list(map(load_image, files)), CaptionOptions(style=args.style))
            captioner.close()
            cider = [
                coco(dict(zip((row["id"] for row in rows), texts, strict=True)), args.data, args.style)[
                    "CIDEr"
                ]
                for texts in ([d.initial for d in said], [d.refined for d in said])
            ]
            table.add_row(name, str(SerConfig.load(model).patches), *map("{:.1f}".format, cider))
    Console(width=120).print(f"{len(rows)} pictures of {args.data}, style {args.style}", table)


if __name__ == "__main__":
    main()
