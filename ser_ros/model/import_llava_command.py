"""`ser_ros import-llava DIR OUT`: bring in weights that the paper's authors published."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path


def add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("folder", type=Path, metavar="DIR", help="LLaVA-OPT checkpoint folder")
    parser.add_argument("out", type=Path, metavar="OUT", help="model folder to write")
    parser.add_argument(
        "--vision-tower", type=Path, metavar="DIR", help="CLIP folder, if it is not where the checkpoint says"
    )
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def run(args: argparse.Namespace) -> int:
    from ser_ros.model.import_llava import import_llava

    imported = import_llava(args.folder, args.vision_tower)
    model = imported.model
    parameters = sum(weight.numel() for weight in model.parameters())
    card = (
        f"# {args.folder.name}, imported from LLaVA-OPT\n\n"
        f"{parameters:,} parameters; vision tower from {Path(imported.tower).name}. First glance "
        "only: it has no DeepLens until stage 2 is trained. Data, training and scores: see where the weights "
        "came from.\n"
    )
    model.save_pretrained(args.out, card=card)
    if args.json:
        result = {
            "out": str(args.out),
            "parameters": parameters,
            "vision_tower": imported.tower,
            "left_out": imported.left_out,
        }
        print(json.dumps(result))
        return 0
    print(f"{args.out}: {parameters:,} parameters, vision tower from {imported.tower}")
    if imported.left_out:
        print(
            f"left out {len(imported.left_out)} tensors, the first is {imported.left_out[0]}", file=sys.stderr
        )
    return 0
